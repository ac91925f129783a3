"""Reads the situation of a batch of places in one consistent state of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain import brake
from syncd.engine.operations import open_items
from syncd.flow import places
from syncd.flow.converge.situation import AssetFacts, PlaceFacts, Situation
from syncd.flow.renditions import intents
from syncd.flow.renditions.intents import Target
from syncd.flow.review import grants
from syncd.flow.services import Services
from syncd.flow.standing import Standing, standing_of, standings
from syncd.ledger.among import among
from syncd.ledger.tables.core import (
    assets,
    listings,
    matches,
    placements,
    products,
    public_names,
    receipts,
    renditions,
    submissions,
    versions,
)
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook


async def load(
    services: Services,
    brand: str,
    connection: str,
    keys: Sequence[str],
    *,
    candidate: Rulebook | None = None,
    count_brake: bool = True,
) -> Situation:
    """Read the facts of these places.

    Args:
        candidate: judge by this revision instead of the one each place follows (for plans).
        count_brake: read how far the brake is used up, which takes a look at all placements of the connection.
    """
    async with services.ledger.read() as reading:
        standing = await standing_of(reading, brand, connection)
        found = await _places(reading, brand, connection, keys)
        await _set_revisions(services, connection, standing, found.values(), candidate)
        rulebooks = {
            r: candidate or await services.configuration.rulebook(r) for r in {p.revision for p in found.values()}
        }
        await _placements(reading, brand, connection, found)
        await _awaited(reading, found, services.clock.now() - services.connections.patience(connection))
        await _shown_assets(reading, brand, found)
        await _products(reading, brand, found)
        belonging = {asset for place in found.values() for asset in place.assets}
        standing_there = {row.asset_id for place in found.values() for row in place.placements}
        known = await _assets(reading, sorted(belonging | standing_there))
        fresh = await _targets(reading, connection, found, known, rulebooks)
        await _rights(reading, known, next(iter(rulebooks.values()), services.configuration.active))
        made = await _renditions(reading, brand, known, found)
        names = await _names(reading, connection, found)
        items = await open_items(reading, brand, connection, keys)
        left = await brake_left(services, reading, brand, connection) if count_brake else None
        urls = await _library_urls(services, reading, brand, found)
    return Situation(
        brand=brand,
        connection=connection,
        now=services.clock.now(),
        standing=standing,
        rulebooks=rulebooks,
        places=found,
        assets=known,
        made=made,
        names=names,
        open_items=items,
        brake_left=left,
        library_urls=urls,
        fresh_intents=fresh,
        clock_stepped=services.clock.stepped,
    )


async def _places(reading: AsyncConnection, brand: str, connection: str, keys: Sequence[str]) -> dict[str, PlaceFacts]:
    found = {key: PlaceFacts(key, sku=places.name_of(key) if key.startswith("product:") else "") for key in keys}
    rows = await reading.execute(
        sa.select(listings).where(
            listings.c.brand == brand, listings.c.connection == connection, among(listings.c.listing, keys)
        )
    )
    for row in rows.all():
        place = found[row.listing]
        place.sku = row.sku or place.sku
        place.market, place.exists, place.observed_at = row.market, row.exists, row.observed_at
        place.seen, place.revision, place.released = row.gallery, row.revision, bool(row.released)
        place.pinned = bool(row.revision)
    return found


async def _set_revisions(
    services: Services, connection: str, standing: Standing, found: Iterable[PlaceFacts], candidate: Rulebook | None
) -> None:
    config = services.connections.config(connection)
    follows = standing.follows(config, services.configuration.active.bundle.revision)
    for place in found:
        if candidate:
            place.revision = candidate.bundle.revision
        elif config.writes != "ask" or not place.revision:
            place.revision = follows


async def _placements(reading: AsyncConnection, brand: str, connection: str, found: dict[str, PlaceFacts]) -> None:
    rows = await reading.execute(
        sa.select(placements)
        .where(
            placements.c.brand == brand, placements.c.connection == connection,
            among(placements.c.listing, list(found)), placements.c.state != "gone",
        )
        .order_by(placements.c.changed_at, placements.c.id)
    )  # fmt: skip
    for row in rows.all():
        found[row.listing].placements.append(row)


async def _awaited(reading: AsyncConnection, found: dict[str, PlaceFacts], since: datetime) -> None:
    """Removals that the system took after they were asked for, none of them before `since`."""
    leaving = {
        row.id: place
        for place in found.values()
        for row in place.placements
        if row.state == "withdrawing" and row.removed_at is not None and row.removed_at > since
    }
    if not leaving:
        return
    query = sa.select(receipts.c.placement_id, sa.func.max(receipts.c.at).label("at"))
    taken = query.where(among(receipts.c.placement_id, list(leaving)), receipts.c.kind == "accepted")
    for row in (await reading.execute(taken.group_by(receipts.c.placement_id))).all():
        place = leaving[row.placement_id]
        asked = next(each.removed_at for each in place.placements if each.id == row.placement_id)
        if row.at >= asked:
            place.awaited |= {row.placement_id}


async def _shown_assets(reading: AsyncConnection, brand: str, found: dict[str, PlaceFacts]) -> None:
    """An asset belongs where it is archived, and at the places of the product it shows; and where it stands now."""
    by_sku: dict[str, list[PlaceFacts]] = defaultdict(list)
    for place in found.values():
        if place.place.startswith("asset:"):
            place.assets.append(places.name_of(place.place))
        elif place.sku:
            by_sku[place.sku].append(place)
    rows = await reading.execute(
        sa.select(matches.c.sku, matches.c.asset_id).where(
            matches.c.brand == brand, among(matches.c.sku, list(by_sku)), matches.c.status == "confirmed"
        )
    )
    for sku, asset in rows.all():
        for place in by_sku[sku]:
            place.assets.append(asset)
    for place in found.values():
        place.assets = list(dict.fromkeys(place.assets))


async def _products(reading: AsyncConnection, brand: str, found: dict[str, PlaceFacts]) -> None:
    skus = sorted({place.sku for place in found.values() if place.sku})
    rows = await reading.execute(
        sa.select(products.c.sku, products.c.facts, products.c.status, products.c.absent_since).where(
            products.c.brand == brand, among(products.c.sku, skus)
        )
    )
    known: dict[str, Row] = {row.sku: row for row in rows.all()}
    for place in found.values():
        row = known.get(place.sku)
        if row is not None:
            place.product_facts = row.facts
            place.product_gone = row.status != "active" or row.absent_since is not None
        else:
            place.product_gone = not place.place.startswith("asset:")


async def _assets(reading: AsyncConnection, wanted: Sequence[str]) -> dict[str, AssetFacts]:
    found: dict[str, AssetFacts] = {}
    columns = (
        assets.c.id, assets.c.title, assets.c.withdrawn_because, assets.c.withdrawn_at, submissions.c.people_shown,
        versions.c.id.label("version_id"), versions.c.number, versions.c.sha256, versions.c.status,
        versions.c.current, versions.c.approved_at, versions.c.sequence,
    )  # fmt: skip
    rows = await reading.execute(
        sa.select(*columns)
        .join(submissions, submissions.c.id == assets.c.submission_id)
        .join(versions, versions.c.asset_id == assets.c.id)
        .where(among(assets.c.id, wanted), sa.or_(versions.c.status == "approved", versions.c.current))
        .order_by(versions.c.sequence)
    )
    for row in rows.all():
        _note_version(found, row)
    return found


def _note_version(found: dict[str, AssetFacts], row: Row) -> None:
    """Keep the newest approved version; the current one's status tells why there may be none."""
    asset = found.get(row.id)
    if asset is None:
        asset = found[row.id] = AssetFacts(
            row.id, row.withdrawn_because, row.withdrawn_at is not None, row.people_shown, title=row.title
        )
    if row.status == "approved":
        asset.version_id, asset.number, asset.sha256 = row.version_id, row.number, row.sha256
        asset.approved_at, asset.status = row.approved_at, "approved"
    elif not asset.version_id:
        asset.status = row.status


