"""Resync: mark what is selected as due, whatever is believed to be right, and let convergence look at it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.plan import PlanAction
from syncd.engine import generations
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.errors import ConflictError, RejectedError
from syncd.flow.plan.lines import PlannedLine
from syncd.flow.plan.planning import work_out_places
from syncd.flow.resync.selection import Selection, selected
from syncd.flow.services import Services
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import jobs
from syncd.ledger.types import new_id

RESYNC = "resync"
_PAGE = 1000
_SHOWN = 200


class NoSelection(RejectedError):
    """Name at least one of asset, sku, connection, campaign, since, or `all`."""

    code = "resync.no-selection"


class KeyReused(ConflictError):
    """Use another Idempotency-Key for another request; the job of the first one goes on."""

    code = "idempotency.reused"


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, and the name they gave the request so that it is carried out once; `fingerprint` tells two apart."""

    principal: str
    key: str = ""
    fingerprint: str = ""


async def resync(services: Services, selection: Selection, request: Request, *, dry_run: bool = False) -> str:
    """Accept a resync. A request known by its key is answered with its job.

    Returns:
        the job's id.

    Raises:
        NoSelection: nothing selects. KeyReused: the key came with another request before. NotFoundError: a connection
            that does not exist.
    """
    if selection.empty:
        raise NoSelection("A resync of everything must say so.")
    for name in selection.connection:
        services.connections.config(name)
    if known := await _known(services, request):
        return known
    report = await _report(services, selection) if dry_run else {}
    identifier = new_id()
    async with services.ledger.write() as transaction:
        if known := await _find(transaction.connection, request):
            return known
        await transaction.execute(
            sa.insert(jobs).values(
                id=identifier, kind=RESYNC, selectors=selection.as_json(), principal=request.principal,
                idempotency_key=request.key, request_hash=request.fingerprint, dry_run=dry_run,
                total=report.get("keys", 0), floor=0, ceiling=0, report=report, created_at=transaction.now,
            )
        )  # fmt: skip
        if not dry_run:
            brand = next(iter(services.configuration.active.bundle.brands))
            transaction.record(brand, "resync.asked", identifier, by=request.principal)
            await touch(transaction, [Due(brand, LOCAL, RESYNC, identifier)])
    return identifier


async def _known(services: Services, request: Request) -> str | None:
    async with services.ledger.read() as reading:
        return await _find(reading, request)


async def _find(reading: AsyncConnection, request: Request) -> str | None:
    if not request.key:
        return None
    query = sa.select(jobs.c.id, jobs.c.request_hash).where(
        jobs.c.principal == request.principal, jobs.c.idempotency_key == request.key
    )
    row = (await reading.execute(query)).first()
    if row is not None and row.request_hash != request.fingerprint:
        raise KeyReused(f"The key {request.key} came with another request.", job=row.id)
    return str(row.id) if row is not None else None


# --- dry run ----------------------------------------------------------------------------------------------------------


async def _report(services: Services, selection: Selection) -> dict[str, Any]:
    """What would be looked at, and what would be written there now."""
    kinds: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    async for page in selected(services, selection, _PAGE):
        for due in page:
            kinds[f"{due.lane}/{due.kind}"] += 1
            if due.key.startswith(("listing:", "asset:", "product:")):
                places.setdefault(due.lane, []).append(due.key)
    lines: list[PlannedLine] = []
    for connection, keys in sorted(places.items()):
        lines += (await work_out_places(services, connection, sorted(set(keys)))).lines
    actions = Counter(planned.line.action.value for planned in lines)
    return {
        "keys": kinds.total(),
        "by_kind": dict(sorted(kinds.items())),
        "counts": {action.value: actions[action.value] for action in PlanAction},
        "lines": [planned.as_json() for planned in lines[:_SHOWN]],
        "more_lines": max(0, len(lines) - _SHOWN),
    }


# --- marking ----------------------------------------------------------------------------------------------------------


class ResyncHandler(OneByOne):
    """Key: a job. Marks what it selects, in short transactions; begun anew if its process dies."""

    kind = RESYNC
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async with self.services.ledger.read() as reading:
            job = (await reading.execute(sa.select(jobs).where(jobs.c.id == claim.key))).one()
        floor = ceiling = await generations.newest(self.services.ledger)
        total = 0
        async for page in selected(self.services, Selection.from_json(job.selectors), _PAGE):
            async with self.services.ledger.write() as transaction:
                ceiling = max(ceiling, await touch(transaction, page))
            total += len(page)

        async def effects(transaction: Transaction) -> None:
            values = {"total": total, "floor": floor, "ceiling": max(ceiling, 1)}
            await transaction.execute(sa.update(jobs).where(jobs.c.id == claim.key).values(**values))

        return Outcome(claim, urgency=Urgency.PUBLISH, effects=effects)
