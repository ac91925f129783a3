"""What checks found and what people decided, each bound to one version."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value
from syncd.ledger.types import BigId, new_id


class Finding(SQLModel, table=True):
    """What a check found on a version for one target channel and spec: rule, measured value, limit."""

    __tablename__ = "finding"
    __table_args__ = (sa.UniqueConstraint("version_id", "connection", "spec", "rule"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    version_id: str = Field(foreign_key="version.id", index=True)
    connection: str
    spec: str
    rule: str
    measured: str
    limit: str
    message: str
    severity: str
    revision: str


class Round(SQLModel, table=True):
    """One review of one version: who is asked and who approves finally, as the matrix said when it opened."""

    __tablename__ = "round"

    version_id: str = Field(primary_key=True, foreign_key="version.id")
    brand: str
    route: dict[str, Any] = json_value()
    opened_at: datetime = instant()
    closed_at: datetime | None = instant(default=None, nullable=True)
    outcome: str = ""


class Decision(SQLModel, table=True):
    """One verdict of one person in one role on one version."""

    __tablename__ = "decision"
    __table_args__ = (sa.UniqueConstraint("version_id", "person_id", "role"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    version_id: str = Field(foreign_key="version.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    role: str
    verdict: str
    reason: str = ""
    comment: str = ""
    imported_from: str = ""
    revision: str
    at: datetime = instant()
