"""What is due: one row per key that must be looked at."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant
from syncd.ledger.types import BigId


class Work(SQLModel, table=True):
    """A work key. `due_at` NULL: parked after a permanent failure, until touched or replayed.

    `urgency`: 0 takedown, 1 publish, 2 backfill (the design's `class`, a word SQL and Python keep for themselves).
    `generation` is set anew by every touch and never repeats: a worker that finishes finds out whether its key was
    touched meanwhile.
    """

    __tablename__ = "work"
    __table_args__ = (
        sa.UniqueConstraint("brand", "lane", "kind", "key"),
        sa.Index("ix_work_due", "lane", "kind", "urgency", "due_at"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)
    brand: str
    lane: str
    kind: str
    key: str
    urgency: int
    due_at: datetime | None = instant(default=None, nullable=True)
    not_before: datetime | None = instant(default=None, nullable=True)
    generation: int = Field(sa_type=BigId)
    claim_token: str | None = None
    claimed_until: datetime | None = instant(default=None, nullable=True)
    attempts: int = 0
    error: str | None = None


class Counter(SQLModel, table=True):
    """Numbers that never repeat, on SQLite; PostgreSQL has a sequence, which locks nothing."""

    __tablename__ = "counter"

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigId)
