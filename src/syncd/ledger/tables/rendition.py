"""Derivatives, and the public names they are served under."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value
from syncd.ledger.types import BigId


class Rendition(SQLModel, table=True):
    """A derivative; `key` is the hash of source, spec and metadata, so it is made once.

    `sha256` "": not made yet, or, with a `reason`, impossible to make. `revision` is the configuration whose spec it
    follows.
    """

    __tablename__ = "rendition"

    brand: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    version_id: str = Field(foreign_key="version.id", index=True)
    spec: str
    revision: str
    sha256: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    size: int = Field(default=0, sa_type=BigId)
    reason: str = ""
    made_at: datetime | None = instant(default=None, nullable=True)


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


class Intent(SQLModel, table=True):
    """What a version is to become under one revision: the matrix's answer, checked against each spec.

    `targets` holds [connection, spec, role, rendition key, entry, location, refusal] per derivative.
    """

    __tablename__ = "intent"

    version_id: str = Field(primary_key=True, foreign_key="version.id")
    revision: str = Field(primary_key=True)
    brand: str
    targets: list[list[str]] = json_value(default_factory=list)
