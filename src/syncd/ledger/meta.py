"""Single values the ledger keeps about itself."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import meta

LAST_SEEN = "last_seen"


async def value_of(reading: AsyncConnection, name: str) -> str:
    """A value, "" if it was never set."""
    return str((await reading.execute(sa.select(meta.c.value).where(meta.c.name == name))).scalar_one_or_none() or "")


async def set_value(transaction: Transaction, name: str, value: str) -> None:
    """Set a value."""
    statement = transaction.insert(meta).values(name=name, value=value)
    await transaction.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
