"""People, kept beside the trail so that erasing one leaves it verifying."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant
from syncd.ledger.types import new_id


class Person(SQLModel, table=True):
    """A creator or a colleague; events name only `id` and `commitment` (hash of salt and reference)."""

    __tablename__ = "person"
    __table_args__ = (sa.UniqueConstraint("brand", "reference"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    reference: str
    name: str = ""
    mail: str = ""
    handle: str = ""
    salt: str
    commitment: str
    erased_at: datetime | None = instant(default=None, nullable=True)
