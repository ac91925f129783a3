"""The inbox: acknowledged is what is committed, together with others, and nobody starves anybody."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from syncd.engine import work
from syncd.engine.inbox import Arrival, Inbox, InboxFull
from syncd.engine.work import LOCAL, Due
from syncd.errors import TransientError
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables import Work
from syncd.ledger.tables.core import inbox
from syncd.sdk.source import RawItem
from syncd.testing.clock import ManualClock


@pytest.fixture
async def taking(ledger: Ledger, clock: ManualClock) -> AsyncIterator[Inbox]:
    taking = Inbox(ledger, clock, group=16, capacity=40)
    taking.start()
    yield taking
    await taking.close()


def arrival(identifier: str | None, body: str = "{}") -> Arrival:
    return Arrival("acme", "hook", RawItem(body.encode(), identifier))


async def kept(ledger: Ledger) -> list[str]:
    async with ledger.read() as reading:
        return list((await reading.execute(sa.select(inbox.c.vendor_id).order_by(inbox.c.id))).scalars())


async def test_what_is_acknowledged_is_committed_with_its_intake_due(taking: Inbox, ledger: Ledger) -> None:
    await taking.put(arrival("m1"))
    assert await kept(ledger) == ["m1"]
    async with ledger.read() as reading:
        [due] = (await reading.execute(sa.select(Work.lane, Work.kind))).all()
    assert tuple(due) == (LOCAL, "intake")


async def test_a_duplicate_is_dropped_by_the_id_its_sender_issued(taking: Inbox, ledger: Ledger) -> None:
    await asyncio.gather(*(taking.put(arrival("m1")) for _ in range(5)))
    await taking.put(arrival("m1", "another body"))
    assert await kept(ledger) == ["m1"]


async def test_equal_bodies_without_an_id_are_all_kept(taking: Inbox, ledger: Ledger) -> None:
    for body in ("A", "B", "A"):
        await taking.put(arrival(None, body))
    assert len(await kept(ledger)) == 3


async def test_one_item_that_cannot_be_stored_fails_alone(taking: Inbox, ledger: Ledger) -> None:
    bad = arrival("\ud800 is no character")
    arrivals = [arrival("m1"), bad, *(arrival(f"m{number}") for number in range(2, 9))]
    results = await asyncio.gather(*(taking.put(one) for one in arrivals), return_exceptions=True)
    assert [isinstance(result, Exception) for result in results] == [one is bad for one in arrivals]
    assert sorted(await kept(ledger)) == [f"m{number}" for number in range(1, 9)]


async def test_while_the_ledger_is_locked_all_are_told_at_once_to_come_back(
    ledger: Ledger, taking: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0

    async def locked(_: object) -> None:
        nonlocal attempts
        attempts += 1
        busy = sqlite3.OperationalError("database is locked")
        busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("BEGIN IMMEDIATE", None, busy)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "transact", locked)
        results = await asyncio.gather(*(taking.put(arrival(f"m{n}")) for n in range(9)), return_exceptions=True)
    assert [type(result) for result in results] == [TransientError] * 9
    assert attempts == 1
    await taking.put(arrival("later"))
    assert await kept(ledger) == ["later"]


async def test_a_full_inbox_takes_nothing_and_says_when_to_come_again(ledger: Ledger, clock: ManualClock) -> None:
    full = Inbox(ledger, clock, capacity=3)  # nobody writes yet
    waiting = [asyncio.create_task(full.put(arrival(f"m{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(InboxFull) as refused:
        await full.put(arrival("m4"))
    assert refused.value.data["retry_after"] > 0
    full.start()
    await asyncio.gather(*waiting)
    await full.put(arrival("m5"))
    await full.close()
    assert await kept(ledger) == ["m0", "m1", "m2", "m5"]


async def test_closing_commits_what_waits_and_refuses_what_comes(ledger: Ledger, clock: ManualClock) -> None:
    closing = Inbox(ledger, clock)
    waiting = [asyncio.create_task(closing.put(arrival(f"m{number}"))) for number in range(30)]
    await asyncio.sleep(0)
    closing.start()
    await closing.close()
    await asyncio.gather(*waiting)
    with pytest.raises(InboxFull):
        await closing.put(arrival("late"))
    assert len(await kept(ledger)) == 30


class Turns:
    """Who committed, in order: four writers that never pause, and the inbox."""

    def __init__(self, ledger: Ledger, taking: Inbox) -> None:
        self.ledger, self.taking = ledger, taking
        self.order: list[str] = []
        self.waited: list[int] = []
        self.stopped = False

    async def write(self, name: str) -> None:
        while not self.stopped:
            async with self.ledger.write() as transaction:
                await self._one_event(transaction, name)
            self.order.append(name)
            await asyncio.sleep(0)

    async def _one_event(self, transaction: Transaction, name: str) -> None:
        transaction.record("acme", "bench.written", name)
        await work.touch(transaction, [Due("acme", LOCAL, "other", name)])

    async def deliver(self, sender: int) -> None:
        """Send one after the other; count the writers' commits until each is acknowledged."""
        for number in range(25):
            before = len(self.order)
            await self.taking.put(arrival(f"s{sender}-{number}"))
            self.waited.append(len(self.order) - before)


async def test_four_writers_and_the_inbox_take_turns_at_the_gate(tmp_path: Path, clock: ManualClock) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    await ledger.open()
    taking = Inbox(ledger, clock, group=64)
    taking.start()
    turns = Turns(ledger, taking)
    writers = [asyncio.create_task(turns.write(f"w{number}")) for number in range(4)]
    await asyncio.gather(*(turns.deliver(sender) for sender in range(16)))
    turns.stopped = True
    await asyncio.gather(*writers)
    await taking.close()
    assert len(await kept(ledger)) == 400
    await ledger.close()
    # An item waits for the group under way and for its own: two rounds of at most four writers each, and those that
    # committed while its acknowledgement was on its way.
    waited = sorted(turns.waited)
    assert waited[int(len(waited) * 0.99)] <= 12
    commits = [turns.order.count(f"w{number}") for number in range(4)]
    assert max(commits) - min(commits) <= 2, "the gate favours one of the writers"
    assert min(commits) >= 20, "the inbox starves the writers"


async def test_four_writers_do_not_starve_the_inbox_on_postgresql(postgres_url: str, clock: ManualClock) -> None:
    ledger = Ledger(postgres_url, clock)
    await ledger.open()
    taking = Inbox(ledger, clock, group=64)
    taking.start()
    turns = Turns(ledger, taking)
    writers = [asyncio.create_task(turns.write(f"w{number}")) for number in range(4)]
    await asyncio.gather(*(turns.deliver(sender) for sender in range(16)))
    turns.stopped = True
    await asyncio.gather(*writers)
    await taking.close()
    assert len(await kept(ledger)) == 400
    await ledger.close()
    # Each sender delivers 25 times, so a delivery waits for a 25th of the writers' commits, were all equal.
    assert sorted(turns.waited)[int(len(turns.waited) * 0.99)] <= len(turns.order) / 3
    assert min(turns.order.count(f"w{number}") for number in range(4)) >= 10
