"""Our media in listings, and what proves it."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, one_where
from syncd.ledger.types import BigId, new_id


class Placement(SQLModel, table=True):
    """A version's rendition in a slot of a listing: planned, sent, accepted, live, shown, rejected, withdrawing, gone.

    `key` names it across versions (asset, role and spec); `fingerprint` is the rendition's key, which changes with the
    bytes; `name` is the public name they are served under,
    `seen_url` where they were last seen in the system; `cause` says why it is being taken down.
    """

    __tablename__ = "placement"
    __table_args__ = (
        one_where(
            "uq_placement_present",
            "brand",
            "connection",
            "listing",
            "key",
            "fingerprint",
            where="state <> 'gone'",
        ),
        sa.Index("ix_placement_listing", "brand", "connection", "listing"),
        sa.Index("ix_placement_asset", "asset_id"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    connection: str
    listing: str
    key: str
    asset_id: str = Field(foreign_key="asset.id")
    version_id: str = Field(foreign_key="version.id")
    version_number: int
    spec: str
    role: str
    fingerprint: str
    name: str = ""
    state: str
    slot: int = 0
    external_id: str = ""
    cause: str = ""
    inferred: bool = False
    revision: str = ""
    changed_at: datetime = instant()
    live_at: datetime | None = instant(default=None, nullable=True)
    removed_at: datetime | None = instant(default=None, nullable=True)
    gone_at: datetime | None = instant(default=None, nullable=True)
    seen_url: str = ""


class Receipt(SQLModel, table=True):
    """What a system answered, or what looking again showed, about one placement."""

    __tablename__ = "receipt"

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    placement_id: str = Field(foreign_key="placement.id", index=True)
    operation_id: str = ""
    at: datetime = instant()
    kind: str
    evidence: str = ""
