"""Calls to systems that change something, recorded before they are made."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where
from syncd.ledger.types import BigId, new_id


class Operation(SQLModel, table=True):
    """One call or batch: `prepared`, perhaps `accepted` while the system carries it out by itself, then `settled`.

    One that stays `prepared` is in doubt: its process died on the way, or no answer came.
    """

    __tablename__ = "operation"
    __table_args__ = (sa.Index("ix_operation_lane_state", "lane", "state"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    lane: str
    epoch: int
    state: str
    payload_hash: str
    external_id: str = ""
    revision: str
    prepared_at: datetime = instant()
    settled_at: datetime | None = instant(default=None, nullable=True)


class OperationItem(SQLModel, table=True):
    """What an operation wants for one listing; a listing has at most one open item, held by the database."""

    __tablename__ = "operation_item"
    __table_args__ = (one_where("uq_operation_item_open", "brand", "lane", "listing", where="result = ''"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    operation_id: str = Field(foreign_key="operation.id", index=True)
    brand: str
    lane: str
    listing: str
    fingerprint: str
    placements: dict[str, list[str]] = json_value(default_factory=dict)
    result: str = ""
    detail: str = ""
