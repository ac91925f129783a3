"""SQLite asked once per statement: results of any size come whole and in order, read at once or in pieces, and nothing
that ends a statement, be it an error, a cancellation or a reader that stops half-way, leaves it open.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from syncd.ledger.embedded import AT_ONCE, connector
from tests.support.awaits import CancelledAt

MANY = 3 * AT_ONCE + 7
SIZES = [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE, MANY]
items = sa.table("item", sa.column("n", sa.Integer), sa.column("name", sa.String))
numbered = sa.select(items.c.n).order_by(items.c.n)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A store that never waits for a lock, with one table."""
    path = f"{tmp_path}/store.db"
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", async_creator=connector(path, timeout=0))
    async with engine.connect() as connection:
        await connection.execute(sa.text("PRAGMA journal_mode=WAL"))
        await connection.execute(sa.text("CREATE TABLE item (n INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
        await connection.execute(sa.text("CREATE TABLE note (line TEXT)"))
        await connection.commit()
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        yield connection


async def fill(connection: AsyncConnection, rows: int) -> None:
    for start in range(0, rows, AT_ONCE):
        part = [{"n": n, "name": f"item {n}"} for n in range(start, min(start + AT_ONCE, rows))]
        await connection.execute(sa.insert(items), part)
    await connection.commit()


async def blocked(engine: AsyncEngine) -> bool:
    """Whether a statement that is still open keeps the log from being written back in full."""
    async with engine.connect() as connection:
        await connection.execute(sa.text("INSERT INTO note VALUES ('newest')"))
        await connection.commit()
        return bool((await connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))).one()[0])


# --- whole results ---------------------------------------------------------------------------------------------------


async def by_execute(connection: AsyncConnection) -> list[int]:
    return list((await connection.execute(numbered)).scalars())


async def by_stream(connection: AsyncConnection) -> list[int]:
    return [row.n async for row in await connection.stream(numbered)]


async def by_rows_of_a_stream(connection: AsyncConnection) -> list[int]:
    result = await connection.stream(numbered.execution_options(max_row_buffer=1))
    return [row.n for row in [await result.fetchone() for _ in range(MANY + 1)] if row]


async def by_pieces_of_a_stream(connection: AsyncConnection) -> list[int]:
    result = await connection.stream(numbered.execution_options(yield_per=300))
    return [row.n async for piece in result.partitions() for row in piece]


async def by_all_of_a_stream(connection: AsyncConnection) -> list[int]:
    result = await connection.stream(numbered)
    first = await result.fetchmany(2)
    return [row.n for row in [*first, *await result.all()]]


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("read", [
    by_execute, by_stream, by_rows_of_a_stream, by_pieces_of_a_stream, by_all_of_a_stream,
])  # fmt: skip
async def test_a_result_of_any_size_comes_whole_and_in_order(
    connection: AsyncConnection, read: Callable[[AsyncConnection], Awaitable[list[int]]], rows: int
) -> None:
    await fill(connection, rows)
    assert await read(connection) == list(range(rows))


@pytest.mark.parametrize("piece", [1, 100, AT_ONCE])
async def test_a_stream_reads_only_a_bounded_number_of_rows_ahead(connection: AsyncConnection, piece: int) -> None:
    made: list[int] = []

    def make(n: int) -> int:
        made.append(n)
        return n

    raw: Any = (await connection.get_raw_connection()).driver_connection
    await raw.create_function("make", 1, make)
    await fill(connection, 3 * MANY)
    used = 0
    async for _ in await connection.stream(sa.select(sa.func.make(items.c.n)).execution_options(yield_per=piece)):
        used += 1
        assert len(made) - used <= AT_ONCE + piece
    assert used == len(made) == 3 * MANY


# --- changes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", SIZES)
async def test_a_change_of_any_size_returns_all_its_rows(connection: AsyncConnection, rows: int) -> None:
    await fill(connection, rows)
    change = sa.update(items).values(name=items.c.name + "!").returning(items.c.n, items.c.name)
    changed = (await connection.execute(change)).all()
    assert sorted(changed) == [(n, f"item {n}!") for n in range(rows)]
    await connection.commit()
    assert await by_execute(connection) == list(range(rows))


