"""The work table: marking keys as due, claiming them, and finishing them only if nothing changed meanwhile."""

from __future__ import annotations

import enum
import functools
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables import Counter, Lane, Work
from syncd.ledger.tables.base import table
from syncd.ledger.types import Row

LOCAL = "local"
CLAIM_LIFE = timedelta(seconds=10)
_ROWS_PER_STATEMENT = 500
GENERATIONS = sa.Sequence("work_generation")

work = table(Work)
lanes = table(Lane)


class Urgency(enum.IntEnum):
    """The class of a key: takedowns go before publishing, publishing before backfill."""

    TAKEDOWN = 0
    PUBLISH = 1
    BACKFILL = 2


@dataclass(frozen=True, slots=True)
class Due:
    """A key to mark as due. `at` None: now. `replay` also ends a back-off, as a takedown does."""

    brand: str
    lane: str
    kind: str
    key: str
    urgency: Urgency = Urgency.PUBLISH
    at: datetime | None = None
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A key a worker holds. `token` and `generation` must still be the row's when it finishes."""

    id: int
    brand: str
    lane: str
    kind: str
    key: str
    urgency: Urgency
    generation: int
    token: str
    attempts: int
    epoch: int = 0
    failed_before: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """How a claimed key ends: due again at an instant, gone, backing off, or parked until a person acts."""

    claim: Claim
    due_at: datetime | None = None
    urgency: Urgency = Urgency.PUBLISH
    not_before: datetime | None = None
    error: str | None = None
    parked: bool = False


async def touch(transaction: Transaction, dues: Iterable[Due]) -> int:
    """Mark keys as due inside the caller's transaction.

    A key already due keeps the earlier instant and the more urgent class, and gets a new generation: a worker that
    holds it will find out and the key runs again.

    Returns:
        The newest generation given, 0 if nothing was touched.
    """
    rows = [_row(due, transaction.now) for due in dues]
    newest = 0
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        newest = await _number(transaction, part)
        await transaction.execute(_upsert(transaction.dialect), part)
        transaction.woken.update(row["lane"] for row in part)
    return newest


def _row(due: Due, now: datetime) -> dict[str, Any]:
    return {
        "brand": due.brand,
        "lane": due.lane,
        "kind": due.kind,
        "key": due.key,
        "urgency": int(due.urgency),
        "due_at": due.at or now,
        "attempts": 0,
        "at_once": due.replay or due.urgency == Urgency.TAKEDOWN,
    }


async def _number(transaction: Transaction, rows: list[dict[str, Any]]) -> int:
    """Give each row a generation that never was and never will be again."""
    if transaction.dialect == "postgresql":
        numbers = sa.select(sa.func.nextval(GENERATIONS.name)).select_from(
            sa.func.generate_series(1, len(rows)).alias()
        )
        found = [number for (number,) in await transaction.execute(numbers)]
    else:
        last = await next_number(transaction, "generation", len(rows))
        found = list(range(last - len(rows) + 1, last + 1))
    for row, generation in zip(rows, found, strict=True):
        row["generation"] = generation
    return int(max(found))


async def next_number(transaction: Transaction, name: str, count: int = 1) -> int:
    """Advance a counter of the ledger by `count`; returns its new value."""
    counter = table(Counter)
    insert = _insert(transaction.dialect)(counter).values(name=name, value=count)
    statement = insert.on_conflict_do_update(
        index_elements=["name"], set_={"value": counter.c.value + count}
    ).returning(counter.c.value)
    return int((await transaction.execute(statement)).scalar_one())


def _insert(dialect: str) -> Any:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


_UPSERTS: dict[str, Any] = {}


def _upsert(dialect: str) -> Any:
    if dialect not in _UPSERTS:
        _UPSERTS[dialect] = _build_upsert(dialect)
    return _UPSERTS[dialect]


