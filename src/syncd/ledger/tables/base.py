"""What every table starts from: one metadata, with names for all constraints so that migrations can address them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from syncd.ledger.types import Json, Utc

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def instant(**options: Any) -> Any:
    """A column for an aware instant; nullable when `default=None` is given."""
    return Field(sa_type=Utc, **options)


def json_value(**options: Any) -> Any:
    """A column for a JSON value."""
    return Field(sa_type=Json, **options)


def one_where(name: str, *columns: str, where: str) -> sa.Index:
    """A unique index over the rows that satisfy `where`, the same on both stores."""
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def some_where(name: str, *columns: str, where: str) -> sa.Index:
    """A partial index, the same on both stores."""
    condition = sa.text(where)
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def table(model: type[SQLModel]) -> sa.Table:
    """The Core table of a model, for statements that need no objects."""
    return cast(sa.Table, sa.inspect(model).local_table)


__all__ = ["Field", "SQLModel", "datetime", "instant", "json_value", "metadata", "one_where", "some_where", "table"]