async def _targets(
    reading: AsyncConnection,
    connection: str,
    found: dict[str, PlaceFacts],
    known: dict[str, AssetFacts],
    rulebooks: dict[str, Rulebook],
) -> dict[str, dict[str, list[Target]]]:
    """What each asset's version is to become here; returns what had to be worked out, by revision, to be kept."""
    fresh: dict[str, dict[str, list[Target]]] = {}
    for revision, rulebook in rulebooks.items():
        wanted = {asset for place in found.values() if place.revision == revision for asset in place.assets}
        version_of = {asset: known[asset].version_id for asset in wanted if asset in known and known[asset].version_id}
        targets, fresh[revision] = await intents.load(reading, rulebook, version_of.values())
        for asset, version in version_of.items():
            known[asset].targets = [t for t in targets.get(version, ()) if t.connection == connection]
    return fresh


async def _rights(reading: AsyncConnection, known: dict[str, AssetFacts], rulebook: Rulebook) -> None:
    granted = await grants.grants_of(reading, list(known), rulebook.bundle)
    consented = await grants.consents_of(reading, list(known))
    for asset in known.values():
        asset.grants = granted.get(asset.id, ())
        asset.consents = consented.get(asset.id, ())


async def _renditions(
    reading: AsyncConnection, brand: str, known: dict[str, AssetFacts], found: dict[str, PlaceFacts]
) -> dict[str, Row]:
    keys = sorted(
        {target.rendition for asset in known.values() for target in asset.targets}
        | {row.fingerprint for place in found.values() for row in place.placements}
    )
    columns = ("key", "sha256", "media_type", "width", "height", "size", "reason")
    rows = await reading.execute(
        sa.select(*(renditions.c[name] for name in columns)).where(
            renditions.c.brand == brand, among(renditions.c.key, keys)
        )
    )
    return {row.key: row for row in rows.all()}


