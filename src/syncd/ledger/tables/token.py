"""API tokens, stored hashed."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant


class Token(SQLModel, table=True):
    """A bearer token's hash and scope (read, operate, admin)."""

    __tablename__ = "token"

    hash: str = Field(primary_key=True)
    name: str
    scope: str
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(default=None, nullable=True)
