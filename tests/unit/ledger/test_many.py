"""Many rows in one statement write what one statement for each of them would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.ledger import many

INSERT = (
    "INSERT INTO kept (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET"
    " value = CASE WHEN ? THEN excluded.value ELSE value || '+' || excluded.value END"
)
rows = st.lists(st.tuples(st.integers(0, 50), st.text("abc", max_size=3), st.booleans()), max_size=150)


def table() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, key INTEGER UNIQUE, value TEXT)")
    return connection


def contents(connection: sqlite3.Connection) -> list[Any]:
    return connection.execute("SELECT number, key, value FROM kept ORDER BY number").fetchall()


@settings(max_examples=200)
@given(rows)
def test_what_is_written_together_is_what_would_be_written_one_by_one(given_rows: list[tuple[Any, ...]]) -> None:
    with closing(table()) as apart, closing(table()) as together:
        one_by_one = sum(apart.execute(INSERT, row).rowcount for row in given_rows)
        widened = many.widened(INSERT, given_rows)
        assert sum(together.execute(text, values).rowcount for text, values in widened) == one_by_one
        assert contents(together) == contents(apart)


def test_statements_are_as_few_as_their_size_allows() -> None:
    alike = [(number, "a", False) for number in range(2 * many.AT_ONCE + 1)]
    sizes = [text.count("(?, ?)") for text, _ in many.widened(INSERT, alike)]
    assert sizes == [many.AT_ONCE, many.AT_ONCE, 1]
    assert not list(many.widened(INSERT, []))


def test_rows_whose_update_differs_share_no_statement() -> None:
    mixed = [(1, "a", False), (2, "b", False), (1, "c", True)]
    assert [values for _, values in many.widened(INSERT, mixed)] == [[1, "a", 2, "b", False], [1, "c", True]]