def _build_upsert(dialect: str) -> Any:
    insert = _insert(dialect)(work).values(
        {
            name: sa.bindparam(name)
            for name in ("brand", "lane", "kind", "key", "urgency", "due_at", "generation", "attempts")
        }
    )
    new = insert.excluded
    earlier = sa.or_(work.c.due_at.is_(None), new.due_at < work.c.due_at)
    at_once = sa.bindparam("at_once", type_=sa.Boolean)
    return insert.on_conflict_do_update(
        index_elements=["brand", "lane", "kind", "key"],
        set_={
            "due_at": sa.case((earlier, new.due_at), else_=work.c.due_at),
            "urgency": sa.case((new.urgency < work.c.urgency, new.urgency), else_=work.c.urgency),
            "generation": new.generation,
            "not_before": sa.case((at_once, sa.null()), else_=work.c.not_before),
        },
    )


def database_time(ledger: Ledger) -> sa.ColumnElement[datetime]:
    """The database's time, which all processes share; on SQLite there is one process, so its clock serves."""
    instant = ledger.clock.database_now()
    if instant is None and not ledger.embedded:
        return sa.func.clock_timestamp()
    return sa.literal(instant or ledger.clock.now(), type_=work.c.due_at.type)


async def claim(
    transaction: Transaction, ledger: Ledger, lane: str, kind: str, urgency: Urgency, limit: int, epoch: int = 0
) -> list[Claim]:
    """Take up to `limit` due keys of one class; whoever else asks meanwhile gets others."""
    now, shared_now = transaction.now, database_time(ledger)
    free = (
        sa.select(work.c.id)
        .where(
            work.c.lane == lane,
            work.c.kind == kind,
            work.c.urgency == int(urgency),
            work.c.due_at <= now,
            sa.or_(work.c.not_before.is_(None), work.c.not_before <= now),
            sa.or_(work.c.claimed_until.is_(None), work.c.claimed_until < shared_now),
        )
        .order_by(work.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    token = secrets.token_hex(8)
    statement = (
        sa.update(work)
        .where(work.c.id.in_(free.scalar_subquery()))
        .values(
            claim_token=token,
            claimed_until=_claim_end(ledger, shared_now),
            attempts=work.c.attempts + 1,
        )
        .returning(work)
    )
    rows = (await transaction.execute(statement)).all()
    return [_claim(row, token, epoch) for row in sorted(rows, key=lambda row: (row.due_at, row.id))]


def _claim_end(ledger: Ledger, shared_now: sa.ColumnElement[datetime]) -> Any:
    if isinstance(shared_now, sa.BindParameter):
        return (ledger.clock.database_now() or ledger.clock.now()) + CLAIM_LIFE
    return shared_now + CLAIM_LIFE


def _claim(row: Row, token: str, epoch: int) -> Claim:
    return Claim(
        id=row.id,
        brand=row.brand,
        lane=row.lane,
        kind=row.kind,
        key=row.key,
        urgency=Urgency(row.urgency),
        generation=row.generation,
        token=token,
        attempts=row.attempts,
        epoch=epoch,
        failed_before=row.error is not None,
    )


async def heartbeat(transaction: Transaction, ledger: Ledger, tokens: Sequence[str]) -> None:
    """Extend claims that are still being worked on."""
    shared_now = database_time(ledger)
    await transaction.execute(
        sa.update(work).where(work.c.claim_token.in_(tokens)).values(claimed_until=_claim_end(ledger, shared_now))
    )


async def still_held(transaction: Transaction, claims: Sequence[Claim]) -> Mapping[int, int]:
    """Which of these claims are still ours, locked until the transaction ends: row id → its generation now.

    A claim of a lane counts only while the lane's epoch is the one it was taken under.
    """
    held: dict[int, int] = {}
    tokens = {claim.id: claim.token for claim in claims}
    epochs = {claim.lane: claim.epoch for claim in claims if claim.epoch}
    stale = await _lapsed_lanes(transaction, epochs) if epochs else frozenset()
    ids = list(tokens)
    for start in range(0, len(ids), _ROWS_PER_STATEMENT):
        part = ids[start : start + _ROWS_PER_STATEMENT]
        rows = await transaction.execute(
            sa.select(work.c.id, work.c.generation, work.c.claim_token, work.c.lane)
            .where(work.c.id.in_(part))
            .order_by(work.c.id)
            .with_for_update()
        )
        held |= {row.id: row.generation for row in rows if row.claim_token == tokens[row.id] and row.lane not in stale}
    return held


async def _lapsed_lanes(transaction: Transaction, epochs: Mapping[str, int]) -> frozenset[str]:
    rows = await transaction.execute(
        sa.select(lanes.c.name, lanes.c.epoch).where(lanes.c.name.in_(epochs)).with_for_update(read=True)
    )
    current: dict[str, int] = {row.name: row.epoch for row in rows}
    return frozenset(lane for lane, epoch in epochs.items() if current.get(lane) != epoch)


async def finish(transaction: Transaction, finishes: Sequence[Finish], held: Mapping[int, int]) -> None:
    """Write how claimed keys end. A key touched during its claim is set free and runs again."""
    touched, done, later = [], [], []
    for item in finishes:
        if item.claim.id not in held:
            continue
        if held[item.claim.id] != item.claim.generation and not item.error:
            touched.append(item.claim.id)
        elif item.due_at is None and not item.parked and not item.error:
            done.append(item.claim.id)
        else:
            later.append(item)
    for ids in _parts(touched):
        await transaction.execute(
            sa.update(work)
            .where(work.c.id.in_(ids))
            .values(claim_token=None, claimed_until=None, attempts=0, error=None)
        )
    for ids in _parts(done):
        await transaction.execute(sa.delete(work).where(work.c.id.in_(ids)))
    if later:
        await transaction.execute(_RESCHEDULE, [_rescheduled(item, held) for item in later])
    if touched or later:
        transaction.woken.update(item.claim.lane for item in finishes)


def _parts(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _ROWS_PER_STATEMENT] for start in range(0, len(ids), _ROWS_PER_STATEMENT))


def _rescheduled(item: Finish, held: Mapping[int, int]) -> dict[str, Any]:
    touched = held[item.claim.id] != item.claim.generation
    return {
        "work_id": item.claim.id,
        "new_due_at": None if item.parked and not touched else (item.due_at or item.not_before),
        "new_urgency": int(item.claim.urgency if item.error else item.urgency),
        "new_not_before": item.not_before,
        "new_attempts": item.claim.attempts if item.error else 0,
        "new_error": item.error,
    }


_RESCHEDULE = (
    sa.update(work)
    .where(work.c.id == sa.bindparam("work_id"))
    .values(
        claim_token=None,
        claimed_until=None,
        due_at=sa.bindparam("new_due_at"),
        urgency=sa.bindparam("new_urgency"),
        not_before=sa.bindparam("new_not_before"),
        attempts=sa.bindparam("new_attempts"),
        error=sa.bindparam("new_error"),
    )
)


async def upcoming(connection: AsyncConnection, lane: str, kinds: Sequence[str]) -> list[tuple[str, Urgency, datetime]]:
    """The earliest due instant of each kind and class in a lane that has any."""
    rows = (await connection.execute(_upcoming(tuple(kinds)), {"lane": lane})).all()
    found = [(row.kind, Urgency(row.urgency), _aware(row.at)) for row in rows if row.at is not None]
    return sorted(found, key=lambda item: (item[1], item[2]))


@functools.lru_cache(maxsize=256)
def _upcoming(kinds: tuple[str, ...]) -> sa.CompoundSelect[tuple[str, int, Any]]:
    """Built once for each set of kinds: building it costs eight times as much as running it."""
    branches = [
        sa.select(
            sa.literal(kind).label("kind"),
            sa.literal(int(urgency)).label("urgency"),
            sa.func.min(work.c.due_at).label("at"),
        ).where(work.c.lane == sa.bindparam("lane"), work.c.kind == kind, work.c.urgency == int(urgency))
        for kind in kinds
        for urgency in Urgency
    ]
    return sa.union_all(*branches)


def _aware(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
