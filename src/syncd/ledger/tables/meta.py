"""What the ledger knows about itself."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel


class Meta(SQLModel, table=True):
    """Single values: the ledger's own id, the time it last trusted, whether it was restored."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str
