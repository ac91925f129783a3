"""Requests whose effect takes a while: resyncs and replays, with progress."""

from __future__ import annotations

from typing import Any

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where
from syncd.ledger.types import BigId, new_id


class Job(SQLModel, table=True):
    """One accepted request. `floor` is the generation its keys were touched with: work older than it is done."""

    __tablename__ = "job"
    __table_args__ = (one_where("uq_job_idempotency", "principal", "idempotency_key", where="idempotency_key <> ''"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    selectors: dict[str, Any] = json_value()
    principal: str
    idempotency_key: str = ""
    request_hash: str = ""
    dry_run: bool = False
    total: int = 0
    floor: int = Field(default=0, sa_type=BigId)
    ceiling: int = Field(default=0, sa_type=BigId)
    report: dict[str, Any] = json_value(default_factory=dict)
    created_at: datetime = instant()
