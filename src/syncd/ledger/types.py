"""Column types and identifiers shared by all tables."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32: no I, L, O, U to misread


def new_id() -> str:
    """A random identifier people can read aloud: 12 characters, 60 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


class Utc(sa.TypeDecorator[datetime]):
    """An aware instant. Refuses naive values; comes back aware in UTC from either store.

    On SQLite it is text in UTC without an offset, `2026-11-22 16:21:07.000000`, read and written here: rows have many
    instants, and this is a fifth of the cost of SQLAlchemy's own conversion.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], Any]:
        return _as_text if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _of_text if dialect.name == "sqlite" else _in_utc


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError(f"a naive instant reached the ledger: {value!r}")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    instant = _in_utc(value)
    return None if instant is None else instant.isoformat(" ", "microseconds")[:26]


def _of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value + "+00:00")


Row: TypeAlias = sa.Row[*tuple[Any, ...]]
"""A row of any query."""

Json: sa.types.TypeEngine[Any] = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BigId: sa.types.TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
