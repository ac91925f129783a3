"""Recorded calls: prepared before they are made, so that at most one per listing is ever in doubt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine.work import Claim, still_held
from syncd.errors import ConflictError
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import items, operations
from syncd.ledger.trail import canonical
from syncd.ledger.types import new_id

PREPARED, ACCEPTED, SETTLED = "prepared", "accepted", "settled"


class LeaseLost(ConflictError):
    """Another process took the lane over; it carries on from the ledger."""

    code = "lane.lost"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operation is to bring about for one listing: its fingerprint and the placements added and removed."""

    listing: str
    fingerprint: str
    placements: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A listing's open item, whose operation's outcome is not settled."""

    operation: str
    listing: str
    fingerprint: str
    state: str
    epoch: int
    placements: Mapping[str, list[str]]
    prepared_at: datetime

    @property
    def underway(self) -> bool:
        """The system works on it: what it did shows once the job has ended."""
        return self.state == ACCEPTED


@dataclass(frozen=True, slots=True)
class Job:
    """A call that the system took and carries out by itself."""

    operation: str
    external_id: str
    prepared_at: datetime
    items: Sequence[OpenItem]


async def prepare(transaction: Transaction, claims: Sequence[Claim], wishes: Sequence[Wish], revision: str) -> str:
    """Record a call about to be made; commit this before making it.

    Returns:
        The operation's id.

    Raises:
        LeaseLost: the claims are not ours any more: the call must not be made.
    """
    held = await still_held(transaction, claims)
    if len(held) != len(claims):
        raise LeaseLost(f"{len(claims) - len(held)} of {len(claims)} claims in lane {claims[0].lane} lapsed.")
    first = claims[0]
    identifier = new_id()
    payload = [[wish.listing, wish.fingerprint] for wish in wishes]
    await transaction.execute(
        sa.insert(operations).values(
            id=identifier,
            brand=first.brand,
            lane=first.lane,
            epoch=first.epoch,
            state=PREPARED,
            external_id="",
            payload_hash=hashlib.sha256(canonical(payload)).hexdigest(),
            revision=revision,
            prepared_at=transaction.now,
        )
    )
    await transaction.execute(
        sa.insert(items),
        [
            {
                "operation_id": identifier,
                "brand": first.brand,
                "lane": first.lane,
                "listing": wish.listing,
                "fingerprint": wish.fingerprint,
                "placements": dict(wish.placements),
                "result": "",
                "detail": "",
            }
            for wish in wishes
        ],
    )
    return identifier


async def advance(transaction: Transaction, operation: str, state: str, external_id: str = "") -> None:
    """Move an operation on; settled operations keep their instant."""
    values: dict[str, Any] = {"state": state}
    if external_id:
        values["external_id"] = external_id
    if state == SETTLED:
        values["settled_at"] = transaction.now
    await transaction.execute(sa.update(operations).where(operations.c.id == operation).values(**values))


async def settle_items(transaction: Transaction, operation: str, results: Mapping[str, tuple[str, str]]) -> None:
    """Write each listing's result (result, detail) and settle the operation when none is open any more."""
    for listing, (result, detail) in results.items():
        await transaction.execute(
            sa.update(items)
            .where(items.c.operation_id == operation, items.c.listing == listing)
            .values(result=result, detail=detail)
        )
    left = await transaction.execute(
        sa.select(sa.func.count()).where(items.c.operation_id == operation, items.c.result == "")
    )
    if not left.scalar_one():
        await advance(transaction, operation, SETTLED)


async def open_items(
    connection: AsyncConnection, brand: str, lane: str, listings: Sequence[str]
) -> dict[str, OpenItem]:
    """The open item of each of these listings that has one."""
    found: dict[str, OpenItem] = {}
    for start in range(0, len(listings), 500):
        rows = await connection.execute(
            sa.select(items, operations.c.state, operations.c.epoch, operations.c.prepared_at)
            .join(operations, operations.c.id == items.c.operation_id)
            .where(
                items.c.brand == brand,
                items.c.lane == lane,
                items.c.result == "",
                items.c.listing.in_(listings[start : start + 500]),
            )
        )
        found |= {row.listing: _open_item(row) for row in rows}
    return found


def _open_item(row: Any) -> OpenItem:
    return OpenItem(
        row.operation_id, row.listing, row.fingerprint, row.state, row.epoch, row.placements, row.prepared_at
    )


async def job(connection: AsyncConnection, operation: str) -> Job | None:
    """A job with what is open of it; None if it has been settled."""
    rows = (
        await connection.execute(
            sa.select(items, operations.c.state, operations.c.epoch, operations.c.prepared_at, operations.c.external_id)
            .join(operations, operations.c.id == items.c.operation_id)
            .where(operations.c.id == operation, operations.c.state == ACCEPTED, items.c.result == "")
            .order_by(items.c.id)
        )
    ).all()
    if not rows:
        return None
    return Job(operation, rows[0].external_id, rows[0].prepared_at, [_open_item(row) for row in rows])


async def open_jobs(connection: AsyncConnection, lane: str) -> int:
    """How many jobs of a lane the system is working on."""
    query = sa.select(sa.func.count()).where(operations.c.lane == lane, operations.c.state == ACCEPTED)
    return int((await connection.execute(query)).scalar_one())
