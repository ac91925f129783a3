"""Content items and their immutable versions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where
from syncd.ledger.types import BigId, new_id


class Asset(SQLModel, table=True):
    """A content item with exactly one owner. `key` is its file key within the submission that brought it first."""

    __tablename__ = "asset"
    __table_args__ = (sa.UniqueConstraint("brand", "submission_id", "key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    submission_id: str = Field(foreign_key="submission.id", index=True)
    key: str
    kind: str
    origin: str
    title: str = ""
    owner: str
    created_at: datetime = instant()
    withdrawn_at: datetime | None = instant(default=None, nullable=True)
    withdrawn_because: str = ""


class Version(SQLModel, table=True):
    """One immutable revision of an asset; one is current, held by the database.

    `sequence` orders versions (declared by the source, else by arrival); `facts` is what the probe measured.
    """

    __tablename__ = "version"
    __table_args__ = (
        sa.UniqueConstraint("asset_id", "number"),
        sa.UniqueConstraint("asset_id", "sequence"),
        one_where("uq_version_current", "asset_id", where="current"),
        sa.Index("ix_version_brand_sha256", "brand", "sha256"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    asset_id: str = Field(foreign_key="asset.id", index=True)
    number: int
    sequence: int = Field(sa_type=BigId)
    sha256: str = Field(foreign_key="blob.hash")
    file_name: str
    status: str
    current: bool
    facts: dict[str, Any] | None = json_value(default=None, nullable=True)
    received_at: datetime = instant()
    approved_at: datetime | None = instant(default=None, nullable=True)
