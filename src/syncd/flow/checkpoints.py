"""How far a connection was read; written together with what was read, by the lane's owner alone."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine.operations import LeaseLost
from syncd.engine.work import Claim
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import checkpoints


async def read_checkpoint(ledger: Ledger, brand: str, connection: str, name: str) -> str:
    """The stored value, "" before the first."""
    async with ledger.read() as reading:
        return await value_of(reading, brand, connection, name)


async def value_of(connection: AsyncConnection, brand: str, of: str, name: str) -> str:
    """The stored value as this connection to the ledger sees it, "" before the first."""
    found = await connection.execute(
        sa.select(checkpoints.c.value).where(
            checkpoints.c.brand == brand, checkpoints.c.connection == of, checkpoints.c.name == name
        )
    )
    return str(found.scalar_one_or_none() or "")


async def write_checkpoint(transaction: Transaction, claim: Claim, name: str, value: str) -> None:
    """Move a checkpoint on, under the lane's epoch.

    Raises:
        LeaseLost: a newer owner of the lane wrote it already.
    """
    statement = transaction.insert(checkpoints).values(
        brand=claim.brand, connection=claim.lane, name=name, value=value, epoch=claim.epoch, at=transaction.now
    )
    written = await transaction.execute(
        statement.on_conflict_do_update(
            index_elements=["brand", "connection", "name"],
            set_={"value": value, "epoch": claim.epoch, "at": transaction.now},
            where=checkpoints.c.epoch <= claim.epoch,
        ).returning(checkpoints.c.epoch)
    )
    if written.first() is None:
        raise LeaseLost(f"The checkpoint {name} of {claim.lane} was written by a newer owner of its lane.")
