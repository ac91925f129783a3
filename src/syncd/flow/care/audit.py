"""Verifies the trail: every brand's events against their hashes, their chain and the heads signed on the way."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.errors import NotFoundError
from syncd.flow.services import Services
from syncd.ledger import trail
from syncd.ledger.sealer import SignedHead, Signer
from syncd.ledger.tables.core import anchors, events
from syncd.ledger.trail import Head, SealedEvent

_CHUNK = 500
_FAULTS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class BrandAudit:
    """What the verification of one brand's trail found.

    `anchors` are the signed heads it was held against; `unproven` are heads whose signature this daemon's key did not
    make, which prove nothing. `faults` lists the first hundred.
    """

    brand: str
    sealed: int
    unsealed: int
    head: str
    anchors: int
    unproven: int
    faults: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.faults


async def verify(services: Services, brand: str | None = None) -> list[BrandAudit]:
    """Recompute the trails of all brands, or of one.

    Raises:
        NotFoundError: there is no such brand.
    """
    async with services.ledger.read() as reading:
        told = set((await reading.execute(sa.select(events.c.brand).distinct())).scalars())
    known = sorted(told | set(services.configuration.active.bundle.brands))
    if brand is not None and brand not in known:
        raise NotFoundError(f"There is no brand {brand}.")
    signer = await asyncio.to_thread(Signer, services.settings.var / "anchor.key")
    return [await _verify(services, signer, name) for name in known if brand in (None, name)]


async def _verify(services: Services, signer: Signer, brand: str) -> BrandAudit:
    """Anchors are read before events: the trail only grows meanwhile."""
    newest_outside = await _newest_outside(services, signer, brand)
    async with services.ledger.read() as reading:
        heads, unproven = await _heads(reading, signer, brand)
        if newest_outside:
            heads[newest_outside.position, newest_outside.chain_hash] = newest_outside
        proven = [Head(head.position, head.chain_hash) for head in heads.values()]
        found = await reading.run_sync(lambda connection: trail.verify(brand, _stream(connection, brand), proven))
    faults = found.faults
    if len(faults) > _FAULTS_SHOWN:
        faults = [*faults[:_FAULTS_SHOWN], f"and {len(faults) - _FAULTS_SHOWN:,} more"]
    return BrandAudit(brand, found.sealed, found.unsealed, found.head, len(proven), unproven, faults)


async def _heads(reading: AsyncConnection, signer: Signer, brand: str) -> tuple[dict[tuple[int, str], SignedHead], int]:
    """The ledger's heads whose signature holds, and how many others there are."""
    rows = await reading.execute(sa.select(anchors).where(anchors.c.brand == brand).order_by(anchors.c.position))
    heads = [SignedHead(row.brand, row.position, row.chain_hash, row.signature) for row in rows]
    proven = {(head.position, head.chain_hash): head for head in heads if signer.holds(head)}
    return proven, len(heads) - len(proven)


async def _newest_outside(services: Services, signer: Signer, brand: str) -> SignedHead | None:
    """The newest head in the object store that this key signed: it binds all events before it."""
    names = await services.blobs.names(f"anchors/{brand}")
    for name in reversed(names):
        text = await services.blobs.read_named(name)
        try:
            head = SignedHead(**json.loads(text or b""))
        except (ValueError, TypeError):
            continue
        if head.brand == brand and signer.holds(head):
            return head
    return None


def _stream(connection: sa.Connection, brand: str) -> Iterator[SealedEvent]:
    """Sealed events by position, then the others; a few hundred at a time in memory."""
    of_brand = sa.select(events).where(events.c.brand == brand)
    sealed = of_brand.where(events.c.position.is_not(None)).order_by(events.c.position)
    unsealed = of_brand.where(events.c.position.is_(None)).order_by(events.c.id)
    streaming = {"yield_per": _CHUNK}
    for row in itertools.chain.from_iterable(
        connection.execute(query, execution_options=streaming) for query in (sealed, unsealed)
    ):
        yield SealedEvent(
            row.id, row.brand, row.at, row.kind, row.subject, row.revision, row.data, row.content_hash, row.position,
            row.chain_hash,
        )  # fmt: skip
