"""Rows of blobs and of the pins that keep them from being collected as garbage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import blobs, pins


async def keep(transaction: Transaction, sha256: str, size: int, holder: str) -> None:
    """Note a stored blob and pin it for `holder`, such as `version:7Q2M…`."""
    values = {"hash": sha256, "size": size, "stored_at": transaction.now}
    await transaction.execute(transaction.insert(blobs).values(values).on_conflict_do_nothing())
    await pin(transaction, sha256, holder)


async def pin(transaction: Transaction, sha256: str, holder: str) -> None:
    """Pin a blob the ledger knows for one more holder."""
    await transaction.execute(transaction.insert(pins).values(hash=sha256, holder=holder).on_conflict_do_nothing())


async def pin_all(transaction: Transaction, holder: str, after: str, limit: int) -> str:
    """Pin the next `limit` blobs by hash for a holder.

    Returns:
        the last hash pinned, "" when there was none after `after`.
    """
    page = sa.select(blobs.c.hash).where(blobs.c.hash > after).order_by(blobs.c.hash).limit(limit).subquery()
    last = (await transaction.execute(sa.select(sa.func.max(page.c.hash)))).scalar_one_or_none()
    source = sa.select(page.c.hash, sa.literal(holder)).where(page.c.hash.is_not(None))
    await transaction.execute(transaction.insert(pins).from_select(["hash", "holder"], source).on_conflict_do_nothing())
    return str(last or "")


async def unpin_like(transaction: Transaction, prefix: str) -> None:
    """Release what all holders whose names begin so pinned."""
    await transaction.execute(sa.delete(pins).where(pins.c.holder.startswith(prefix, autoescape=True)))


async def let_go(transaction: Transaction, holder: str) -> None:
    """Release what a holder pinned; whoever is reading it has the collector's whole grace left to finish."""
    held = sa.select(pins.c.hash).where(pins.c.holder == holder)
    await transaction.execute(sa.update(blobs).where(blobs.c.hash.in_(held)).values(stored_at=transaction.now))
    await unpin(transaction, holder)


async def unpin(transaction: Transaction, holder: str) -> None:
    """Release what a holder pinned."""
    await transaction.execute(sa.delete(pins).where(pins.c.holder == holder))


async def unpinned(connection: AsyncConnection, before: datetime, limit: int) -> Sequence[str]:
    """Blobs without a pin that were stored, or let go, before an instant."""
    pinned = sa.select(pins.c.hash).where(pins.c.hash == blobs.c.hash).exists()
    rows = await connection.execute(
        sa.select(blobs.c.hash).where(~pinned, blobs.c.stored_at < before).order_by(blobs.c.stored_at).limit(limit)
    )
    return rows.scalars().all()


async def forget(transaction: Transaction, hashes: Sequence[str]) -> Sequence[str]:
    """Delete the rows of blobs that still have no pin; returns whose bytes may go."""
    pinned = sa.select(pins.c.hash).where(pins.c.hash == blobs.c.hash).exists()
    rows = await transaction.execute(sa.delete(blobs).where(blobs.c.hash.in_(hashes), ~pinned).returning(blobs.c.hash))
    return rows.scalars().all()
