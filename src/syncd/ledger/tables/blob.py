"""Bytes in the object store, and what keeps them there."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant
from syncd.ledger.types import BigId


class Blob(SQLModel, table=True):
    """Content in the object store, named by its sha256; `stored_at` begins anew when a reader may still hold it."""

    __tablename__ = "blob"

    hash: str = Field(primary_key=True)
    size: int = Field(sa_type=BigId)
    stored_at: datetime = instant()


class Pin(SQLModel, table=True):
    """Why a blob is kept; a blob without a pin is garbage after a grace period."""

    __tablename__ = "pin"

    hash: str = Field(primary_key=True, foreign_key="blob.hash")
    holder: str = Field(primary_key=True)
