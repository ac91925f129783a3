"""Events of the Event Platform (SaaS): CloudEvents by HTTPS, signed; and its notices that a subscription was suspended.

https://api.akeneo.com/event-platform/concepts.html, available-events.html and notification-webhooks.html, 2026-08-18.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from syncd.errors import HookRefused, RejectedError
from syncd.sdk import hooks
from syncd.sdk.changes import Change, Subject
from syncd.sdk.source import HookRequest, RawItem
from syncd.systems.akeneo.mark import Codes
from syncd.systems.akeneo.options import AssetOptions, EventOptions

SIGNATURES = ("x-akeneo-signature-primary", "x-akeneo-signature-secondary")
_TYPES = "com.akeneo.pim.v1."
_EVERYTHING = (Change(Subject.EVERYTHING),)


class Events:
    """What one subscription sends."""

    def __init__(self, options: EventOptions, models: bool, assets: AssetOptions | None) -> None:
        """
        Args:
            models: product models count as products.
            assets: which asset family is ours, and how our assets are called there.
        """
        self._auth = hooks.HmacAuth(scheme="hmac", keys=options.keys, header=SIGNATURES[0])
        self._tolerance, self._models = options.tolerance, models
        self._family = assets.family if assets else ""
        self._codes = Codes(assets.prefix) if assets else None

    def verify(self, request: HookRequest) -> RawItem:
        """Accept an event; its id is Akeneo's, by which a repeated one is dropped.

        Raises:
            HookRefused: it is not signed with a key of ours, or too old.
        """
        # Akeneo signs with two secrets while one replaces the other: either will do.
        given = " ".join(request.headers[name] for name in SIGNATURES if name in request.headers)
        self._auth.verify(replace(request, headers={SIGNATURES[0]: given}))
        event = _object(request.body)
        # No header tells when it was sent; its own time is signed with the rest of it.
        hooks.require_recent(
            str(event.get("time") or event.get("timestamp") or ""), request.received_at, self._tolerance
        )
        return RawItem(request.body, str(event["id"]) if event.get("id") else None)

    def heard(self, item: RawItem) -> Sequence[Change]:
        """What an event says has changed; nothing where that is none of ours to know.

        Raises:
            RejectedError: it lacks what an event of its type must have.
        """
        event = _object(item.body)
        if "notification_type" in event:  # while it was suspended, events were lost
            return _EVERYTHING
        kind = str(event.get("type", "")).removeprefix(_TYPES)
        data = event.get("data")
        author = data.get("author") if isinstance(data, dict) else None
        by = str(author.get("identifier") or "") if isinstance(author, dict) else ""
        found = self._changes(kind.partition(".")[0], data if isinstance(data, dict) else {}, kind)
        return [replace(change, by=by, at=_instant(event.get("time"))) for change in found]

    def _changes(self, subject: str, data: Mapping[str, Any], kind: str) -> Sequence[Change]:
        match subject:
            case "product":
                product = _member(data, "product", kind)
                name = product.get("identifier")  # sent where the subscription has send_product_identifier
                return [Change(Subject.PRODUCT, str(name))] if name else _EVERYTHING
            case "product-model":
                model = _member(data, "product_model", kind)
                # What is common to its variants is theirs as well, and which they are it does not tell.
                own = [Change(Subject.PRODUCT, str(model.get("code")))] if self._models and model.get("code") else []
                return [*own, *_EVERYTHING]
            case "asset" if self._codes is not None:
                asset = _member(data, "asset", kind)
                family = asset.get("asset_family")
                if not isinstance(family, dict) or family.get("code") != self._family:
                    return ()
                name = self._codes.asset(str(asset.get("code")))
                return [Change(Subject.ASSET, name)] if name else ()
            case _:
                return ()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise HookRefused("bad-body", "The request is signed, and no JSON.") from error
    if not isinstance(found, dict):
        raise HookRefused("bad-body", "The request is signed, and no JSON object.")
    return found


def _member(data: Mapping[str, Any], name: str, kind: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, dict):
        sample = json.dumps(data, ensure_ascii=False)[:200]
        raise RejectedError(f"An event `{kind}` of Akeneo has no `data.{name}`: {sample}", remedy="Report this sample.")
    return found


def _instant(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
