"""What the daemon does for itself, as ordinary keys: seals the trail, collects garbage, sweeps, forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.flow import touching
from syncd.flow.care.clockwatch import WATCH
from syncd.flow.places import due
from syncd.flow.services import Services
from syncd.ledger import blobs as blob_rows
from syncd.ledger import sealer
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import (
    asset_grants,
    assets,
    blobs,
    events,
    grants,
    inbox,
    listings,
    placements,
    products,
    versions,
)
from syncd.ledger.types import Row

SEAL, SWEEP, GARBAGE, FORECAST = "seal", "sweep", "garbage", "forecast"
SEAL_EVERY = timedelta(seconds=2)
SWEEP_EVERY = timedelta(hours=6)
GARBAGE_EVERY = timedelta(hours=1)
GARBAGE_GRACE = timedelta(hours=1)
FORECAST_EVERY = timedelta(hours=6)
INBOX_KEPT = timedelta(days=30)
_PAGE = 1000


log = structlog.get_logger("syncd.housekeeping")


def standing_keys(brand: str) -> list[Due]:
    """The keys every brand always has."""
    return [Due(brand, LOCAL, kind, "", Urgency.BACKFILL) for kind in (SEAL, SWEEP, GARBAGE, FORECAST, WATCH)]


class SealHandler(OneByOne):
    """Key: "" per brand. Gives events their place in the chain and anchors the head outside the database."""

    kind = SEAL
    batch = 8

    def __init__(self, services: Services, signer: sealer.Signer) -> None:
        self.services, self.signer = services, signer

    async def one(self, claim: Claim) -> Outcome:
        again = self.services.clock.now() + SEAL_EVERY
        async with self.services.ledger.read() as reading:
            waiting = await reading.execute(
                sa.select(events.c.id).where(events.c.brand == claim.brand, events.c.position.is_(None)).limit(1)
            )
            if waiting.first() is None:
                return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL)
        async with self.services.ledger.write() as transaction:
            head = await sealer.seal(transaction, claim.brand, self.signer)
        if head is not None:
            await self.services.blobs.put_named(f"anchors/{claim.brand}/{head.position:012d}.json", head.as_json())
            log.info("trail anchored", event_id="trail.anchored", brand=claim.brand, position=head.position,
                     head=head.chain_hash, signed=head.signature)  # fmt: skip
        return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL)


class SweepHandler(OneByOne):
    """Key: "" per brand. Makes everything due once in a while: what a lost trigger missed is healed here."""

    kind = SWEEP
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        await sweep(self.services, claim.brand)
        return Outcome(claim, due_at=self.services.clock.now() + SWEEP_EVERY, urgency=Urgency.BACKFILL)


async def sweep(services: Services, brand: str) -> int:
    """Make every asset, product and place of a brand due, page by page; returns how many keys."""
    bundle = services.configuration.active.bundle
    count = 0
    async with services.ledger.write() as transaction:
        for role, kind in (("source", touching.POLL), ("catalog", touching.MIRROR), ("channel", touching.OBSERVE)):
            names = touching.connections_of(bundle, brand, role)
            await touch(transaction, [Due(brand, name, kind, "", Urgency.BACKFILL) for name in names])
    steps = (
        (versions, versions.c.id, sa.and_(versions.c.current, versions.c.facts.is_(None)), touching.CHECK),
        (assets, assets.c.id, sa.true(), touching.REVIEW),
        (products, products.c.sku, sa.true(), touching.LOCATE),
    )
    for source, column, condition, kind in steps:
        async for page in _pages(services, source, column, brand, condition):
            async with services.ledger.write() as transaction:
                await touch(transaction, [Due(brand, LOCAL, kind, key, Urgency.BACKFILL) for key in page])
            count += len(page)
    return count + await _touch_places(services, brand)


async def _pages(
    services: Services, source: sa.Table, column: sa.Column[Any], brand: str, condition: sa.ColumnElement[bool]
) -> Any:
    last = ""
    while True:
        async with services.ledger.read() as reading:
            rows = await reading.execute(
                sa.select(column).where(source.c.brand == brand, column > last, condition).order_by(column).limit(_PAGE)
            )
            page: Sequence[str] = rows.scalars().all()
        if not page:
            return
        yield page
        last = page[-1]


async def _touch_places(services: Services, brand: str) -> int:
    known = services.configuration.active.bundle.connections
    count, last = 0, ("", "")
    key = sa.tuple_(listings.c.connection, listings.c.listing)
    while True:
        async with services.ledger.read() as reading:
            rows = (
                await reading.execute(
                    sa.select(listings.c.connection, listings.c.listing)
                    .where(listings.c.brand == brand, key > sa.tuple_(*[sa.literal(v) for v in last]))
                    .order_by(listings.c.connection, listings.c.listing)
                    .limit(_PAGE)
                )
            ).all()
        if not rows:
            return count
        async with services.ledger.write() as transaction:
            keys = [due(brand, r.connection, r.listing, Urgency.BACKFILL) for r in rows if r.connection in known]
            await touch(transaction, keys)
        count, last = count + len(rows), (rows[-1].connection, rows[-1].listing)


class GarbageHandler(OneByOne):
    """Key: "" per brand. Deletes bytes nothing pins, and inbox rows long understood."""

    kind = GARBAGE
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        now = self.services.clock.now()
        await self._collect(now)
        await self.services.blobs.discard_partial(now - GARBAGE_GRACE)
        async with self.services.ledger.write() as transaction:
            await transaction.execute(
                sa.delete(inbox).where(inbox.c.brand == claim.brand, inbox.c.taken_at < now - INBOX_KEPT)
            )
        return Outcome(claim, due_at=now + GARBAGE_EVERY, urgency=Urgency.BACKFILL)

    async def _collect(self, now: datetime) -> None:
        """Rows go first: bytes without a row are harmless, a row without its bytes is not."""
        async with self.services.ledger.read() as reading:
            found = await blob_rows.unpinned(reading, now - GARBAGE_GRACE, _PAGE)
        if found:
            async with self.services.ledger.write() as transaction:
                gone = await blob_rows.forget(transaction, found)
            for sha256 in gone:
                await self.services.blobs.collect(sha256, now - GARBAGE_GRACE)
        await self._collect_unknown(now)

    async def _collect_unknown(self, now: datetime) -> None:
        """Bytes whose transaction never came: stored, then the process died."""
        stored = self.services.blobs.list()
        old = [blob.hash async for blob in stored if blob.modified and blob.modified < now - GARBAGE_GRACE]
        for start in range(0, len(old), 500):
            part = old[start : start + 500]
            async with self.services.ledger.read() as reading:
                rows = await reading.execute(sa.select(blobs.c.hash).where(blobs.c.hash.in_(part)))
                known = set(rows.scalars())
            for sha256 in part:
                if sha256 not in known:
                    await self.services.blobs.collect(sha256, now - GARBAGE_GRACE)


class ForecastHandler(OneByOne):
    """Key: "" per brand. Writes one event per grant and warning time before an end, while content stands on it."""

    kind = FORECAST
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async def effects(transaction: Transaction) -> None:
            for ahead in self.services.configuration.active.bundle.rights.warn:
                await self._warn(transaction, claim.brand, ahead)

        again = self.services.clock.now() + FORECAST_EVERY
        return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL, effects=effects)

    async def _warn(self, transaction: Transaction, brand: str, ahead: timedelta) -> None:
        for row in await ending(transaction.connection, brand, transaction.now, ahead):
            subject = f"{row.id}/{int(ahead.total_seconds())}"
            told = await transaction.execute(
                sa.select(events.c.id).where(
                    events.c.brand == brand, events.c.kind == "rights.ending", events.c.subject == subject
                )
            )
            if told.first() is None:
                transaction.record(
                    brand, "rights.ending", subject, grant=row.id, ends=row.ends.isoformat(), placements=row.placements
                )
                log.warning("rights end soon", event_id="rights.ending", brand=brand, grant=row.id,
                            ends=row.ends.isoformat(), placements=row.placements)  # fmt: skip


async def ending(reading: Any, brand: str, now: datetime, ahead: timedelta) -> Sequence[Row]:
    """Grants that end within `ahead` and on which live placements rest: id, ends, placements."""
    found = await reading.execute(
        sa.select(grants.c.id, grants.c.ends, sa.func.count(placements.c.id).label("placements"))
        .join(asset_grants, asset_grants.c.grant_id == grants.c.id)
        .join(placements, placements.c.asset_id == asset_grants.c.asset_id)
        .where(
            grants.c.brand == brand,
            grants.c.ends > now,
            grants.c.ends <= now + ahead,
            grants.c.revoked_at.is_(None),
            placements.c.state.in_(("live", "shown")),
        )
        .group_by(grants.c.id, grants.c.ends)
        .order_by(grants.c.ends)
    )
    return found.all()  # type: ignore[no-any-return]
