"""How a connection stands: whether it may write, which revision its content follows, what is paused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.models.connection import Connection
from syncd.ledger.store import Transaction
from syncd.ledger.tables import ConnectionState
from syncd.ledger.tables.base import table

states = table(ConnectionState)


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection's standing in the ledger; a connection nobody touched yet has the defaults."""

    revision: str = ""
    applied_at: datetime | None = None
    paused: str = ""
    takedowns_pass: bool = True
    observed_at: datetime | None = None

    def may_write(self, connection: Connection) -> bool:
        """Whether anything at all may be written: never when off, and not before the first plan was applied."""
        return connection.writes == "on" or (connection.writes == "ask" and self.applied_at is not None)

    def follows(self, connection: Connection, active: str) -> str:
        """The revision its content follows: with `ask` the one whose plan was applied, else the active one."""
        return self.revision if connection.writes == "ask" and self.revision else active


async def standing_of(connection: AsyncConnection, brand: str, name: str) -> Standing:
    """The standing of one connection."""
    return (await standings(connection, brand)).get(name, Standing())


async def standings(connection: AsyncConnection, brand: str | None = None) -> dict[str, Standing]:
    """The standings of all connections that have one, of a brand or of all."""
    query = sa.select(states) if brand is None else sa.select(states).where(states.c.brand == brand)
    return {
        row.connection: Standing(row.revision, row.applied_at, row.paused, row.takedowns_pass, row.observed_at)
        for row in await connection.execute(query)
    }


async def set_standing(transaction: Transaction, brand: str, name: str, values: Mapping[str, Any]) -> None:
    """Change some of a connection's standing."""
    insert: Any = postgresql.insert if transaction.dialect == "postgresql" else sqlite.insert
    defaults = {"revision": "", "applied_at": None, "paused": "", "takedowns_pass": True, "observed_at": None}
    statement = insert(states).values({"brand": brand, "connection": name, **defaults, **values})
    await transaction.execute(
        statement.on_conflict_do_update(index_elements=["brand", "connection"], set_=dict(values))
    )
