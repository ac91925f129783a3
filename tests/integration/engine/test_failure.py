"""What PostgreSQL gives up in good order, and a connection it ends, counts as passing: its key is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa

from syncd.engine.failure import as_syncd_error
from syncd.errors import Bug, TransientError
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import counters
from syncd.testing.clock import ManualClock


@pytest.fixture
async def server(postgres_url: str, clock: ManualClock) -> AsyncIterator[Ledger]:
    """A ledger on PostgreSQL with two counters."""
    ledger = Ledger(postgres_url, clock)
    await ledger.open()
    async with ledger.write() as transaction:
        await transaction.execute(sa.insert(counters), [{"name": name, "value": 0} for name in "ab"])
    yield ledger
    await ledger.close()


async def count(transaction: Transaction, name: str) -> None:
    await transaction.execute(sa.update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))


async def deadlock(ledger: Ledger) -> None:
    """Two transactions that each wait for what the other holds."""
    both_hold = asyncio.Barrier(2)

    async def cross(held: str, wanted: str) -> None:
        async with ledger.write() as transaction:
            await transaction.execute(sa.text("SET LOCAL deadlock_timeout = '20ms'"))
            await count(transaction, held)
            await both_hold.wait()
            await count(transaction, wanted)

    one, other = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    assert (one is None) is not (other is None)
    raise one or other or AssertionError


async def serialization_failure(ledger: Ledger) -> None:
    async with ledger.write() as late:
        await late.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await late.execute(sa.select(counters))
        async with ledger.write() as early:
            await count(early, "a")
        await count(late, "a")


async def lost_connection(ledger: Ledger) -> None:
    async with ledger.write() as transaction:
        served_by = (await transaction.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
        async with ledger.read() as connection:
            await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": served_by})
        await count(transaction, "a")


async def refused_row(ledger: Ledger) -> None:
    async with ledger.write() as transaction:
        await transaction.execute(sa.insert(counters).values(name="a", value=0))


@pytest.mark.parametrize(("fail", "kind", "counted"), [
    (deadlock, TransientError, {"a": 1, "b": 1}), (serialization_failure, TransientError, {"a": 1, "b": 0}),
    (lost_connection, TransientError, {"a": 0, "b": 0}), (refused_row, Bug, {"a": 0, "b": 0}),
])  # fmt: skip
async def test_what_the_server_gives_up_is_tried_again_and_leaves_nothing(
    server: Ledger, fail: Callable[[Ledger], Awaitable[None]], kind: type[Exception], counted: dict[str, int]
) -> None:
    with pytest.raises(Exception) as failed:  # noqa: PT011 -- which class it is depends on the driver
        await fail(server)
    assert type(as_syncd_error(failed.value)) is kind
    async with server.read() as connection:
        assert {row.name: row.value for row in await connection.execute(sa.select(counters))} == counted
