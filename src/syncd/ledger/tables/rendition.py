"""Derivatives, and the public names they are served under."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant
from syncd.ledger.types import BigId


class Rendition(SQLModel, table=True):
    """A derivative; `key` is the hash of source, spec and metadata, so it is made once.

    `sha256` "" and `reason` say that it cannot be made.
    """

    __tablename__ = "rendition"

    brand: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    version_id: str = Field(foreign_key="version.id", index=True)
    spec: str
    sha256: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    size: int = Field(default=0, sa_type=BigId)
    reason: str = ""
    made_at: datetime = instant()


class PublicName(SQLModel, table=True):
    """The name under which one connection's copy of a rendition is served; withdrawn names answer 410."""

    __tablename__ = "public_name"

    name: str = Field(primary_key=True)
    brand: str
    connection: str
    rendition: str
    sha256: str = Field(index=True)
    media_type: str
    size: int = Field(sa_type=BigId)
    created_at: datetime = instant()
    withdrawn_at: datetime | None = instant(default=None, nullable=True)
