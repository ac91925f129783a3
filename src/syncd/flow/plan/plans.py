"""Plans: what a revision would change, worked out, kept, and shown before anything is done."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.config.bundle import Bundle
from syncd.domain.plan import PlanAction, fingerprint, summarise
from syncd.errors import NotFoundError
from syncd.flow.plan.lines import PlannedLine
from syncd.flow.plan.planned import ConnectionPlan
from syncd.flow.plan.planning import lines_of, work_out
from syncd.flow.services import Services
from syncd.flow.standing import standings
from syncd.ledger.store import Transaction
from syncd.ledger.tables import Plan
from syncd.ledger.tables.core import placements
from syncd.mapping.rulebook import Rulebook

__all__ = ["Plan", "changed_files", "list_plans", "make_plan", "plans", "read_plan"]

from syncd.ledger.tables.core import plans

SHORTEST_ID = 4
_KINDS = {"images": "image", "videos": "video", "copies": "copy"}


async def make_plan(services: Services, files: Mapping[str, str] | None, principal: str, *, revision: str = "") -> Plan:
    """Work a plan out and keep it.

    Args:
        files: a candidate, as the files on somebody's disk are; None for a revision the ledger has.
        revision: its id or a prefix; "" for the active one.

    Returns:
        the plan; the one made before, if it says the same and was not applied.

    Raises:
        problems.InvalidFiles: the candidate is not valid; nothing was kept. NotFoundError: no such revision.
    """
    configuration = services.configuration
    if files is not None:
        rulebook = await configuration.store(files)
    else:
        rulebook = await configuration.rulebook(revision) if revision else configuration.active
    found = await work_out(services, rulebook)
    body = await _body(services, rulebook, found)
    print_ = fingerprint(planned.line for planned in lines_of(found))
    async with services.ledger.write() as transaction:
        identifier = await _keep(transaction, rulebook, print_, body, principal)
    return await read_plan(services, identifier)


async def _keep(
    transaction: Transaction, rulebook: Rulebook, print_: str, body: Mapping[str, Any], principal: str
) -> str:
    revision = rulebook.bundle.revision
    same = await transaction.execute(
        sa.select(plans.c.id)
        .where(plans.c.revision == revision, plans.c.fingerprint == print_, plans.c.applied_at.is_(None))
        .order_by(plans.c.created_at.desc())
    )
    known = same.scalars().first()
    values = {"body": dict(body), "created_at": transaction.now, "created_by": principal}
    if known is not None and not await _is_partly_applied(transaction, known):
        await transaction.execute(sa.update(plans).where(plans.c.id == known).values(**values))
        return str(known)
    identifier = await _free_id(transaction, f"{print_}{revision}{transaction.now.isoformat()}")
    brands = list(rulebook.bundle.brands)
    await transaction.execute(
        sa.insert(plans).values(
            id=identifier, brand=brands[0] if len(brands) == 1 else "", revision=revision, fingerprint=print_,
            applied_by="", **values,
        )
    )  # fmt: skip
    for brand in brands:
        transaction.record(brand, "plan.made", identifier, revision, fingerprint=print_, by=principal)
    return identifier


async def _is_partly_applied(transaction: Transaction, identifier: str) -> bool:
    body = await transaction.execute(sa.select(plans.c.body).where(plans.c.id == identifier))
    return bool(body.scalar_one().get("applied"))


async def _free_id(transaction: Transaction, content: str) -> str:
    """As few hex digits as name it alone, four at least."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    taken = await transaction.execute(
        sa.select(plans.c.id).where(plans.c.id.startswith(digest[:SHORTEST_ID], autoescape=True))
    )
    known = set(taken.scalars())
    return next(digest[:size] for size in range(SHORTEST_ID, len(digest) + 1) if digest[:size] not in known)


async def read_plan(services: Services, identifier: str) -> Plan:
    """A plan by its id.

    Raises:
        NotFoundError: no such plan.
    """
    async with services.ledger.reading() as session:
        found = await session.get(Plan, identifier)
    if found is None:
        raise NotFoundError(f"There is no plan {identifier}.", remedy="`syncd plan` makes one and names it.")
    return found


