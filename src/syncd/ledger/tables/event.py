"""The trail: what happened, in order, tamper-evident."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, some_where
from syncd.ledger.types import BigId


class Event(SQLModel, table=True):
    """One thing that happened. Holds ids and commitments, never personal data.

    The transaction that did it inserts the row with `content_hash`; the sealer gives `position` and `chain_hash`.
    """

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("brand", "position"),
        some_where("ix_event_unsealed", "brand", "id", where="position IS NULL"),
        sa.Index("ix_event_brand_subject", "brand", "subject"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    at: datetime = instant()
    kind: str
    subject: str
    data: dict[str, Any] = json_value(default_factory=dict)
    revision: str = ""
    content_hash: str
    position: int | None = Field(default=None, sa_type=BigId, nullable=True)
    chain_hash: str | None = None


class Anchor(SQLModel, table=True):
    """A signed head of a brand's chain; a copy lies outside the database."""

    __tablename__ = "anchor"

    brand: str = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigId)
    at: datetime = instant()
    chain_hash: str
    signature: str
