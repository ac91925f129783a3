"""Keys drained: the engine with a handler that reads one row and writes one event, against a raw SQL loop that does the
same to the same tables in the same batches.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from bench.postgres import Server
from bench.report import Line, median_ratio, per_second
from syncd.clock import SystemClock
from syncd.engine import work
from syncd.engine.engine import Engine
from syncd.engine.handler import Effects, Handler, Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.work import LOCAL, Claim, Due
from syncd.ledger import trail
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import meta
from syncd.ledger.tables.core import work as work_table
from syncd.telemetry.metrics import Metrics

KEYS = 20_000
BATCH = 500
ROUNDS = 5
KIND, BRAND = "probe", "acme"


class Probe:
    """Reads the row a key names and writes an event with its value."""

    kind, batch, parallel, lingers = KIND, BATCH, 2, False

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.taken = ledger, 0

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        self.taken += len(claims)
        async with self.ledger.read() as reading:
            rows = await reading.execute(
                sa.select(meta.c.name, meta.c.value).where(meta.c.name.in_([claim.key for claim in claims]))
            )
            values = {row.name: row.value for row in rows}
        return [Outcome(claim, effects=_told(claim, values[claim.key])) for claim in claims]


def _told(claim: Claim, value: str) -> Effects:
    async def effects(transaction: Transaction) -> None:
        transaction.record(claim.brand, "probe.done", claim.key, value=value)

    return effects


class Nothing(Probe):
    """Does nothing at all with its keys."""

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        self.taken += len(claims)
        return [Outcome(claim) for claim in claims]


@asynccontextmanager
async def filled(url: str, keys: int) -> AsyncIterator[Ledger]:
    """A ledger with `keys` keys due and the rows they name."""
    ledger = Ledger(url, SystemClock())
    await ledger.open()
    try:
        async with ledger.write() as transaction:
            await transaction.execute(
                sa.insert(meta), [{"name": f"k{number}", "value": str(number)} for number in range(keys)]
            )
            await work.touch(transaction, [Due(BRAND, LOCAL, KIND, f"k{number}") for number in range(keys)])
        yield ledger
    finally:
        await ledger.close()


async def drained(ledger: Ledger, handler: Probe, keys: int) -> float:
    """Seconds the engine takes until no key is left."""
    engine = make_engine(ledger, handler)
    started = time.perf_counter()
    running = asyncio.create_task(engine.run())
    while handler.taken < keys or await _left(ledger):
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - started
    await engine.drain(5)
    await running
    return seconds


def make_engine(ledger: Ledger, *local: Handler) -> Engine:
    """An engine with the parts that production gives it."""
    clock = SystemClock()
    return Engine(
        ledger, clock, Lanes(ledger, clock), local=local, connection=(), owner_of=lambda *_: "", metrics=Metrics()
    )


async def _left(ledger: Ledger) -> int:
    async with ledger.read() as reading:
        found = await reading.execute(
            sa.select(sa.func.count()).select_from(work_table).where(work_table.c.kind == KIND)
        )
        return int(found.scalar_one())


# --- the yardstick ---------------------------------------------------------------------------------------------------

_CLAIM = """
    UPDATE work SET claim_token = ?, claimed_until = ?, attempts = attempts + 1 WHERE id IN (
        SELECT id FROM work WHERE lane = ? AND kind = ? AND urgency = 1 AND due_at <= ?
            AND (not_before IS NULL OR not_before <= ?) AND (claimed_until IS NULL OR claimed_until < ?)
        ORDER BY due_at LIMIT ?)
    RETURNING id, brand, key, generation"""
_FINISH = "DELETE FROM work WHERE id = ? AND claim_token = ? AND generation = ?"
_EVENT = "INSERT INTO event (brand, at, kind, subject, data, revision, content_hash) VALUES (?, ?, ?, ?, ?, '', ?)"


def raw_sqlite(path: Path) -> float:
    """Seconds a loop of plain statements takes for the same: claim a batch, read, write the event, finish."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    started = time.perf_counter()
    while rows := _claimed(connection, token := secrets.token_hex(8)):
        at = datetime.now(UTC)
        connection.execute("BEGIN IMMEDIATE")
        for identifier, brand, key, generation in rows:
            (value,) = connection.execute("SELECT value FROM meta WHERE name = ?", (key,)).fetchone()
            data = {"value": value}
            content = trail.content_hash(brand, at, "probe.done", key, "", data)
            connection.execute(_EVENT, (brand, _written(at), "probe.done", key, json.dumps(data), content))
            connection.execute(_FINISH, (identifier, token, generation))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _claimed(connection: sqlite3.Connection, token: str) -> list[tuple[int, str, str, int]]:
    now = datetime.now(UTC)
    at, until = _written(now), _written(now + timedelta(seconds=10))
    connection.execute("BEGIN IMMEDIATE")
    rows = connection.execute(_CLAIM, (token, until, LOCAL, KIND, at, at, at, BATCH)).fetchall()
    connection.execute("COMMIT")
    return rows


