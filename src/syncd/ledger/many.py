"""One statement for many rows, compiled once: what SQLAlchemy works out anew for every row is kept."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any] | None
AT_ONCE = 32
_VALUES = re.compile(r" VALUES (\([?, ]+\))")


@functools.lru_cache(maxsize=64)
def prepared(statement: sa.Executable, dialect: sa.Dialect) -> tuple[str, tuple[tuple[str, Convert], ...]]:
    """A statement's text for the driver, and per place of it the parameter's name and its conversion.

    Args:
        statement: with a `bindparam` of its own name and type for every value; kept by whoever uses it.
    """
    assert isinstance(statement, sa.ClauseElement)
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    names = compiled.positiontup or ()
    places = tuple((name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)
    return str(compiled), places


def arguments(places: Sequence[tuple[str, Convert]], rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them."""
    return list(zip(*(_column(name, convert, rows) for name, convert in places), strict=True))


def _column(name: str, convert: Convert, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """One parameter of all rows; the very same value, such as this transaction's instant, is converted once."""
    if convert is None:
        return [row[name] for row in rows]
    found, last, converted = [], None, convert(None)
    for row in rows:
        if (value := row[name]) is not last:
            last, converted = value, convert(value)
        found.append(converted)
    return found


def widened(text: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """The same INSERT for SQLite with up to AT_ONCE rows in one statement, and the parameters of each such statement.

    Args:
        text: with the places of one row; what stands behind them, as in ON CONFLICT, holds for all rows of a statement.
        rows: parameters of each row, in their order.
    """
    _, width = _repeated(text, 1)
    for tail, alike in itertools.groupby(rows, key=lambda row: row[width:]):
        those = list(alike)
        for start in range(0, len(those), AT_ONCE):
            piece = those[start : start + AT_ONCE]
            values = itertools.chain.from_iterable(row[:width] for row in piece)
            yield _repeated(text, len(piece))[0], [*values, *tail]


@functools.lru_cache(maxsize=8 * AT_ONCE)
def _repeated(text: str, rows: int) -> tuple[str, int]:
    """A statement with the places of so many rows, and how many places a row has."""
    found = _VALUES.search(text)
    assert found, text
    places = found.group(1)
    return text[: found.start(1)] + ", ".join([places] * rows) + text[found.end(1) :], places.count("?")