async def _names(reading: AsyncConnection, connection: str, found: dict[str, PlaceFacts]) -> dict[str, str]:
    """Public name → rendition, for every name that was seen."""
    seen = sorted({item["name"] for place in found.values() for item in place.seen if item["name"]})
    return await renditions_of_names(reading, connection, seen)


async def renditions_of_names(reading: AsyncConnection, connection: str, names: Sequence[str]) -> dict[str, str]:
    """Which rendition each public name of a connection serves."""
    rows = await reading.execute(
        sa.select(public_names.c.name, public_names.c.rendition).where(
            public_names.c.connection == connection, among(public_names.c.name, names)
        )
    )
    return {row.name: row.rendition for row in rows.all()}


async def brake_left(services: Services, reading: AsyncConnection, brand: str, connection: str) -> int:
    """How many inferred removals a connection may still carry out now."""
    of = (placements.c.brand == brand, placements.c.connection == connection)
    since = services.clock.now() - timedelta(hours=24)
    managed = sa.select(sa.func.count()).where(*of, placements.c.state.in_(("sent", "accepted", "live", "shown")))
    removed = sa.select(sa.func.count()).where(*of, placements.c.inferred, placements.c.removed_at > since)
    declared = services.configuration.active.bundle.brands[brand].brake
    return brake.allowed(
        declared.share,
        declared.at_least,
        (await reading.execute(managed)).scalar_one(),
        (await reading.execute(removed)).scalar_one(),
    )


async def _library_urls(
    services: Services, reading: AsyncConnection, brand: str, found: dict[str, PlaceFacts]
) -> dict[str, str] | None:
    """A catalogue links to what the library holds, so it waits for the library."""
    if not any(key.startswith("product:") for key in found):
        return None
    known = services.configuration.active.bundle.connections
    standing = await standings(reading, known)
    libraries = [
        name
        for name, config in known.items()
        if config.brand == brand and "library" in config.roles and standing[name].may_write(config)
    ]
    if not libraries:
        return None
    wanted = sorted({asset for place in found.values() for asset in place.assets})
    rows = await reading.execute(
        sa.select(placements.c.version_id, placements.c.external_id, placements.c.seen_url).where(
            among(placements.c.asset_id, wanted),
            placements.c.connection.in_(libraries),
            placements.c.listing.startswith("asset:"),
            placements.c.state.in_(("live", "shown")),
        )
    )
    return {row.version_id: row.seen_url or row.external_id for row in rows.all()}
