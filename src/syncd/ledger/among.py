"""`column IN (many values)` as one constant statement with one parameter, on either store.

SQLAlchemy's own `in_` makes a parameter of each value: the text differs with their number, so it is rendered, sent and
prepared anew for every batch, and no store takes more than some thousands. Here the values travel as one: a JSON array
on SQLite, an array on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Values(sa.TypeDecorator[list[Any]]):
    """The values, in what the store takes as one parameter."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(self.item))
        return dialect.type_descriptor(sa.JSON())

    def process_bind_param(self, value: Collection[Any] | None, dialect: sa.Dialect) -> list[Any]:
        return list(value or ())


class _Among(FunctionElement[bool]):
    """The condition; its clauses are the column and the values."""

    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Itself: SQLAlchemy would make `(…) = 1` of it where a store has no Boolean type, which no index serves."""
        return self


@compiles(_Among)
def _on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    listed = sa.func.json_each(values).table_valued("value")
    return compiler.process(column.in_(sa.select(listed.c.value)), **options)


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    return compiler.process(column == sa.any_(values), **options)


def among(column: sa.Column[Any], values: Collection[Any] | str) -> sa.ColumnElement[bool]:
    """Whether a column of text or integers has one of these values.

    Args:
        values: them, or the name of the parameter that will hold them.
    """
    typed = _Values(column.type)
    if isinstance(values, str):
        return _Among(column, sa.bindparam(values, type_=typed))
    return _Among(column, sa.bindparam(None, values, type_=typed, unique=True))
