"""Configuration as revisions: content-addressed, one active."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant, json_value, one_where


class Revision(SQLModel, table=True):
    """All configuration files of one moment, by relative path; `id` is their hash."""

    __tablename__ = "revision"
    __table_args__ = (one_where("uq_revision_active", "active", where="active"),)

    id: str = Field(primary_key=True)
    files: dict[str, str] = json_value()
    created_at: datetime = instant()
    activated_at: datetime | None = instant(default=None, nullable=True)
    activated_by: str = ""
    active: bool = False
