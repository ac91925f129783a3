"""Plans: what a configuration would change, before it does."""

from __future__ import annotations

from typing import Any

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value


class Plan(SQLModel, table=True):
    """The lines of one plan and the revision they follow from; `fingerprint` is what `apply` compares with."""

    __tablename__ = "plan"

    id: str = Field(primary_key=True)
    brand: str
    revision: str = Field(foreign_key="revision.id")
    fingerprint: str
    body: dict[str, Any] = json_value()
    created_at: datetime = instant()
    created_by: str = ""
    applied_at: datetime | None = instant(default=None, nullable=True)
    applied_by: str = ""
