"""Documents the daemon serves for a connection, such as a product feed."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant
from syncd.ledger.types import BigId


class Document(SQLModel, table=True):
    """One published document; its bytes are a pinned blob."""

    __tablename__ = "document"

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    extension: str = Field(primary_key=True)
    media_type: str
    sha256: str = Field(foreign_key="blob.hash")
    size: int = Field(sa_type=BigId)
    published_at: datetime = instant()
