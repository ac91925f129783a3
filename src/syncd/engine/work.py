"""The work table: marking keys as due, claiming them, and finishing them only if nothing changed meanwhile."""

from __future__ import annotations

import enum
import functools
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine import generations
from syncd.ledger.among import among
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import lanes, work

LOCAL = "local"
CLAIM_LIFE = timedelta(seconds=10)
_ROWS_PER_STATEMENT = 500


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


class Claim(NamedTuple):
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


class Finish(NamedTuple):
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
    rows.sort(
        key=_address
    )  # one order for all: two transactions that touch the same keys wait, and never for each other
    newest = 0
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        newest = await generations.number(transaction, part)
        await transaction.many(_upsert(transaction), part)
        transaction.woken.update(row["lane"] for row in part)
    return newest


def _address(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["brand"], row["lane"], row["kind"], row["key"]


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


_UPSERTS: dict[str, Any] = {}


def _upsert(transaction: Transaction) -> Any:
    if transaction.dialect not in _UPSERTS:
        _UPSERTS[transaction.dialect] = _build_upsert(transaction)
    return _UPSERTS[transaction.dialect]


def _build_upsert(transaction: Transaction) -> Any:
    insert = transaction.insert(work).values(
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
    instant = _shared_instant(ledger)
    return sa.func.clock_timestamp() if instant is None else sa.literal(instant, type_=work.c.due_at.type)


def _shared_instant(ledger: Ledger) -> datetime | None:
    """The instant that serves as the database's time; None where the database itself is asked."""
    return ledger.clock.database_now() or (ledger.clock.now() if ledger.embedded else None)


async def claim(
    transaction: Transaction, ledger: Ledger, lane: str, kind: str, urgency: Urgency, limit: int, epoch: int = 0
) -> list[Claim]:
    """Take up to `limit` due keys of one class; whoever else asks meanwhile gets others."""
    token, shared_now = secrets.token_hex(8), _shared_instant(ledger)
    parameters = {
        "in_lane": lane, "of_kind": kind, "of_urgency": int(urgency), "now": transaction.now, "most": limit,
        "token": token,
    }  # fmt: skip
    if shared_now is not None:
        parameters |= {"shared_now": shared_now, "claim_end": shared_now + CLAIM_LIFE}
    rows: Sequence[Any] = (await transaction.execute(_claiming(shared_now is None), parameters)).all()
    return [
        Claim(identifier, brand, lane, kind, key, urgency, generation, token, attempts, epoch, error is not None)
        for identifier, brand, key, generation, attempts, error, _ in sorted(rows, key=_by_due)
    ]


def _by_due(row: Any) -> tuple[datetime, int]:
    return row[-1], row[0]


@functools.cache
def _claiming(by_database: bool) -> sa.Executable:
    """The statement that claims, by the database's time or by the instant it is given."""
    now = sa.bindparam("now", type_=work.c.due_at.type)
    shared_now, end = (
        (sa.func.clock_timestamp(), sa.func.clock_timestamp() + CLAIM_LIFE)
        if by_database
        else (sa.bindparam(name, type_=work.c.due_at.type) for name in ("shared_now", "claim_end"))
    )
    free = (
        sa.select(work.c.id)
        .where(
            work.c.lane == sa.bindparam("in_lane"),
            work.c.kind == sa.bindparam("of_kind"),
            work.c.urgency == sa.bindparam("of_urgency"),
            work.c.due_at <= now,
            sa.or_(work.c.not_before.is_(None), work.c.not_before <= now),
            sa.or_(work.c.claimed_until.is_(None), work.c.claimed_until < shared_now),
        )
        .order_by(work.c.due_at)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return (
        sa.update(work)
        .where(work.c.id.in_(free.scalar_subquery()))
        .values(claim_token=sa.bindparam("token"), claimed_until=end, attempts=work.c.attempts + 1)
        .returning(
            work.c.id, work.c.brand, work.c.key, work.c.generation, work.c.attempts, work.c.error,
            sa.type_coerce(work.c.due_at, sa.String).label("due"),
        )
    )  # fmt: skip


async def heartbeat(transaction: Transaction, ledger: Ledger, tokens: Sequence[str]) -> None:
    """Extend claims that are still being worked on."""
    end = database_time(ledger) + CLAIM_LIFE if (now := _shared_instant(ledger)) is None else now + CLAIM_LIFE
    await transaction.execute(sa.update(work).where(among(work.c.claim_token, tokens)).values(claimed_until=end))


async def still_held(transaction: Transaction, claims: Sequence[Claim]) -> Mapping[int, int]:
    """Which of these claims are still ours, locked until the transaction ends: row id → its generation now.

    A claim of a lane counts only while the lane's epoch is the one it was taken under.
    """
    tokens = {claim.id: claim.token for claim in claims}
    epochs = {claim.lane: claim.epoch for claim in claims if claim.epoch}
    stale = await _lapsed_lanes(transaction, epochs) if epochs else frozenset()
    rows: Sequence[Any] = (await transaction.execute(_HELD, {"ids": list(tokens)})).all()
    return {
        identifier: generation
        for identifier, generation, token, lane in rows
        if token == tokens[identifier] and lane not in stale
    }


_HELD = (
    sa.select(work.c.id, work.c.generation, work.c.claim_token, work.c.lane)
    .where(among(work.c.id, "ids"))
    .order_by(work.c.id)
    .with_for_update()
)


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
    if touched:
        await transaction.execute(_SET_FREE, {"ids": touched})
    if done:
        await transaction.execute(_DELETE, {"ids": done})
    if later:
        await transaction.execute(_RESCHEDULE, [_rescheduled(item, held, transaction.now) for item in later])
    if touched or later:
        transaction.woken.update(item.claim.lane for item in finishes)


_SET_FREE = (
    sa.update(work).where(among(work.c.id, "ids")).values(claim_token=None, claimed_until=None, attempts=0, error=None)
)
_DELETE = sa.delete(work).where(among(work.c.id, "ids"))


def _rescheduled(item: Finish, held: Mapping[int, int], now: datetime) -> dict[str, Any]:
    touched = held[item.claim.id] != item.claim.generation
    waits = None if item.parked else item.due_at or item.not_before
    return {
        "work_id": item.claim.id,
        "new_due_at": now if item.parked and touched else waits,
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


async def due(connection: AsyncConnection, lane: str, kind: str, urgency: Urgency, now: datetime, most: int) -> int:
    """How many keys of a class are due; counted no further than `most`."""
    some = (
        sa.select(work.c.id)
        .where(work.c.lane == lane, work.c.kind == kind, work.c.urgency == int(urgency), work.c.due_at <= now)
        .limit(most)
    )
    return int((await connection.execute(sa.select(sa.func.count()).select_from(some.subquery()))).scalar_one())


def _aware(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
