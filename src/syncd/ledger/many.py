"""One statement for many rows, compiled once: what SQLAlchemy works out anew for every row is kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any] | None


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
