"""What a plan cannot do yet, so that it is never silent about it: content in review, without a product or a listing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.asset import VersionStatus
from syncd.domain.plan import PlanAction, PlanLine
from syncd.errors import RejectedError, SyncdError
from syncd.flow import places
from syncd.flow.plan.foresight import Foresight
from syncd.flow.plan.lines import PlannedLine
from syncd.flow.plan.planned import ConnectionPlan
from syncd.flow.plan.scope import Known
from syncd.flow.renditions import intents
from syncd.flow.services import Services
from syncd.flow.subject import ROW
from syncd.ledger.tables.core import matches, versions
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook

_PAGE = 200
_PENDING = {
    VersionStatus.RECEIVED: "being checked",
    VersionStatus.HELD: "held before review",
    VersionStatus.IN_REVIEW: "in review",
    VersionStatus.CHANGES: "changes were asked for",
}
_UNMATCHED = {"unmatched": "no product found for it", "suggested": "a person must confirm its product"}


async def tell(
    services: Services, rulebook: Rulebook, brand: str, plans: Sequence[ConnectionPlan], foresight: Foresight
) -> None:
    """Add a held line per derivative of each version that is not approved, or whose product is not known."""
    by_name = {plan.name: plan for plan in plans}
    last = ""
    while True:
        async with services.ledger.read() as reading:
            query = ROW.where(
                versions.c.brand == brand, versions.c.current, versions.c.id > last, versions.c.facts.is_not(None),
                versions.c.status.in_([*(status.value for status in _PENDING), VersionStatus.APPROVED.value]),
            )  # fmt: skip
            page = (await reading.execute(query.order_by(versions.c.id).limit(_PAGE))).all()
            if not page:
                return
            held = await _held(reading, page, foresight)
            try:
                targets, _ = await intents.load(reading, rulebook, list(held))
            except RejectedError:
                targets = {}
        for row in page:
            for target in targets.get(row.version_id, ()):
                plan = by_name.get(target.connection)
                cause, why = held[row.version_id]
                if plan and not plan.unread and _concerns(plan, row):
                    plan.lines.append(_line(plan, row, f"{row.asset_id}:{target.suffix}", cause, why))
        last = page[-1].version_id


def _concerns(plan: ConnectionPlan, row: Row) -> bool:
    """A library takes what is approved whether or not its product is known; a catalogue waits for the product."""
    if row.status == VersionStatus.APPROVED:
        return "channel" in plan.roles
    return bool({"channel", "library"} & set(plan.roles))


async def _held(reading: AsyncConnection, page: Sequence[Row], foresight: Foresight) -> dict[str, tuple[str, str]]:
    """Why versions do not go on: version → stable cause, words."""
    query = sa.select(matches.c.asset_id, matches.c.status).where(matches.c.asset_id.in_([r.asset_id for r in page]))
    matched = {row.asset_id: row.status for row in await reading.execute(query)}
    matched |= {asset: "confirmed" if sku else "unmatched" for asset, sku in foresight.products.items()}
    found = {}
    for row in page:
        status = VersionStatus(row.status)
        if status in _PENDING:
            found[row.version_id] = (status.value, f"version {row.number} of {row.file_name} is {_PENDING[status]}")
        elif not row.withdrawn_at and (match := matched.get(row.asset_id, "unmatched")) != "confirmed":
            found[row.version_id] = (match, f"{row.file_name}: {_UNMATCHED[match]}")
    return found


def _line(plan: ConnectionPlan, row: Row, key: str, cause: str, why: str) -> PlannedLine:
    place = places.place(places.ARCHIVE, row.asset_id)
    line = PlanLine(plan.name, place, PlanAction.HELD, key, cause, why, after=f"v{row.number}")
    return PlannedLine(line, plan.brand, asset=row.asset_id, title=row.title)


def unidentified(plan: ConnectionPlan, known: Known) -> list[PlannedLine]:
    """A held line for each product that is shown by content and has no listing here, or several."""
    return [
        PlannedLine(
            PlanLine(
                plan.name, places.place(places.LINK, sku), PlanAction.HELD, "", "identity",
                f"{plan.name} has {count or 'no'} listing{'s' if count else ''} for {sku}",
            ),
            plan.brand, sku,
        )
        for sku, count in known.unidentified.items()
    ]  # fmt: skip


def failed(plan: ConnectionPlan, key: str, known: Known, error: SyncdError) -> PlannedLine:
    """The line of a place whose rules have no answer."""
    line = PlanLine(plan.name, key, PlanAction.HELD, "", "rule_failed", error.what)
    return PlannedLine(line, plan.brand, known.skus.get(key, ""))
