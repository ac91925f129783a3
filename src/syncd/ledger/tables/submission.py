"""What creators delivered."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value
from syncd.ledger.types import BigId, new_id


class Submission(SQLModel, table=True):
    """One submission as its newest statement has it; `facts` is that Delivery.

    `answered` is the hash of what its source was last told, `note` what the source remembers of having told it.
    """

    __tablename__ = "submission"
    __table_args__ = (sa.UniqueConstraint("brand", "connection", "external_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    connection: str
    external_id: str
    sequence: int | None = Field(default=None, sa_type=BigId, nullable=True)
    creator_id: str | None = Field(default=None, foreign_key="person.id")
    brief: str = ""
    campaign: str = Field(default="", index=True)
    facts: dict[str, Any] = json_value()
    people_shown: bool = False
    received_at: datetime = instant()
    withdrawn_at: datetime | None = instant(default=None, nullable=True)
    answered: str = ""
    note: str = ""


class SubmissionFile(SQLModel, table=True):
    """One file of a submission at one sequence; `state`: pending, stored, refused or superseded."""

    __tablename__ = "submission_file"
    __table_args__ = (sa.UniqueConstraint("submission_id", "key", "sequence"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    submission_id: str = Field(foreign_key="submission.id", index=True)
    key: str
    sequence: int = Field(sa_type=BigId)
    facts: dict[str, Any] = json_value()
    state: str = "pending"
    reason: str = ""
    sha256: str = ""
    asset_id: str | None = Field(default=None, foreign_key="asset.id", index=True)
    version_id: str | None = Field(default=None, foreign_key="version.id")
