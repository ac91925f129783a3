"""Which places a plan must look at: where content stands, and where what it shows is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.asset import VersionStatus
from syncd.flow import places
from syncd.flow.converge.locate import LocateHandler, product_of
from syncd.flow.plan.foresight import Foresight
from syncd.flow.services import Services
from syncd.ledger.tables.core import listings, matches, placements, versions


@dataclass(slots=True)
class Known:
    """Places by name. `skus`: the product of each listing; `identified`: listings found just now, which the ledger does
    not know as their product's yet; `unidentified`: products without exactly one listing, and how many they have.
    """

    places: list[str] = field(default_factory=list)
    skus: dict[str, str] = field(default_factory=dict)
    identified: dict[str, str] = field(default_factory=dict)
    unidentified: dict[str, int] = field(default_factory=dict)

    def beside(self, keys: Sequence[str], foresight: Foresight) -> list[str]:
        """What must be read with these places: the products found for them, the assets that would move there."""
        products = {places.place(places.LINK, self.identified[key]) for key in keys if key in self.identified}
        shown = {self.skus.get(key) for key in keys}
        moving = {places.place(places.ARCHIVE, asset) for asset, sku in foresight.products.items() if sku in shown}
        return sorted((products | moving) - set(keys))


async def find_places(
    services: Services, brand: str, connection: str, kind: str, foresight: Foresight, *, relocate: bool
) -> Known:
    """All places of one kind in a connection that a plan is about.

    Args:
        relocate: look every product's listing up anew, not only where none is known.
    """
    async with services.ledger.read() as reading:
        placed = await _placed(reading, brand, connection, kind)
        if kind == places.ARCHIVE:
            return Known(sorted(placed | {places.place(kind, asset) for asset in await _approved(reading, brand)}))
        shown = await _shown(reading, brand) | {sku for sku in foresight.products.values() if sku}
        if kind == places.LINK:
            found = placed | {places.place(kind, sku) for sku in shown}
            return Known(sorted(found), {place: places.name_of(place) for place in found})
        return await _listed(services, reading, brand, connection, placed, shown, relocate)


async def _listed(
    services: Services, reading: AsyncConnection, brand: str, connection: str, placed: set[str], shown: set[str],
    relocate: bool,
) -> Known:  # fmt: skip
    rows = await reading.execute(
        sa.select(listings.c.listing, listings.c.sku).where(
            listings.c.brand == brand, listings.c.connection == connection, listings.c.sku != ""
        )
    )
    known = Known(skus={row.listing: row.sku for row in rows})
    locating = LocateHandler(services)
    for sku in sorted(shown if relocate else shown - set(known.skus.values())):
        product = await product_of(reading, brand, sku)
        if product is None:
            continue
        found = await locating.identify(reading, brand, connection, product)
        if found.exact:
            place = places.place(places.PUBLISH, found.listings[0])
            if known.skus.get(place) != sku:
                known.identified[place] = known.skus[place] = sku
        else:
            known.unidentified[sku] = len(found.listings)
    at_products = {place for place, sku in known.skus.items() if sku in shown}
    known.places = sorted(placed | at_products)
    return known


async def _placed(reading: AsyncConnection, brand: str, connection: str, kind: str) -> set[str]:
    rows = await reading.execute(
        sa.select(placements.c.listing)
        .where(
            placements.c.brand == brand, placements.c.connection == connection,
            placements.c.listing.startswith(places.place(kind, ""), autoescape=True), placements.c.state != "gone",
        )
        .distinct()
    )  # fmt: skip
    return set(rows.scalars())


async def _approved(reading: AsyncConnection, brand: str) -> set[str]:
    rows = await reading.execute(
        sa.select(versions.c.asset_id).where(
            versions.c.brand == brand, versions.c.status == VersionStatus.APPROVED.value
        )
    )
    return set(rows.scalars())


async def _shown(reading: AsyncConnection, brand: str) -> set[str]:
    rows = await reading.execute(
        sa.select(matches.c.sku).where(matches.c.brand == brand, matches.c.status == "confirmed").distinct()
    )
    return set(rows.scalars())
