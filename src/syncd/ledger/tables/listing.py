"""Where content can stand, as last seen."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value


class Listing(SQLModel, table=True):
    """A listing of a connection with its observed gallery; a cache with `observed_at`.

    `revision` is the configuration this listing follows where only a part of a plan was applied ("": the
    connection's). `released` is the applied plan whose removals pass the brake here. `sku` is the product it was
    identified as ("" while nobody asked).
    """

    __tablename__ = "listing"
    __table_args__ = (sa.Index("ix_listing_brand_sku", "brand", "sku"),)

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    listing: str = Field(primary_key=True)
    market: str = ""
    sku: str = ""
    exists: bool = True
    gallery: list[dict[str, Any]] = json_value(default_factory=list)
    issues: list[dict[str, str]] = json_value(default_factory=list)
    observed_at: datetime | None = instant(default=None, nullable=True)
    revision: str = ""
    released: str = ""


class ListingName(SQLModel, table=True):
    """A name under which a listing can be found, such as its gtin; it may have several of a kind."""

    __tablename__ = "listing_name"
    __table_args__ = (sa.Index("ix_listing_name_value", "brand", "connection", "field", "value"),)

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    listing: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
