"""The mirror of the catalogue, and which product each asset shows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where
from syncd.ledger.types import BigId


class Product(SQLModel, table=True):
    """A product as the authoritative catalog tells it. `absent_since`: no longer listed there."""

    __tablename__ = "product"
    __table_args__ = (sa.Index("ix_product_brand_gtin", "brand", "gtin"),)

    brand: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    connection: str
    gtin: str = ""
    status: str
    version: str = ""
    title: str = ""
    facts: dict[str, Any] = json_value()
    observed_at: datetime = instant()
    absent_since: datetime | None = instant(default=None, nullable=True)


class Match(SQLModel, table=True):
    """Which SKU an asset shows, by which rule; `status`: confirmed or suggested."""

    __tablename__ = "match"
    __table_args__ = (
        one_where("uq_match_confirmed", "asset_id", "sku", where="status = 'confirmed'"),
        sa.Index("ix_match_brand_sku", "brand", "sku"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    asset_id: str = Field(foreign_key="asset.id", index=True)
    sku: str
    status: str
    rule: str
    location: str = ""
    product_version: str = ""
    explanation: list[str] = json_value(default_factory=list)
    revision: str
    at: datetime = instant()
