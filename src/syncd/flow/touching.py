"""Which keys a change makes due: the one place that knows what follows from what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from syncd.config.bundle import Bundle
from syncd.engine.work import LOCAL, Due, Urgency, touch
from syncd.flow import places
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import matches, placements

INTAKE, CHECK, REVIEW, MATCH, LOCATE, RENDER = "intake", "check", "review", "match", "locate", "render"
POLL, COLLECT, RESPOND, MIRROR, OBSERVE = "poll", "collect", "respond", "mirror", "observe"
SETTLE, WATCH, SUBSCRIBE = "settle", "watch", "subscribe"


def connections_of(bundle: Bundle, brand: str, role: str) -> list[str]:
    """A brand's connections in a role, by name."""
    return sorted(name for name, c in bundle.connections.items() if c.brand == brand and role in c.roles)


async def touch_assets(
    transaction: Transaction, bundle: Bundle, brand: str, assets: Sequence[str], urgency: Urgency = Urgency.PUBLISH
) -> int:
    """Make everything due that shows or could show these assets: library entries, products, present placements."""
    if not assets:
        return 0
    keys: list[Due] = [
        places.due(brand, library, places.place(places.ARCHIVE, asset), urgency)
        for library in connections_of(bundle, brand, "library")
        for asset in assets
    ]
    for start in range(0, len(assets), 500):
        part = assets[start : start + 500]
        shown = sa.select(matches.c.sku).where(matches.c.asset_id.in_(part), matches.c.status == "confirmed").distinct()
        skus = [row.sku for row in await transaction.execute(shown)]
        keys += product_keys(bundle, brand, skus, urgency)
        keys += await _placed_keys(transaction, bundle, placements.c.asset_id.in_(part), urgency)
    return await touch(transaction, dict.fromkeys(keys))


def product_keys(bundle: Bundle, brand: str, skus: Iterable[str], urgency: Urgency = Urgency.PUBLISH) -> list[Due]:
    """The keys of products: where each is listed must be looked up, and what the catalogue links to it."""
    catalogs = connections_of(bundle, brand, "catalog")
    found: list[Due] = []
    for sku in skus:
        found.append(Due(brand, LOCAL, LOCATE, sku, urgency))
        found += [places.due(brand, catalog, places.place(places.LINK, sku), urgency) for catalog in catalogs]
    return found


async def _placed_keys(
    transaction: Transaction, bundle: Bundle, condition: sa.ColumnElement[bool], urgency: Urgency
) -> list[Due]:
    rows = await transaction.execute(
        sa.select(placements.c.brand, placements.c.connection, placements.c.listing)
        .where(condition, placements.c.state.not_in(("gone", "rejected")))
        .distinct()
    )
    return [
        places.due(row.brand, row.connection, row.listing, urgency)
        for row in rows
        if row.connection in bundle.connections
    ]
