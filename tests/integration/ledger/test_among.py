"""`among` gives the answer of Python's `in` on both stores, for few values and many, plain and odd; its statement is
one text however many they are, and an index serves it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from syncd.ledger.among import among
from syncd.ledger.store import Ledger
from syncd.ledger.tables.core import anchors, blobs, events, listings
from syncd.testing.clock import ManualClock

ODD = [
    "", " ", "a", "A", "ä", "a\u0308", "a ", "1", "01", "1.0", "1e3", "null", "true", "NULL", "'", "''", '"', "\\",
    "\\n", "\n", "\r\n", "\t", "\x01", "\x1f", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffd", "\uffff", "\U0001f600",
    "\U0010ffff", "[", "]", "{}", '["a"]', '{"a": 1}', "a,b", "%", "_", "--", ";", ":name", "$1", "?", "@>",
    "x" * 10_000,
]  # fmt: skip
NUMBERS = [0, 1, -1, 10, 255, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
MANY = 3000
DIALECTS = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@pytest.fixture
async def filled(ledger: Ledger, clock: ManualClock) -> Ledger:
    """A ledger with a row per odd text and per number, and so many plain ones."""
    hashes = [*ODD, *(f"plain {n}" for n in range(MANY))]
    sizes = [*NUMBERS, *range(100_000, 100_000 + len(hashes) - len(NUMBERS))]
    rows = [{"hash": h, "size": s, "stored_at": clock.now()} for h, s in zip(hashes, sizes, strict=True)]
    async with ledger.write() as transaction:
        await transaction.execute(sa.insert(blobs), rows)
    return ledger


async def found(ledger: Ledger, column: sa.Column[Any], values: Collection[Any]) -> list[Any]:
    async with ledger.read() as connection:
        return sorted((await connection.execute(sa.select(column).where(among(column, values)))).scalars())


async def stored(ledger: Ledger, column: sa.Column[Any]) -> list[Any]:
    async with ledger.read() as connection:
        return sorted((await connection.execute(sa.select(column))).scalars())


# --- the same answer as `in` -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [
    [], ["a"], ["missing"], ["a", "a", "A", "a"], ODD, [*ODD, *ODD], [f"plain {n}" for n in range(MANY)],
    [f"plain {n}" for n in range(1, 2 * MANY, 2)], ("a", "A"), frozenset(["a", "A"]), dict.fromkeys(["a", "A"]),
], ids=lambda values: f"{type(values).__name__} of {len(values)}")  # fmt: skip
async def test_texts_are_among_values_as_in_python(filled: Ledger, values: Collection[str]) -> None:
    texts = blobs.c.hash
    assert await found(filled, texts, values) == [text for text in await stored(filled, texts) if text in values]


@pytest.mark.parametrize("values", [
    [], [0], [-5], NUMBERS, [*NUMBERS, *NUMBERS], range(100_000, 100_000 + MANY), [2**53 - 1, 2**53 + 2, 2**63 - 2],
], ids=lambda values: f"{type(values).__name__} of {len(values)}")  # fmt: skip
async def test_numbers_are_among_values_as_in_python(filled: Ledger, values: Sequence[int]) -> None:
    numbers = blobs.c.size
    assert await found(filled, numbers, values) == [size for size in await stored(filled, numbers) if size in values]


@given(values=st.lists(st.one_of(st.sampled_from(ODD), texts), max_size=20))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_any_texts_are_found_that_were_stored_and_no_others(ledger: Ledger, values: list[str]) -> None:
    half = dict.fromkeys(values[: len(values) // 2])
    rows = [{"hash": text, "size": 0, "stored_at": ledger.clock.now()} for text in half]
    async with ledger.write() as transaction:
        await transaction.execute(sa.delete(blobs))
        if rows:
            await transaction.execute(sa.insert(blobs), rows)
    assert set(await found(ledger, blobs.c.hash, values)) == set(half)


async def test_what_is_not_among_values_is_all_the_others(filled: Ledger) -> None:
    async with filled.read() as connection:
        others = await connection.execute(sa.select(blobs.c.hash).where(~among(blobs.c.hash, ODD)))
        assert len(others.all()) == MANY


async def test_one_statement_serves_values_given_by_name(filled: Ledger) -> None:
    statement = sa.select(blobs.c.hash).where(among(blobs.c.hash, "hashes"))
    async with filled.read() as connection:
        for values in (["a"], [], ODD):
            answer = await connection.execute(statement, {"hashes": values})
            assert sorted(answer.scalars()) == sorted(values)


async def test_rows_are_changed_by_values_as_well(filled: Ledger) -> None:
    async with filled.write() as transaction:
        changed = await transaction.execute(
            sa.delete(blobs).where(among(blobs.c.hash, ODD), among(blobs.c.size, [0, 1]))
        )
    assert changed.rowcount == 2


# --- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statement_is_one_text_whatever_the_number_of_values(dialect: sa.Dialect) -> None:
    written = {
        str(sa.select(blobs.c.hash).where(among(blobs.c.hash, ["x"] * number)).compile(dialect=dialect))
        for number in (0, 1, MANY)
    }
    assert len(written) == 1


@pytest.fixture
async def embedded(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.mark.parametrize(("column", "also", "searched"), [
    (blobs.c.hash, {}, "hash=?"),
    (events.c.id, {}, "rowid=?"),
    (anchors.c.position, {"brand": "acme"}, "brand=? AND position=?"),
    (listings.c.listing, {"brand": "acme", "connection": "shop"}, "brand=? AND connection=? AND listing=?"),
])  # fmt: skip
async def test_on_sqlite_an_index_serves_it(
    embedded: Ledger, column: sa.Column[Any], also: dict[str, str], searched: str
) -> None:
    statement = sa.select(column.table).filter_by(**also).where(among(column, [1, 2]))
    text = str(statement.compile(dialect=DIALECTS[0]))
    async with embedded.read() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?"))
        plan = [row.detail for row in rows]
    assert [line for line in plan if line.startswith(f"SEARCH {column.table} ") and line.endswith(f"({searched})")]
    assert not [line for line in plan if line.startswith(f"SCAN {column.table}")]
