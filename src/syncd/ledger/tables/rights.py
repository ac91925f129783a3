"""Grants and consents, each with its document, many-to-many with assets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value
from syncd.ledger.types import new_id


class Grant(SQLModel, table=True):
    """A licence or the basis `owned`; `scope` holds territory, medium, use and channel lists (absent: any)."""

    __tablename__ = "license"
    __table_args__ = (sa.UniqueConstraint("brand", "source"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    source: str
    basis: str
    document: str = ""
    document_sha256: str = ""
    scope: dict[str, Any] = json_value(default_factory=dict)
    starts: datetime = instant()
    ends: datetime | None = instant(default=None, nullable=True)
    revoked_at: datetime | None = instant(default=None, nullable=True)


class AssetGrant(SQLModel, table=True):
    """Which assets a grant covers."""

    __tablename__ = "asset_license"

    asset_id: str = Field(primary_key=True, foreign_key="asset.id")
    grant_id: str = Field(primary_key=True, foreign_key="license.id", index=True)


class Consent(SQLModel, table=True):
    """A shown person's consent."""

    __tablename__ = "consent"
    __table_args__ = (sa.UniqueConstraint("brand", "person_id", "source"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    source: str
    person_id: str = Field(foreign_key="person.id", index=True)
    document: str = ""
    starts: datetime = instant()
    ends: datetime | None = instant(default=None, nullable=True)
    withdrawn_at: datetime | None = instant(default=None, nullable=True)


class AssetConsent(SQLModel, table=True):
    """Which assets show the consenting person."""

    __tablename__ = "asset_consent"

    asset_id: str = Field(primary_key=True, foreign_key="asset.id")
    consent_id: str = Field(primary_key=True, foreign_key="consent.id", index=True)