@pytest.mark.parametrize("rows", SIZES)
async def test_a_change_of_any_size_tells_how_many_rows_it_had(connection: AsyncConnection, rows: int) -> None:
    await fill(connection, rows)
    assert (await connection.execute(sa.update(items).values(name=items.c.name + "!"))).rowcount == rows
    parameters = [{"key": n} for n in range(-1, rows)]
    assert (
        await connection.execute(sa.delete(items).where(items.c.n == sa.bindparam("key")), parameters)
    ).rowcount == rows


# --- errors ----------------------------------------------------------------------------------------------------------

OVERFLOW = sa.select(sa.func.abs(sa.case((items.c.n == MANY - 1, sa.literal_column("-9223372036854775808")), else_=0)))
"""Fails at its last row."""


async def not_sql(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("SELEC 1"))


async def not_allowed(connection: AsyncConnection) -> None:
    await connection.execute(sa.insert(items).values(n=-1, name="item 0"))


async def not_allowed_in_part(connection: AsyncConnection) -> None:
    await connection.execute(sa.insert(items), [{"n": -1, "name": "new"}, {"n": -2, "name": "item 0"}])


async def fails_half_way(connection: AsyncConnection) -> None:
    await connection.execute(OVERFLOW)


async def fails_half_way_through_a_stream(connection: AsyncConnection) -> None:
    async for _ in await connection.stream(OVERFLOW):
        pass


@pytest.mark.parametrize(("fail", "error"), [
    (not_sql, OperationalError), (not_allowed, IntegrityError), (not_allowed_in_part, IntegrityError),
    (fails_half_way, DBAPIError), (fails_half_way_through_a_stream, (DBAPIError, sqlite3.Error)),
])  # fmt: skip
async def test_a_failed_statement_leaves_the_connection_usable(
    engine: AsyncEngine,
    connection: AsyncConnection,
    fail: Callable[[AsyncConnection], Awaitable[None]],
    error: type[Exception],
) -> None:
    await fill(connection, MANY)
    with pytest.raises(error):
        await fail(connection)
    await connection.rollback()
    assert await by_execute(connection) == list(range(MANY))
    assert not await blocked(engine)


# --- statements left half-way ----------------------------------------------------------------------------------------


async def test_a_stream_closed_half_way_leaves_no_statement_open(
    engine: AsyncEngine, connection: AsyncConnection
) -> None:
    await fill(connection, MANY)
    result = await connection.stream(numbered)
    assert await result.fetchmany(10) == [(n,) for n in range(10)]
    assert await blocked(engine)
    await result.close()
    assert not await blocked(engine)


async def test_its_own_connection_can_commit_and_change_the_schema_after_a_stream_closed_half_way(
    connection: AsyncConnection,
) -> None:
    await fill(connection, MANY)
    result = await connection.stream(numbered)
    assert await result.fetchone() == (0,)
    await result.close()
    await connection.execute(sa.insert(items).values(n=-1, name="newest"))
    await connection.execute(sa.text("ALTER TABLE item RENAME TO thing"))
    await connection.execute(sa.text("DROP TABLE thing"))
    await connection.commit()


async def test_a_connection_given_back_with_a_stream_half_read_leaves_no_statement_open(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await fill(connection, MANY)
        await (await connection.stream(numbered)).fetchone()
    assert not await blocked(engine)


@pytest.mark.parametrize("read", [by_execute, by_stream])
async def test_a_reading_cancelled_at_any_await_leaves_no_statement_open(
    engine: AsyncEngine, read: Callable[[AsyncConnection], Awaitable[list[int]]]
) -> None:
    async def reading() -> None:
        async with engine.connect() as connection:
            await read(connection)

    async with engine.connect() as connection:
        await fill(connection, MANY)
    for point in itertools.count():
        work = CancelledAt(reading(), point)
        if not await work.run():
            break
        assert not await blocked(engine)
    assert point >= work.awaits > 1
