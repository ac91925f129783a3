"""Where a product is listed: each channel names it its own way; no listing or two are an exception for a person."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.product import Identified, ProductRecord, identify
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, touch
from syncd.flow import places
from syncd.flow.catalogue.lookup import normal_gtin
from syncd.flow.services import Services
from syncd.flow.standing import standing_of
from syncd.flow.touching import LOCATE
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import listing_names, listings, matches, products
from syncd.sdk.roles import Role


class LocateHandler(OneByOne):
    """Key: a SKU. Finds its listing in every channel of the brand and makes it due."""

    kind = LOCATE
    batch = 64
    parallel = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async def effects(transaction: Transaction) -> None:
            product = await product_of(transaction.connection, claim.brand, claim.key)
            if product is None:
                return
            for channel in self.services.connections.named(claim.brand, Role.CHANNEL):
                await self._locate(transaction, claim, channel, product)

        return Outcome(claim, effects=effects)

    async def _locate(self, transaction: Transaction, claim: Claim, channel: str, product: ProductRecord) -> None:
        found = await self.identify(transaction.connection, claim.brand, channel, product)
        subject = f"{channel}/{product.sku}"
        shown = await _is_shown(transaction, claim.brand, claim.key)
        if found.exact and shown:
            place = places.place(places.PUBLISH, found.listings[0])
            holder = await self._holder(transaction, claim.brand, channel, place, product.sku)
            if holder:
                await open_exception(transaction, self._shared(claim, channel, product, holder, found.listings[0]))
                return
            await _assign(transaction, claim.brand, channel, place, product.sku)
            left = await _free_others(transaction, claim.brand, channel, place, product.sku)
            due = [places.due(claim.brand, channel, each, claim.urgency) for each in (place, *left)]
            await touch(transaction, due)
        if found.exact or not shown:
            await close_exceptions(transaction, claim.brand, by="listing", kind="identity", subjects=[subject])
        elif (await standing_of(transaction.connection, claim.brand, channel)).observed_at is not None:
            await open_exception(transaction, self._opening(claim, channel, product, found, subject))

    async def identify(self, reading: AsyncConnection, brand: str, channel: str, product: ProductRecord) -> Identified:
        """The listings of a product in a channel, by the names the connection declares."""
        config = self.services.connections.config(channel)
        aliases = self.services.configuration.active.bundle.names_of_skus(channel).get(product.sku, ())
        own = product.names.get(channel) or product.names.get(config.connector)
        named = [*aliases, *([own] if own else [])]
        values = {("sku", alias) for alias in named} | {(name, _value(product, name)) for name in config.products.by}
        rows = await reading.execute(
            sa.select(listing_names).where(
                listing_names.c.brand == brand,
                listing_names.c.connection == channel,
                sa.tuple_(listing_names.c.field, listing_names.c.value).in_([v for v in values if v[1]]),
            )
        )
        known: dict[tuple[str, str], tuple[str, ...]] = {}
        for row in rows:
            key = (row.field, row.value)
            known[key] = (*known.get(key, ()), places.name_of(row.listing))
        found = identify(_normal(product), config.products.by, known, named[0] if named else None)
        creates = self.services.connections.get(channel, Role.CHANNEL).creates_listings
        if not found.listings and creates:
            return Identified(product.sku, (named[0] if named else product.sku,), "created")
        return found

    async def _holder(self, transaction: Transaction, brand: str, channel: str, place: str, sku: str) -> str:
        """Another SKU whose content the listing shows already, and which still leads there; "" if there is none."""
        rows = await transaction.execute(
            sa.select(listings.c.sku).where(
                listings.c.brand == brand, listings.c.connection == channel, listings.c.listing == place
            )
        )
        other = rows.scalar_one_or_none() or ""
        if other in ("", sku) or not await _is_shown(transaction, brand, other):
            return ""
        product = await product_of(transaction.connection, brand, other)
        if product is None:
            return ""
        found = await self.identify(transaction.connection, brand, channel, product)
        return other if found.exact and places.place(places.PUBLISH, found.listings[0]) == place else ""

    def _shared(self, claim: Claim, channel: str, product: ProductRecord, holder: str, listing: str) -> Opening:
        return Opening(
            brand=claim.brand, kind="identity", code="identity.shared", subject=f"{channel}/{product.sku}",
            connection=channel, owner=self.services.owner_of(claim.brand, channel),
            reason=f"{channel} sells {product.sku} in the listing {listing}, which shows the content of {holder}.",
            remedy="Let the content be matched with one of the two SKUs, then replay.",
            payload={"listing": listing, "holder": holder}, lane=LOCAL, work_kind=LOCATE, work_key=product.sku,
        )  # fmt: skip

    def _opening(self, claim: Claim, channel: str, product: ProductRecord, found: Identified, subject: str) -> Opening:
        by = ", ".join(self.services.connections.config(channel).products.by)
        hits = f"{len(found.listings)} listings ({', '.join(found.listings[:5])})" if found.listings else "no listing"
        return Opening(
            brand=claim.brand, kind="identity", code="identity.many" if found.listings else "identity.none",
            subject=subject, connection=channel, owner=self.services.owner_of(claim.brand, channel),
            reason=f"{channel} has {hits} for {product.sku} by {by}.",
            remedy=f"Name it in a table (`products: {{table: …}}` in connectors/{channel}.yaml), reload, replay.",
            payload={"listings": list(found.listings)}, lane=LOCAL, work_kind=LOCATE, work_key=product.sku,
        )  # fmt: skip


async def product_of(reading: AsyncConnection, brand: str, sku: str) -> ProductRecord | None:
    """A product as the catalogue last told it."""
    found = await reading.execute(sa.select(products.c.facts).where(products.c.brand == brand, products.c.sku == sku))
    facts = found.scalar_one_or_none()
    return ProductRecord.model_validate(facts) if facts is not None else None


def _value(product: ProductRecord, name: str) -> str:
    if name == "gtin":
        return normal_gtin(product.gtin)
    return product.sku if name == "sku" else product.fields.get(name, "")


def _normal(product: ProductRecord) -> ProductRecord:
    return product.model_copy(update={"gtin": normal_gtin(product.gtin)})


async def _assign(transaction: Transaction, brand: str, channel: str, place: str, sku: str) -> None:
    statement = transaction.insert(listings).values(
        brand=brand, connection=channel, listing=place, market="", sku=sku, exists=True, gallery=[], issues=[],
        observed_at=None, revision="", released="",
    )  # fmt: skip
    await transaction.execute(
        statement.on_conflict_do_update(index_elements=["brand", "connection", "listing"], set_={"sku": sku})
    )


async def _free_others(transaction: Transaction, brand: str, channel: str, place: str, sku: str) -> list[str]:
    """Listings that were taken for this product before and are another's, or nobody's; what we placed there leaves."""
    rows = await transaction.execute(
        sa.update(listings)
        .where(
            listings.c.brand == brand, listings.c.connection == channel, listings.c.sku == sku,
            listings.c.listing != place,
        )
        .values(sku="")
        .returning(listings.c.listing)
    )  # fmt: skip
    return [row.listing for row in rows]


async def _is_shown(transaction: Transaction, brand: str, sku: str) -> bool:
    """Whether any content shows this product: only then its listing matters, and a missing one is worth a look."""
    rows = await transaction.execute(
        sa.select(matches.c.id).where(matches.c.brand == brand, matches.c.sku == sku, matches.c.status == "confirmed")
    )
    return rows.first() is not None