def _written(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat(" ", "microseconds")


_PG_CLAIM = """
    UPDATE work SET claim_token = $1, claimed_until = clock_timestamp() + interval '10 s', attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM work WHERE lane = $2 AND kind = $3 AND urgency = 1 AND due_at <= $4
            AND (not_before IS NULL OR not_before <= $4)
            AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
        ORDER BY due_at LIMIT $5 FOR UPDATE SKIP LOCKED)
    RETURNING id, brand, key, generation"""
_PG_EVENT = (
    "INSERT INTO event (brand, at, kind, subject, data, revision, content_hash) VALUES ($1, $2, $3, $4, $5, '', $6)"
)


async def raw_postgres(url: str) -> float:
    """The same loop on PostgreSQL, the events of a batch sent together."""
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    while True:
        at, token = datetime.now(UTC), secrets.token_hex(8)
        rows = await connection.fetch(_PG_CLAIM, token, LOCAL, KIND, at, BATCH)
        if not rows:
            break
        async with connection.transaction():
            events = []
            for _, brand, key, _ in rows:
                data = {"value": await connection.fetchval("SELECT value FROM meta WHERE name = $1", key)}
                content = trail.content_hash(brand, at, "probe.done", key, "", data)
                events.append((brand, at, "probe.done", key, json.dumps(data), content))
            await connection.executemany(_PG_EVENT, events)
            await connection.executemany(
                "DELETE FROM work WHERE id = $1 AND claim_token = $2 AND generation = $3",
                [(row["id"], token, row["generation"]) for row in rows],
            )
    seconds = time.perf_counter() - started
    await connection.close()
    return seconds


# --- side by side ----------------------------------------------------------------------------------------------------


async def _product(url: str) -> float:
    async with filled(url, KEYS) as ledger:
        return KEYS / await drained(ledger, Probe(ledger), KEYS)


async def _raw(url: str, loop: Callable[[str], Awaitable[float]]) -> float:
    async with filled(url, KEYS):
        pass
    return KEYS / await loop(url)


def measure(server: Server | None) -> list[Line]:
    """Both stores, product and raw loop in turn."""
    lines = [_compare("SQLite", _sqlite_url, lambda url: asyncio.to_thread(raw_sqlite, Path(url[10:])), aim=0.4)]
    if server is not None:
        lines.append(_compare("PostgreSQL", lambda _: server.database(), raw_postgres, aim=0.4))
    return lines


def _sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/{secrets.token_hex(4)}.db"


def _compare(store: str, url: Callable[[Path], str], loop: Callable[[str], Awaitable[float]], aim: float) -> Line:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        for _ in range(ROUNDS):
            theirs.append(asyncio.run(_raw(url(Path(folder)), loop)))
            ours.append(asyncio.run(_product(url(Path(folder)))))
    what = f"keys drained on {store}, batches of {BATCH}: one row read, one event written"
    ratio = median_ratio(ours, theirs)
    yardstick = f"raw SQL {per_second(theirs)}"
    return Line(what, per_second(ours), yardstick, ratio, aim or 0.0, "x raw SQL")
