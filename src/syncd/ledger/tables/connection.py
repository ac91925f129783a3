"""What the ledger knows of each configured account."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant


class ConnectionState(SQLModel, table=True):
    """A connection's standing: whether its first plan was applied, and what is paused.

    `revision` is the configuration its content follows; it changes by `apply` (with `writes: on`, by activation).
    `paused`: "" | writes | all; `takedowns_pass`: taking down goes on while writes are paused.
    """

    __tablename__ = "connection_state"

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    revision: str = ""
    applied_at: datetime | None = instant(default=None, nullable=True)
    paused: str = ""
    takedowns_pass: bool = True
    observed_at: datetime | None = instant(default=None, nullable=True)


class Checkpoint(SQLModel, table=True):
    """How far a connection was read; written with the lane's epoch, together with what was read."""

    __tablename__ = "checkpoint"

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: str
    epoch: int
    at: datetime = instant()