async def list_plans(services: Services, after: tuple[datetime, str] | None, limit: int) -> Sequence[Any]:
    """Plans, newest first: id, revision, created_at, created_by, applied_at, applied_by; one more than `limit`."""
    columns = ("id", "revision", "created_at", "created_by", "applied_at", "applied_by")
    query = sa.select(*(plans.c[name] for name in columns))
    if after is not None:
        position = sa.tuple_(sa.literal(after[0], plans.c.created_at.type), sa.literal(after[1]))
        query = query.where(sa.tuple_(plans.c.created_at, plans.c.id) < position)
    async with services.ledger.read() as reading:
        rows = await reading.execute(query.order_by(plans.c.created_at.desc(), plans.c.id.desc()).limit(limit + 1))
        return rows.all()


# --- what a plan holds ------------------------------------------------------------------------------------------------


async def _body(services: Services, rulebook: Rulebook, found: Sequence[ConnectionPlan]) -> dict[str, Any]:
    lines = lines_of(found)
    renders: dict[str, str] = {}
    for plan in found:
        renders |= plan.renders
    counted = list(renders.values())
    return {
        "because": await _because(services, rulebook, found),
        "dropped": await _dropped(services, rulebook.bundle),
        "connections": [_connection(plan) for plan in found],
        "renders": {
            "images": counted.count("image"),
            "videos": counted.count("video"),
            "copies": counted.count("copy"),
        },
        "lines": [planned.as_json() for planned in lines],
        "applied": [],
    }


def _connection(plan: ConnectionPlan) -> dict[str, Any]:
    counts = summarise(planned.line for planned in plan.lines).get(plan.name)
    actions = {action.value: getattr(counts, action.value) if counts else 0 for action in PlanAction}
    return {
        "name": plan.name,
        "brand": plan.brand,
        "roles": list(plan.roles),
        "writes": plan.writes,
        "first": plan.waits,
        "restored": plan.state.restored,
        "paused": plan.state.paused,
        "unread": plan.unread,
        **actions,
        "calls": plan.calls,
        "seconds": round(plan.seconds, 1),
        "others": plan.others,
        "inferred": plan.inferred,
        "brake_allows": plan.brake_allows,
        "held_because": _held_because(plan.lines),
    }


def _held_because(lines: Sequence[PlannedLine]) -> list[dict[str, Any]]:
    """Held lines by cause, the most frequent first, each with one example."""
    by_cause: dict[str, list[PlannedLine]] = {}
    for planned in lines:
        if planned.line.action is PlanAction.HELD:
            by_cause.setdefault(planned.line.cause, []).append(planned)
    return [
        {
            "cause": cause, "count": len(those), "why": those[0].line.why, "sku": those[0].sku,
            "asset": those[0].asset,
        }
        for cause, those in sorted(by_cause.items(), key=lambda item: (-len(item[1]), item[0]))
    ]  # fmt: skip


async def _because(services: Services, rulebook: Rulebook, found: Sequence[ConnectionPlan]) -> list[str]:
    """The files that differ from those that content follows now."""
    async with services.ledger.read() as reading:
        states = await standings(reading, [plan.name for plan in found if plan.writes == "ask"])
    followed = {state.revision for state in states.values() if state.revision}
    changed = changed_files(services.configuration.active.bundle.files, rulebook.bundle.files)
    for revision in followed:
        if revision != rulebook.bundle.revision:
            older = await services.configuration.rulebook(revision)
            changed |= changed_files(older.bundle.files, rulebook.bundle.files)
    return sorted(changed)


def changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Paths of the files that are not the same in both."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


async def _dropped(services: Services, bundle: Bundle) -> dict[str, int]:
    """Connections the revision has no more and where media of ours still stand: how many."""
    query = (
        sa.select(placements.c.connection, sa.func.count())
        .where(
            placements.c.connection.not_in(list(bundle.connections)),
            placements.c.state.in_(("sent", "accepted", "live", "shown", "withdrawing")),
        )
        .group_by(placements.c.connection)
    )
    async with services.ledger.read() as reading:
        return {row[0]: row[1] for row in await reading.execute(query)}
