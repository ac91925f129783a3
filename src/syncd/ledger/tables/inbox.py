"""What arrived, exactly as it came, before anything is understood."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value
from syncd.ledger.types import BigId


class Inbox(SQLModel, table=True):
    """One acknowledged item. A duplicate is dropped only by the id its vendor issued."""

    __tablename__ = "inbox"
    __table_args__ = (sa.UniqueConstraint("brand", "connection", "vendor_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    connection: str
    vendor_id: str | None = None
    body: bytes
    headers: dict[str, str] = json_value(default_factory=dict)
    received_at: datetime = instant()
    taken_at: datetime | None = instant(default=None, nullable=True)
