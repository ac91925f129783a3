"""What Amazon's notifications say has changed. Pure.

The schemas are those of schemas/notifications in amzn/selling-partner-api-models 34dc93f, 2026-08-05; some kinds write
their members in camelCase.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from syncd.errors import RejectedError
from syncd.sdk.changes import Change, Subject
from syncd.systems.amazon import shape
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.locators import SLOT_OF

STATUS = "LISTINGS_ITEM_STATUS_CHANGE"
ISSUES = "LISTINGS_ITEM_ISSUES_CHANGE"
CONTENT = "BRANDED_ITEM_CONTENT_CHANGE"
PAYLOADS: dict[str, str] = {STATUS: "1.0", ISSUES: "2023-12-13", CONTENT: "1.0"}
"""Each kind that is understood, with the version of its payload."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification: of a listing by its SKU, or of a page of the catalogue by its ASIN.

    `seller` is "" where it names none, `marketplace` where it is meant for all.
    """

    kind: str
    seller: str = ""
    marketplace: str = ""
    sku: str = ""
    asin: str = ""
    status: str = ""
    at: datetime | None = None

    def changes(self, marketplaces: Sequence[str]) -> list[Change]:
        """The listings it is about, among these marketplaces."""
        meant = [each for each in marketplaces if self.marketplace in ("", each)]
        names = [ListingName(self.sku, each) for each in meant] if self.sku else []
        return [Change(Subject.LISTING, str(name), self.status, at=self.at) for name in names]


def notice_of(body: str) -> Notice:
    """Understand a message. Raises RejectedError if it is no notification, or lacks what its kind always has."""
    try:
        raw = json.loads(body)
    except ValueError as error:
        raise RejectedError("A message in the queue is no JSON.") from error
    members = _lower(raw) if isinstance(raw, dict) else {}
    kind = shape.member(members, "notificationtype", str, "A message in the queue")
    payload = members.get("payload")
    if kind not in PAYLOADS or not isinstance(payload, dict):
        return Notice(kind)
    return _notice(kind, _lower(payload), members.get("eventtime"))


def _notice(kind: str, payload: Mapping[str, Any], at: Any) -> Notice:
    where = f"A notification {kind}"
    known = Notice(kind, marketplace=str(payload.get("marketplaceid", "")), at=_instant(at))
    if kind == CONTENT:
        changed = shape.member(payload, "attributeschanged", list, where)
        asin = shape.member(payload, "asin", str, where)
        return replace(known, asin=asin if any(name in SLOT_OF for name in changed) else "")
    status = payload.get("status") if kind == STATUS else ()
    return replace(
        known,
        seller=shape.member(payload, "sellerid", str, where),
        sku=shape.member(payload, "sku", str, where),
        status="+".join(sorted(map(str, status or ()))),
    )


def _lower(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in raw.items()}


def _instant(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
