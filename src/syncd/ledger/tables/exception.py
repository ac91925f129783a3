"""Anything that needs a person."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where
from syncd.ledger.types import new_id


class ExceptionRecord(SQLModel, table=True):
    """One open or closed exception: owner, reason, remedy, and everything needed to replay.

    `kind` says what it is (unmatched, ambiguous, dead-letter, brake, overdue, …); one is open per kind and subject.
    `lane`, `work_kind`, `work_key` name the work that a replay makes due.
    """

    __tablename__ = "exception"
    __table_args__ = (
        one_where("uq_exception_open", "brand", "kind", "subject", where="closed_at IS NULL"),
        sa.Index("ix_exception_work", "brand", "lane", "work_kind", "work_key"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    brand: str
    kind: str
    code: str
    subject: str
    connection: str = ""
    owner: str
    reason: str
    remedy: str
    payload: dict[str, Any] = json_value(default_factory=dict)
    lane: str = ""
    work_kind: str = ""
    work_key: str = ""
    opened_at: datetime = instant()
    closed_at: datetime | None = instant(default=None, nullable=True)
    closed_by: str = ""
    times: int = 1
