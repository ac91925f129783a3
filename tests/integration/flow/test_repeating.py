"""What a person asks for is not refused because PostgreSQL gave its transaction up for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from syncd.errors import TransientError
from syncd.flow.repeating import ATTEMPTS, repeated
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import counters
from syncd.testing.clock import ManualClock


@pytest.fixture
async def server(postgres_url: str, clock: ManualClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(postgres_url, clock)
    await ledger.open()
    async with ledger.write() as transaction:
        await transaction.execute(sa.insert(counters), [{"name": name, "value": 0} for name in "abc"])
    yield ledger
    await ledger.close()


async def count(transaction: Transaction, name: str) -> None:
    await transaction.execute(sa.update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))


async def counted(ledger: Ledger) -> dict[str, int]:
    async with ledger.read() as connection:
        return {row.name: row.value for row in await connection.execute(sa.select(counters))}


class Crossing:
    """Somebody who, the first time, takes rows in an order that locks against another."""

    def __init__(self, ledger: Ledger, both_hold: asyncio.Barrier, names: str) -> None:
        self.ledger, self.both_hold, self.names, self.attempts = ledger, both_hold, names, 0

    async def go(self) -> int:
        self.attempts += 1
        async with self.ledger.write() as transaction:
            await transaction.execute(sa.text("SET LOCAL deadlock_timeout = '20ms'"))
            await count(transaction, self.names[0])
            if self.attempts == 1:
                await self.both_hold.wait()
            await count(transaction, self.names[1])
        return self.attempts


async def test_of_two_that_wait_for_each_other_both_are_done_once(server: Ledger) -> None:
    both_hold = asyncio.Barrier(2)
    one, other = Crossing(server, both_hold, "ab"), Crossing(server, both_hold, "ba")
    assert sorted(await asyncio.gather(repeated(one.go), repeated(other.go))) == [1, 2]
    assert await counted(server) == {"a": 2, "b": 2, "c": 0}


async def test_what_was_committed_in_part_is_not_done_again(server: Ledger) -> None:
    both_hold = asyncio.Barrier(2)
    one, other = Crossing(server, both_hold, "ab"), Crossing(server, both_hold, "ba")

    async def in_two(crossing: Crossing) -> None:
        async with server.write() as transaction:
            await count(transaction, "c")
        await crossing.go()

    results = await asyncio.gather(
        *(repeated(lambda who=who: in_two(who)) for who in (one, other)), return_exceptions=True
    )
    (failed,) = [result for result in results if result is not None]
    assert isinstance(failed, TransientError)
    assert await counted(server) == {"a": 1, "b": 1, "c": 2}


async def test_it_ends_where_it_is_given_up_every_time(server: Ledger) -> None:
    attempts = 0

    async def always() -> None:
        nonlocal attempts
        attempts += 1
        async with server.write() as transaction:
            await transaction.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"))

    with pytest.raises(TransientError, match="gave this up"):
        await repeated(always)
    assert attempts == ATTEMPTS


async def test_other_faults_of_the_ledger_are_not_repeated(server: Ledger) -> None:
    attempts = 0

    async def twice() -> None:
        nonlocal attempts
        attempts += 1
        async with server.write() as transaction:
            await transaction.execute(sa.insert(counters).values(name="a", value=0))

    with pytest.raises(DBAPIError):
        await repeated(twice)
    assert attempts == 1
