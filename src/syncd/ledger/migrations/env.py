"""Runs migrations on the connection that `ledger.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel.sql.sqltypes import AutoString

from syncd.ledger import tables
from syncd.ledger.tables.base import metadata


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a column type is written in a new migration: ours by name."""
    if kind == "type" and isinstance(item, sa.JSON):
        return "syncd.ledger.types.Json"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


assert tables, "importing the tables fills the metadata"
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7919001)")  # one process migrates, the others wait
    context.run_migrations()
