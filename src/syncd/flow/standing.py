"""How a connection stands: whether it may write, which revision its content follows, what is paused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.models.connection import Connection
from syncd.ledger import meta
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import states
from syncd.ledger.types import Row

RESTORED = "restored"
"""When the ledger was restored from a backup, in its `meta`; until a connection's next applied plan it only reads."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection's standing in the ledger; a connection nobody touched yet has the defaults.

    `restored`: the ledger comes from a backup, so that even `writes: on` waits for an applied plan.
    """

    revision: str = ""
    applied_at: datetime | None = None
    paused: str = ""
    takedowns_pass: bool = True
    observed_at: datetime | None = None
    restored: bool = False

    def may_write(self, connection: Connection) -> bool:
        """Whether anything at all may be written: never when off, and not before the first plan was applied."""
        if connection.writes == "on" and not self.restored:
            return True
        return connection.writes != "off" and self.applied_at is not None

    def follows(self, connection: Connection, active: str) -> str:
        """The revision its content follows: with `ask` the one whose plan was applied, else the active one."""
        return self.revision if connection.writes == "ask" and self.revision else active


async def standing_of(connection: AsyncConnection, brand: str, name: str) -> Standing:
    """The standing of one connection."""
    query = sa.select(states).where(states.c.brand == brand, states.c.connection == name)
    row = (await connection.execute(query)).first()
    found = _standing(row) if row is not None else Standing()
    return found if found.applied_at else replace(found, restored=await _was_restored(connection))


async def standings(connection: AsyncConnection, names: Iterable[str]) -> dict[str, Standing]:
    """The standings of these connections, by name."""
    restored = await _was_restored(connection)
    known = {row.connection: _standing(row) for row in await connection.execute(sa.select(states))}
    return {name: replace(known.get(name, Standing()), restored=restored) for name in names}


def _standing(row: Row) -> Standing:
    return Standing(row.revision, row.applied_at, row.paused, row.takedowns_pass, row.observed_at)


async def _was_restored(connection: AsyncConnection) -> bool:
    return bool(await meta.value_of(connection, RESTORED))


async def set_standing(transaction: Transaction, brand: str, name: str, values: Mapping[str, Any]) -> None:
    """Change some of a connection's standing."""
    defaults = {"revision": "", "applied_at": None, "paused": "", "takedowns_pass": True, "observed_at": None}
    statement = transaction.insert(states).values({"brand": brand, "connection": name, **defaults, **values})
    await transaction.execute(
        statement.on_conflict_do_update(index_elements=["brand", "connection"], set_=dict(values))
    )
