"""Reading channels: what stands in their listings, kept as a cache with its time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import sqlalchemy as sa

from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.flow import places
from syncd.flow.catalogue.lookup import normal_gtin
from syncd.flow.pausing import rests
from syncd.flow.services import Services
from syncd.flow.standing import set_standing, standing_of
from syncd.flow.touching import LOCATE, OBSERVE
from syncd.ledger.among import among
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import listing_names, listings, matches
from syncd.ledger.types import Row
from syncd.sdk.channel import Channel, ObservedGallery
from syncd.sdk.media import MediaState, ObservedMedia

_PER_TRANSACTION = 500
_RARELY = {
    field.name: field.default
    for field in fields(ObservedMedia)
    if field.name in ("slot", "alt", "state", "message", "shown", "placed_as")
}
"""What most systems leave at its default is not kept for every media item."""


def gallery_rows(gallery: ObservedGallery) -> list[dict[str, Any]]:
    """A gallery as the ledger keeps it."""
    return [_row_of(media) for media in gallery.media]


def _row_of(media: ObservedMedia) -> dict[str, Any]:
    row = {
        "external_id": media.external_id, "url": media.url, "name": media.name, "role": media.role,
        "fetched": media.fetched,
    }  # fmt: skip
    return row | {name: value for name, default in _RARELY.items() if (value := getattr(media, name)) != default}


def media_of_row(row: Mapping[str, Any]) -> ObservedMedia:
    """One media item of a gallery that the ledger kept."""
    return ObservedMedia(**{**row, "state": MediaState(row.get("state", MediaState.READY))})


async def write_observation(transaction: Transaction, brand: str, connection: str, gallery: ObservedGallery) -> None:
    """Keep what a place was seen to hold. `gallery.listing` is the ledger's name of the place."""
    values = {
        "market": gallery.market,
        "exists": gallery.exists,
        "gallery": gallery_rows(gallery),
        "issues": [asdict(issue) for issue in gallery.issues],
        "observed_at": transaction.now,
    }
    statement = transaction.insert(listings).values(
        brand=brand, connection=connection, listing=gallery.listing, sku=_sku_of(gallery.listing), revision="",
        released="", **values,
    )  # fmt: skip
    await transaction.execute(
        statement.on_conflict_do_update(index_elements=["brand", "connection", "listing"], set_=values)
    )


def _sku_of(place: str) -> str:
    return places.name_of(place) if place.startswith("product:") else ""


class ObserveHandler(OneByOne):
    """Key: "" of a channel's lane. Reads all its listings, learns their names, makes due what changed."""

    kind = OBSERVE
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        poll = self.services.connections.config(claim.lane).poll
        if await rests(self.services, claim):
            return Outcome(claim, due_at=self.services.clock.now() + poll, urgency=Urgency.BACKFILL)
        channel = self.services.connections.channel(claim.lane)
        await self._refresh(claim, channel)
        part: list[ObservedGallery] = []
        async for gallery in channel.observe(None):
            part.append(gallery)
            if len(part) >= _PER_TRANSACTION:
                await self._write(claim, part)
                part = []
        await self._write(claim, part)

        async def effects(transaction: Transaction) -> None:
            await set_standing(transaction, claim.brand, claim.lane, {"observed_at": transaction.now})
            await self._locate_matched(transaction, claim)

        return Outcome(claim, due_at=self.services.clock.now() + poll, urgency=Urgency.BACKFILL, effects=effects)

    async def _refresh(self, claim: Claim, channel: Channel) -> None:
        """Let a system that publishes whole documents follow what they are made from; nobody's media change."""
        config = self.services.connections.config(claim.lane)
        async with self.services.ledger.read() as reading:
            standing = await standing_of(reading, claim.brand, claim.lane)
        if standing.applied_at is not None and standing.may_write(config) and not standing.paused:
            await channel.apply([])

    async def _write(self, claim: Claim, part: Sequence[ObservedGallery]) -> None:
        if not part:
            return
        async with self.services.ledger.write() as transaction:
            known = await self._known(transaction, claim, part)
            changed, named = [], []
            for gallery in part:
                place = places.place(places.PUBLISH, gallery.listing)
                before = known.get(place)
                if before is None or _differs(before, gallery):
                    changed.append(place)
                named.append(replace(gallery, listing=place))
                await write_observation(transaction, claim.brand, claim.lane, named[-1])
            await self._name(transaction, claim, named)
            keys = [places.due(claim.brand, claim.lane, place, Urgency.BACKFILL) for place in changed]
            await touch(transaction, keys)

    async def _known(self, transaction: Transaction, claim: Claim, part: Sequence[ObservedGallery]) -> dict[str, Row]:
        wanted = [places.place(places.PUBLISH, gallery.listing) for gallery in part]
        rows = await transaction.execute(
            sa.select(listings.c.listing, listings.c.gallery, listings.c.exists).where(
                listings.c.brand == claim.brand, listings.c.connection == claim.lane, listings.c.listing.in_(wanted)
            )
        )
        return {row.listing: row for row in rows}

    async def _name(self, transaction: Transaction, claim: Claim, part: Sequence[ObservedGallery]) -> None:
        """Keep what listings can be found by, where that is not what is kept."""
        of = (listing_names.c.brand == claim.brand, listing_names.c.connection == claim.lane)
        places_named = [gallery.listing for gallery in part]
        known: dict[str, set[tuple[str, str]]] = {}
        for row in await transaction.execute(
            sa.select(listing_names).where(*of, among(listing_names.c.listing, places_named))
        ):
            known.setdefault(row.listing, set()).add((row.field, row.value))
        told = {gallery.listing: names_of(gallery) for gallery in part}
        renamed = [place for place, names in told.items() if names != known.get(place, set())]
        if not renamed:
            return
        await transaction.execute(sa.delete(listing_names).where(*of, among(listing_names.c.listing, renamed)))
        rows = [
            {"brand": claim.brand, "connection": claim.lane, "listing": place, "field": field, "value": value}
            for place in renamed
            for field, value in sorted(told[place])
        ]
        if rows:
            await transaction.execute(sa.insert(listing_names), rows)

    async def _locate_matched(self, transaction: Transaction, claim: Claim) -> None:
        """Products that content shows and whose listing was not known may be found now."""
        located = sa.select(listings.c.sku).where(
            listings.c.brand == claim.brand, listings.c.connection == claim.lane, listings.c.sku == matches.c.sku
        )
        rows = await transaction.execute(
            sa.select(matches.c.sku)
            .where(matches.c.brand == claim.brand, matches.c.status == "confirmed", ~located.exists())
            .distinct()
        )
        await touch(transaction, [Due(claim.brand, LOCAL, LOCATE, row.sku) for row in rows])


def names_of(gallery: ObservedGallery) -> set[tuple[str, str]]:
    """What a listing can be found by, each kind of name with each value, GTINs in one spelling."""
    found: set[tuple[str, str]] = set()
    for field, given in gallery.names.items():
        values = [given] if isinstance(given, str) else given
        spelled = [normal_gtin(value) if field == "gtin" else value for value in values]
        found |= {(field, value) for value in spelled if value}
    return found


def _differs(before: Row, gallery: ObservedGallery) -> bool:
    return bool(before.exists != gallery.exists) or json.dumps(before.gallery) != json.dumps(gallery_rows(gallery))
