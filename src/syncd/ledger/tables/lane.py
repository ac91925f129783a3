"""Which process talks to which account."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value


class Lane(SQLModel, table=True):
    """The lease of a connection's lane, with its breaker's state and what its limits have been spent of.

    `epoch` grows with every change of owner and is checked by every write the owner makes.
    """

    __tablename__ = "lane"
    __table_args__ = (sa.UniqueConstraint("brand", "name"),)

    name: str = Field(primary_key=True)
    brand: str
    owner: str
    epoch: int
    expires_at: datetime = instant()
    breaker: dict[str, object] = json_value(default_factory=dict)
    spent: dict[str, object] = json_value(default_factory=dict)
