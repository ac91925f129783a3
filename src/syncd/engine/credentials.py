"""The rows of kept credentials: changed only by whoever saw the present version, refreshed by one process at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine.lanes import after
from syncd.engine.work import database_time
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import credentials

GONE = b""
"""What a row holds that was disconnected; it stays, so that its versions go on."""


class Place(NamedTuple):
    """Where a credential is kept, and what it is sealed for."""

    brand: str
    connection: str
    name: str

    def __str__(self) -> str:
        return f"{self.brand}/{self.connection}/{self.name}"


class Kept(NamedTuple):
    """A credential as the ledger has it."""

    sealed: bytes
    version: int
    connected_at: datetime
    refreshed_at: datetime
    expires_at: datetime | None


async def find(reading: AsyncConnection, place: Place) -> Kept | None:
    """What is kept, None where nothing ever was."""
    columns = (credentials.c[name] for name in Kept._fields)
    row = (await reading.execute(sa.select(*columns).where(_at(place)))).first()
    return Kept(*row) if row is not None else None


async def put(transaction: Transaction, place: Place, sealed: bytes, expires_at: datetime | None) -> None:
    """Keep a credential in place of whatever was there; what others hold of that is out of date."""
    now = transaction.now
    fresh = {"sealed": sealed, "connected_at": now, "refreshed_at": now, "expires_at": expires_at, **_UNLEASED}
    statement = transaction.insert(credentials).values(**place._asdict(), version=1, **fresh)
    key = [credentials.c[name] for name in Place._fields]
    await transaction.execute(
        statement.on_conflict_do_update(index_elements=key, set_={**fresh, "version": credentials.c.version + 1})
    )


async def seed(transaction: Transaction, place: Place, sealed: bytes) -> None:
    """Keep what a first refresh starts from, unless something was kept before."""
    statement = transaction.insert(credentials).values(
        **place._asdict(), sealed=sealed, version=1, connected_at=transaction.now, refreshed_at=transaction.now,
        expires_at=None, **_UNLEASED,
    )  # fmt: skip
    await transaction.execute(statement.on_conflict_do_nothing())


async def replace(
    transaction: Transaction, place: Place, version: int, sealed: bytes, expires_at: datetime | None
) -> bool:
    """Keep what a refresh brought, unless another was faster than this version; the lease ends.

    Returns:
        whether it is kept.
    """
    values = {"sealed": sealed, "version": version + 1, "refreshed_at": transaction.now, "expires_at": expires_at}
    return await _change(transaction, place, credentials.c.version == version, {**values, **_UNLEASED})


async def reseal(transaction: Transaction, place: Place, former: bytes, sealed: bytes) -> bool:
    """Keep the same under another key."""
    return await _change(transaction, place, credentials.c.sealed == former, {"sealed": sealed})


async def clear(transaction: Transaction, place: Place) -> bool:
    """Keep nothing any more; whether there was something."""
    values = {"sealed": GONE, "version": credentials.c.version + 1, "expires_at": None, **_UNLEASED}
    return await _change(transaction, place, credentials.c.sealed != GONE, values)


async def lease(
    transaction: Transaction, ledger: Ledger, place: Place, version: int, owner: str, seconds: float
) -> bool:
    """Become the only one who may spend this version, for so many seconds of database time.

    Args:
        owner: the process; on SQLite, where there is one, the lease of another is that of a dead one.
    """
    now = database_time(ledger)
    free = sa.or_(credentials.c.leased_by == "", credentials.c.leased_until < now)
    if ledger.embedded:
        free = sa.or_(free, credentials.c.leased_by != owner)
    values = {"leased_by": owner, "leased_until": after(ledger, now, seconds)}
    return await _change(transaction, place, sa.and_(credentials.c.version == version, free), values)


async def release(transaction: Transaction, place: Place, owner: str) -> None:
    """Let others try."""
    await _change(transaction, place, credentials.c.leased_by == owner, _UNLEASED)


_UNLEASED: dict[str, Any] = {"leased_by": "", "leased_until": None}


def _at(place: Place) -> sa.ColumnElement[bool]:
    return sa.and_(*(credentials.c[name] == value for name, value in place._asdict().items()))


async def _change(
    transaction: Transaction, place: Place, where: sa.ColumnElement[bool], values: dict[str, Any]
) -> bool:
    changed = await transaction.execute(sa.update(credentials).where(_at(place), where).values(**values))
    return changed.rowcount > 0
