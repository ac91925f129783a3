"""Transactions of the ledger on both stores: whole or not at all, whatever fails or is cancelled and wherever; told to
listeners only once committed; one after the other without loss; and one process at a time on SQLite.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from syncd.errors import Bug, ConfigError
from syncd.ledger import events, store
from syncd.ledger.direct import _Connection
from syncd.ledger.embedded import AT_ONCE
from syncd.ledger.lock import LedgerInUse
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables import Meta
from syncd.ledger.tables.core import counters, meta
from syncd.testing.clock import ManualClock
from tests.support.awaits import CancelledAt
from tests.support.engine import subjects, until

Body = Callable[[Transaction], Coroutine[Any, Any, None]]
Way = Callable[[Ledger, Body], Awaitable[None]]
HANGS = 60.0
"""Real seconds after which a write that should go on counts as held up for good; it decides nothing else."""


class Broken(Exception):
    pass


@pytest.fixture
def embedded(tmp_path: Path, clock: ManualClock) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path}/ledger.db", clock)


async def fill(transaction: Transaction, *names: str) -> None:
    """A row and an event for each name, and work for the lane `shop`."""
    for name in names:
        await transaction.execute(sa.insert(meta).values(name=name, value=""))
        transaction.record("acme", "put", name)
    transaction.woken.add("shop")


async def fill_after_reading(transaction: Transaction, name: str) -> None:
    """The same, after reading more rows than come at once."""
    count = "WITH RECURSIVE line(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM line WHERE n < :most) SELECT n FROM line"
    assert len((await transaction.execute(sa.text(count), {"most": 2 * AT_ONCE})).all()) == 2 * AT_ONCE
    await fill(transaction, name)


async def by_write(ledger: Ledger, body: Body) -> None:
    async with ledger.write() as transaction:
        await body(transaction)


async def by_transact(ledger: Ledger, body: Body) -> None:
    await ledger.transact(body)


async def put(ledger: Ledger, *names: str, way: Way = by_write) -> None:
    await way(ledger, lambda transaction: fill(transaction, *names))


WAYS: list[Way] = [by_write, by_transact]
either_way = pytest.mark.parametrize("way", WAYS)


async def kept(ledger: Ledger) -> list[str]:
    """The names of rows that are in the ledger; each has its event there, and no other has."""
    async with ledger.read() as connection:
        names = [row.name for row in await connection.execute(sa.select(meta.c.name).order_by(meta.c.name))]
    assert sorted(await subjects(ledger, "put")) == names
    return names


def told(ledger: Ledger) -> list[set[str]]:
    """What a listener is told from now on."""
    heard: list[set[str]] = []
    ledger.on_commit(lambda lanes: heard.append(set(lanes)))
    return heard


# --- whole or not at all ---------------------------------------------------------------------------------------------


@either_way
async def test_a_transaction_that_ends_leaves_its_rows_and_its_events_in_their_order(ledger: Ledger, way: Way) -> None:
    await put(ledger, "b", "a", "c", way=way)
    assert await kept(ledger) == ["a", "b", "c"]
    assert await subjects(ledger, "put") == ["b", "a", "c"]


async def fail_by_itself(transaction: Transaction) -> None:
    raise Broken


async def fail_in_the_store(transaction: Transaction) -> None:
    await transaction.execute(sa.insert(meta).values(name="there", value=""))


async def fail_in_the_session(transaction: Transaction) -> None:
    transaction.session.add(Meta(name="there", value=""))


async def fail_at_an_event_that_cannot_be_told(transaction: Transaction) -> None:
    transaction.record("acme", "put", "lost", what=object())


async def fail_at_commit(transaction: Transaction) -> None:
    for statement in (
        "CREATE TEMPORARY TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TEMPORARY TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO child VALUES (1)",
    ):
        await transaction.execute(sa.text(statement))


FAILURES = [
    (fail_by_itself, Broken), (fail_in_the_store, IntegrityError), (fail_at_an_event_that_cannot_be_told, TypeError),
    (fail_at_commit, IntegrityError),
]  # fmt: skip


@pytest.mark.parametrize(("way", "fail", "error"), [
    (by_write, fail_in_the_session, IntegrityError), *((way, *failure) for way in WAYS for failure in FAILURES),
])  # fmt: skip
async def test_a_failed_transaction_leaves_nothing_tells_nobody_and_holds_up_no_other(
    ledger: Ledger, way: Way, fail: Body, error: type[Exception]
) -> None:
    await put(ledger, "there")
    heard = told(ledger)

    async def body(transaction: Transaction) -> None:
        await fill(transaction, "lost")
        await fail(transaction)

    with pytest.raises(error):
        await way(ledger, body)
    assert await kept(ledger) == ["there"]
    async with asyncio.timeout(HANGS):
        await put(ledger, "next", way=way)
    assert await kept(ledger) == ["next", "there"]
    assert heard == [{"shop"}]


@either_way
async def test_rows_whose_events_cannot_be_written_are_not_written(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    async def fail(*_: object) -> None:
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(events, "insert", fail)
        with pytest.raises(Broken):
            await put(ledger, "lost", way=way)
    await put(ledger, "next", way=way)
    assert await kept(ledger) == ["next"]


# --- cancelled -------------------------------------------------------------------------------------------------------


@either_way
@pytest.mark.parametrize("body", [fill, fill_after_reading])
async def test_a_write_cancelled_at_any_await_is_whole_or_nothing_and_holds_up_no_other(
    ledger: Ledger, way: Way, body: Callable[[Transaction, str], Coroutine[Any, Any, None]]
) -> None:
    async def cut(name: str) -> None:
        await way(ledger, lambda transaction: body(transaction, name))

    for point in itertools.count():
        writing = CancelledAt(cut(f"cut {point}"), point)
        if not await writing.run():
            break
        async with asyncio.timeout(HANGS):
            await put(ledger, f"next {point}", way=way)
    assert point >= writing.awaits > 0
    assert {f"next {n}" for n in range(point)} <= set(await kept(ledger))


async def test_a_write_cancelled_again_while_it_cleans_up_holds_up_no_other(ledger: Ledger) -> None:
    for first in itertools.count():
        for second in itertools.count(first + 1):
            writing = CancelledAt(put(ledger, f"cut {first} {second}"), first, second)
            cancelled = await writing.run()
            async with asyncio.timeout(HANGS):
                await put(ledger, f"next {first} {second}")
            if writing.awaits <= second:
                break
        if not cancelled:
            break
    assert first > 3
    await kept(ledger)


async def test_a_write_cancelled_while_it_connects_anew_holds_up_no_other(ledger: Ledger) -> None:
    await put(ledger, "first")
    for point in itertools.count():
        assert await CancelledAt(put(ledger, f"lost {point}"), 1).run()
        writing = CancelledAt(put(ledger, f"cut {point}"), point)
        cancelled = await writing.run()
        async with asyncio.timeout(HANGS):
            await put(ledger, f"next {point}")
        if not cancelled:
            break
    assert point >= writing.awaits > 5
    assert not [name for name in await kept(ledger) if name.startswith("lost")]


@either_way
async def test_a_write_cancelled_while_another_is_written_leaves_that_one_alone(ledger: Ledger, way: Way) -> None:
    async with ledger.write() as transaction:
        waiting = asyncio.create_task(put(ledger, "cut", way=way))
        await fill(transaction, "first")
        waiting.cancel()
        await asyncio.wait({waiting})
    await put(ledger, "next", way=way)
    assert {"first", "next"} <= set(await kept(ledger))


# --- listeners -------------------------------------------------------------------------------------------------------


@either_way
async def test_listeners_are_told_the_lanes_after_the_commit_and_each_of_them(
    ledger: Ledger, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[object] = []
    commit = DefaultDialect.do_commit

    def noted(dialect: DefaultDialect, connection: Any) -> None:
        commit(dialect, connection)
        order.append("commit")

    monkeypatch.setattr(DefaultDialect, "do_commit", noted)
    for number in range(2):
        ledger.on_commit(lambda lanes, number=number: order.append((number, set(lanes))))  # type: ignore[misc]

    async def body(transaction: Transaction) -> None:
        await fill(transaction, "a")
        transaction.woken.add("feed")
        assert order == []

    await way(ledger, body)
    assert order == ["commit", (0, {"shop", "feed"}), (1, {"shop", "feed"})]


@either_way
async def test_listeners_are_not_told_of_a_transaction_that_made_no_work(ledger: Ledger, way: Way) -> None:
    heard = told(ledger)

    async def body(transaction: Transaction) -> None:
        await fill(transaction, "a")
        transaction.woken.clear()

    await way(ledger, body)
    assert heard == []


@either_way
async def test_a_listener_may_start_what_reads_the_rows(ledger: Ledger, way: Way) -> None:
    readings: list[asyncio.Task[list[str]]] = []

    def listen(_: Collection[str]) -> None:
        readings.append(asyncio.create_task(kept(ledger)))

    ledger.on_commit(listen)
    await put(ledger, "a", way=way)
    assert await readings[0] == ["a"]


# --- several at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ways", [[by_write], [by_transact], WAYS], ids=["write", "transact", "both"])
async def test_ten_writers_at_once_lose_nothing(ledger: Ledger, ways: list[Way]) -> None:
    async with ledger.write() as transaction:
        await transaction.execute(sa.insert(counters).values(name="n", value=0))
    drawn: list[int] = []

    async def body(transaction: Transaction) -> None:
        counting = sa.update(counters).values(value=counters.c.value + 1).returning(counters.c.value)
        number = (await transaction.execute(counting)).scalar_one()
        drawn.append(number)
        await fill(transaction, str(number))

    async def draw(way: Way) -> None:
        for _ in range(20):
            await way(ledger, body)

    await asyncio.gather(*(draw(way) for _, way in zip(range(10), itertools.cycle(ways))))
    assert sorted(drawn) == list(range(1, 201))
    assert len(await kept(ledger)) == 200


async def test_of_transactions_that_come_together_those_that_fail_take_no_other_with_them(ledger: Ledger) -> None:
    async def body(transaction: Transaction, number: int) -> int:
        await fill(transaction, f"{number:02}")
        if number % 3 == 0:
            raise Broken
        return number

    asked = [ledger.transact(lambda transaction, number=number: body(transaction, number)) for number in range(30)]  # type: ignore[misc]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    passed = [number for number in range(30) if number % 3]
    assert [answer for answer in answers if not isinstance(answer, Broken)] == passed
    assert await kept(ledger) == [f"{number:02}" for number in passed]


async def test_a_connection_that_broke_is_replaced(embedded: Ledger) -> None:
    async with opened(embedded):
        await put(embedded, "before", way=by_transact)
        assert embedded._direct is not None
        assert embedded._direct._connection is not None
        embedded._direct._connection._raw.close()
        with pytest.raises(DBAPIError, match="closed database"):
            await put(embedded, "lost", way=by_transact)
        await put(embedded, "after", way=by_transact)
        assert await kept(embedded) == ["after", "before"]


async def test_a_locked_database_keeps_those_who_share_a_commit_waiting_only_once(
    embedded: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BUSY_MS", 20)
    waited: list[str] = []
    done = _Connection._done

    def noted(connection: _Connection, statement: str, *rest: Any) -> None:
        waited.append(statement)
        done(connection, statement, *rest)

    monkeypatch.setattr(_Connection, "_done", noted)
    async with opened(embedded):
        with closing(sqlite3.connect(str(embedded.url.database), isolation_level=None)) as other:
            async with embedded._gate:  # meanwhile they gather
                sharing = [asyncio.create_task(put(embedded, str(n), way=by_transact)) for n in range(5)]
                await asyncio.sleep(0)
                other.execute("BEGIN IMMEDIATE")
            results = await asyncio.gather(*sharing, return_exceptions=True)
            assert all("locked" in str(result) for result in results)
            assert waited == ["BEGIN IMMEDIATE"]
            other.execute("ROLLBACK")
        await put(embedded, "later", way=by_transact)
        assert await kept(embedded) == ["later"]


async def test_a_reader_sees_a_transaction_only_once_it_is_committed(ledger: Ledger) -> None:
    async with ledger.write() as transaction:
        await fill(transaction, "a")
        await transaction.flush()
        assert await kept(ledger) == []
    assert await kept(ledger) == ["a"]


# --- SQLite: readers, and one process --------------------------------------------------------------------------------


@asynccontextmanager
async def opened(ledger: Ledger) -> AsyncIterator[Ledger]:
    try:
        await ledger.open()
        yield ledger
    finally:
        await ledger.close()


async def test_a_short_transaction_that_awaits_anything_but_sql_is_refused_and_leaves_nothing(embedded: Ledger) -> None:
    async def body(transaction: Transaction) -> None:
        await fill(transaction, "lost")
        await asyncio.sleep(0)

    async with opened(embedded):
        with pytest.raises(Bug, match="something else than SQL"):
            await embedded.transact(body)
        await put(embedded, "next", way=by_transact)
        assert await kept(embedded) == ["next"]


async def test_cancelled_writes_leave_no_connection_behind(embedded: Ledger) -> None:
    before = set(threading.enumerate())

    async def ended() -> bool:
        return set(threading.enumerate()) <= before

    async with opened(embedded):
        for first, second in itertools.product(range(5), range(5, 10)):
            await CancelledAt(put(embedded, f"cut {first} {second}"), first, second).run()
    await until(ended)


@pytest.mark.parametrize("before", ["SELECT 1", "PRAGMA query_only=OFF"])
async def test_a_reader_cannot_write(embedded: Ledger, before: str) -> None:
    async with opened(embedded), embedded.read() as connection:
        await connection.execute(sa.text(before))
        with pytest.raises(OperationalError, match="readonly database"):
            await connection.execute(sa.insert(meta).values(name="a", value=""))


async def test_a_second_ledger_on_one_file_is_refused_and_leaves_the_first_alone(
    embedded: Ledger, clock: ManualClock
) -> None:
    second = Ledger(str(embedded.url), clock)
    async with opened(embedded):
        for _ in range(2):
            with pytest.raises(LedgerInUse, match="another process"):
                await second.open()
            await second.close()
        await put(embedded, "a")
    async with opened(second):
        assert await kept(second) == ["a"]


@pytest.mark.parametrize("url", ["mysql://user@host/ledger", "postgresq://user@host/ledger"])
def test_another_store_is_refused(clock: ManualClock, url: str) -> None:
    with pytest.raises(ConfigError, match="cannot live"):
        Ledger(url, clock)


@either_way
async def test_many_rows_of_which_one_is_refused_are_all_refused_and_it_says_why(ledger: Ledger, way: Way) -> None:
    insert = sa.insert(meta).values(name=sa.bindparam("name"), value=sa.bindparam("value"))

    async def twice(transaction: Transaction) -> None:
        await transaction.many(insert, [{"name": name, "value": "secret"} for name in ("a", "b", "a")])

    with pytest.raises(IntegrityError) as refused:
        await way(ledger, twice)
    assert "secret" not in str(refused.value), "what was to be written may be personal"
    async with ledger.read() as reading:
        assert (await reading.execute(sa.select(sa.func.count()).select_from(meta))).scalar_one() == 0


async def test_where_sqlite_gives_a_shared_transaction_up_only_who_caused_it_fails(embedded: Ledger) -> None:
    async def given_up(transaction: Transaction) -> None:
        await fill(transaction, "lost")
        await transaction.connection.exec_driver_sql("ROLLBACK")
        raise Broken

    await embedded.open()
    told: list[Collection[str]] = []
    embedded.on_commit(told.append)
    async with embedded.write():  # meanwhile the others gather
        bodies: tuple[Body, ...] = (lambda t: fill(t, "before"), given_up, lambda t: fill(t, "after"))
        sharing = [asyncio.create_task(embedded.transact(body)) for body in bodies]
        await asyncio.sleep(0)
    results = await asyncio.gather(*sharing, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), Broken, type(None)]
    assert await kept(embedded) == ["after", "before"]
    assert told == [{"shop"}] * 2
    await embedded.close()
