"""Processes on one PostgreSQL tell each other of work: what one commits wakes the others' lanes, and a connection that
was lost is made again after a while of the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
import pytest
import sqlalchemy as sa

from syncd.engine.notify import AGAIN, Notifier
from syncd.ledger.store import Ledger
from syncd.testing.clock import ManualClock
from tests.support.engine import until

LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle' AND query ~ '^(LISTEN|SELECT pg_notify)'
"""


class Process:
    """One process's ledger and notifier, and the lanes that were woken in it."""

    def __init__(self, url: str) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(url, self.clock)
        self.woken: set[str] = set()
        self.notifier = Notifier(self.ledger.url, self.clock, self._wake)
        self.task: asyncio.Task[None] | None = None
        self.ledger.on_commit(self.notifier.committed)

    def _wake(self, lanes: Collection[str]) -> None:
        self.woken.update(lanes)

    async def commit(self, *lanes: str) -> None:
        async with self.ledger.write() as transaction:
            transaction.woken.update(lanes)

    async def listeners(self) -> set[int]:
        """The server's processes that serve a notifier."""
        async with self.ledger.read() as connection:
            return set((await connection.execute(sa.text(LISTENERS))).scalars())

    async def hears(self, *lanes: str) -> None:
        async def heard() -> bool:
            return self.woken >= set(lanes)

        await until(heard)

    async def waits(self) -> None:
        """Return once it sleeps before it connects again."""

        async def asleep() -> bool:
            if self.task and self.task.done():
                self.task.result()
            return self.clock.next_wake() is not None

        await until(asleep, 10)

    async def listens(self) -> None:
        """Return once it surely listens: it heard itself."""
        self.woken.clear()
        await self.commit("ready")
        await self.hears("ready")
        self.woken.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Run the notifier; gives the server's process that serves it."""
        await self.ledger.open()
        before = await self.listeners()
        self.task = asyncio.create_task(self.notifier.run())
        try:
            await self.listens()
            await self.sees(len(before) + 1)
            [own] = await self.listeners() - before
            yield own
        finally:
            self.task.cancel()
            await asyncio.wait({self.task})
            await self.ledger.close()

    async def sees(self, count: int) -> None:
        async def listen() -> bool:
            return len(await self.listeners()) == count

        await until(listen)


@pytest.fixture
async def processes(postgres_url: str) -> AsyncIterator[tuple[Process, Process, int]]:
    """Two processes whose notifiers run, and the server's process that serves the second."""
    one, other = Process(postgres_url), Process(postgres_url)
    async with one.running(), other.running() as served_by:
        yield one, other, served_by


async def cut(one: Process, served_by: int) -> None:
    """Have the server end the connection of the other's notifier."""
    async with one.ledger.read() as connection:
        await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": served_by})
    await one.sees(1)


# --- telling ---------------------------------------------------------------------------------------------------------


async def test_what_one_process_commits_wakes_those_lanes_in_the_other(
    processes: tuple[Process, Process, int],
) -> None:
    one, other, _ = processes
    await one.commit("shop", "local")
    await other.hears("shop", "local")
    assert other.woken == {"shop", "local"}
    await other.commit("feed")
    await one.hears("feed")


async def test_the_lanes_of_many_commits_are_all_told(processes: tuple[Process, Process, int]) -> None:
    one, other, _ = processes
    lanes = [f"lane-{number}" for number in range(100)]
    await asyncio.gather(*(one.commit(lane) for lane in lanes))
    await other.hears(*lanes)
    assert other.woken == set(lanes)


async def test_more_lanes_than_a_message_holds_wake_all(processes: tuple[Process, Process, int]) -> None:
    one, other, _ = processes
    await one.commit(*(f"lane-{number:0200}" for number in range(100)))
    await other.hears("*")
    assert other.woken == {"*"}


async def test_a_notifier_that_ends_closes_its_connection(postgres_url: str) -> None:
    one, other = Process(postgres_url), Process(postgres_url)
    async with one.running():
        async with other.running():
            await one.sees(2)
        await one.sees(1)


# --- lost connections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("commits", [True, False], ids=["of a process that commits", "of a process that only listens"])
async def test_a_lost_connection_is_made_again_after_a_while(
    processes: tuple[Process, Process, int], commits: bool
) -> None:
    one, other, served_by = processes
    await cut(one, served_by)
    if commits:
        await other.commit("own")
    await other.waits()
    await other.clock.advance(AGAIN - 0.1)
    assert len(await one.listeners()) == 1
    await other.clock.advance(0.1)
    await one.sees(2)
    await other.listens()
    await one.commit("shop")
    await other.hears("shop")


async def test_what_is_committed_while_the_connection_is_down_is_told_once_it_is_up(
    processes: tuple[Process, Process, int],
) -> None:
    one, other, served_by = processes
    await cut(one, served_by)
    await other.commit("first")
    await other.waits()
    await other.commit("second")
    await other.clock.advance(AGAIN)
    await one.hears("second")


class Failing:
    """A server that cannot be reached, or whose connections fail when something is told."""

    def __init__(self, error: Exception, reachable: bool) -> None:
        self.error, self.reachable = error, reachable
        self.asked = 0

    async def connect(self, _dsn: str) -> Failing:
        self.asked += 1
        if not self.reachable:
            raise self.error
        return self

    async def add_listener(self, _channel: str, _listener: object) -> None:
        pass

    def add_termination_listener(self, _listener: object) -> None:
        pass

    async def execute(self, _statement: str, *_: str) -> None:
        raise self.error

    def is_closed(self) -> bool:
        return False

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("reachable", "error"), [
    (False, ConnectionRefusedError), (False, TimeoutError), (False, asyncpg.CannotConnectNowError),
    (False, asyncpg.TooManyConnectionsError), (True, ConnectionResetError), (True, asyncpg.AdminShutdownError),
    (True, asyncpg.ConnectionDoesNotExistError), (True, asyncpg.InterfaceError), (True, asyncpg.InternalClientError),
])  # fmt: skip
async def test_whatever_a_connection_fails_with_it_is_made_again_and_again(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, reachable: bool, error: type[Exception]
) -> None:
    server = Failing(error("gone"), reachable)
    monkeypatch.setattr(asyncpg, "connect", server.connect)
    notifier = Notifier(sa.make_url("postgresql://nobody@127.0.0.1/none"), clock, lambda _: None)
    task = asyncio.create_task(notifier.run())
    for number in range(1, 4):
        notifier.committed(["shop"])
        await clock.advance(0)
        if task.done():
            await task
        await clock.advance(AGAIN - 0.1)
        assert server.asked == number
        await clock.advance(0.1)
    task.cancel()
    await asyncio.wait({task})
