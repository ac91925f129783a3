"""The shop as a catalogue: its variants as products, and media linked to the products they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from syncd.domain.product import ProductRecord
from syncd.errors import NotFoundError, RateLimited, RejectedError
from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Answer, Media, ObservedMedia
from syncd.sdk.understood import Shape
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.bulk import BulkReading, Whole
from syncd.systems.shopify.figures import INDEX_LAG
from syncd.systems.shopify.galleries import Galleries, Gallery
from syncd.systems.shopify.observed import observed
from syncd.systems.shopify.options import ShopifyOptions
from syncd.systems.shopify.placing import Placing
from syncd.systems.shopify.records import records
from syncd.systems.shopify.shapes import Sold, SoldHead, SoldVariant, SoldVariants

PAGE = 500
_LOOKS, _BETWEEN, _AGAIN = 8, 2.0, 15.0
"""How often a link looks for its file, the seconds in between, and those after which the engine is to try again."""
_VARIANTS, _MORE = 40, 100
_SKUS = 20


class Checkpoint(BaseModel):
    """How far the catalogue was read: up to which change, and when it was last read whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changed: datetime
    whole: datetime


class _Owner(Shape):
    id: str


class _Owned(Shape):
    id: str
    sku: str | None
    product: _Owner


@dataclass(slots=True)
class _Listing:
    """A listing under way: SKUs seen with the variant they belong to."""

    seen: dict[str, str]

    def page(self, told: Sequence[tuple[SoldHead, Sequence[SoldVariant]]]) -> CatalogPage:
        """The products told, and those that are told twice."""
        products: list[ProductRecord] = []
        problems: list[str] = []
        for head, variants in told:
            found, faults = records(head, variants)
            problems += faults
            for record in found:
                variant = record.fields["variant"]
                if self.seen.setdefault(record.sku, variant) == variant:
                    products.append(record)
                else:
                    problems.append(f"{variant}: the SKU {record.sku} is that of {self.seen[record.sku]} too")
        return CatalogPage(products, problems=problems)


class Catalogue:
    """Implements `Catalog` for a shop."""

    def __init__(self, api: Api, options: ShopifyOptions, galleries: Galleries, placing: Placing) -> None:
        self._api, self._options = api, options
        self._galleries, self._placing = galleries, placing

    # --- products ------------------------------------------------------------------------------------------------

    async def products(self, since: str) -> AsyncIterator[CatalogPage]:
        """See `Catalog.products`: all of them by a bulk operation at first and once a day, else what changed."""
        known = _checkpoint(since)
        now = self._api.context.clock.now()
        pages = self._whole() if known is None or now >= known.whole + self._options.whole else self._changed(known)
        async for page in pages:
            yield page

    async def _whole(self) -> AsyncIterator[CatalogPage]:
        reading = BulkReading(self._api, documents.BULK_PRODUCTS, self._options.bulk_patience)
        listing, part, problems = _Listing({}), [], False
        async for whole in reading.products():
            part.append(self._told(whole))
            if len(part) >= PAGE:
                page = listing.page(part)
                problems, part = problems or bool(page.problems), []
                yield page
        assert reading.begun_at is not None
        last = listing.page(part)
        now = self._api.context.clock.now()
        checkpoint = Checkpoint(changed=reading.begun_at, whole=now).model_dump_json()
        complete = not (problems or last.problems)
        total = len(listing.seen) if complete else None
        yield CatalogPage(last.products, checkpoint, complete, total, last.problems)

    def _told(self, whole: Whole) -> tuple[SoldHead, list[SoldVariant]]:
        head = self._api.read(SoldHead, whole.node, documents.BULK)
        return head, [self._api.read(SoldVariant, line, documents.BULK) for line in whole.variants]

    async def _changed(self, known: Checkpoint) -> AsyncIterator[CatalogPage]:
        """Searches are behind what is written, so a little more is asked for than what is new."""
        document, listing, newest = documents.CHANGED_PRODUCTS, _Listing({}), known.changed
        asked = {"query": changed_since(known.changed - INDEX_LAG), "variants": _VARIANTS}
        async for page in self._api.pages(document, asked, ("products",), points=2 + 10 * (3.0 + 2 * _VARIANTS)):
            told = [await self._sold(self._api.read(Sold, node, document)) for node in page["nodes"]]
            newest = max([newest, *(head.updated_at for head, _ in told)])
            checkpoint = Checkpoint(changed=newest, whole=known.whole).model_dump_json()
            found = listing.page(told)
            yield CatalogPage(found.products, checkpoint, problems=found.problems)

    async def _sold(self, sold: Sold) -> tuple[SoldHead, list[SoldVariant]]:
        variants = list(sold.variants.nodes)
        if sold.variants.page.more:
            asked = {"id": sold.id, "first": _MORE, "after": sold.variants.page.end}
            rest = self._api.pages(documents.MORE_SOLD, asked, ("product", "variants"), points=3.0 + 2 * _MORE)
            async for page in rest:
                variants += self._api.read(SoldVariants, page, documents.MORE_SOLD).nodes
        return sold, variants

    # --- media ---------------------------------------------------------------------------------------------------

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """See `Catalog.attach`: in the gallery of the product the variant belongs to, at its end.

        Raises:
            RateLimited: Shopify is processing the files. RejectedError: it refuses one, in its own words.
        """
        for _ in range(_LOOKS):
            placed = await self._attached(sku, media)
            if all(item.placement in placed for item in media):
                return [ObservedMedia(placed[item.placement], alt=item.alt) for item in media]
            await self._api.context.clock.sleep(_BETWEEN)
        raise RateLimited(f"{self._api.context.connection} is processing media of {sku}.", retry_after=_AGAIN)

    async def _attached(self, sku: str, media: Sequence[Media]) -> Mapping[str, str]:
        """Ids of those that stand in the product now, by placement; the others are being processed."""
        gallery = await self._gallery_of(sku)
        media = _told_apart(media)
        items = [GalleryItem(theirs=one) for one in observed(gallery).media]
        standing = {item.theirs.name for item in items if item.theirs is not None}
        items += [GalleryItem(ours=item) for item in media if item.name not in standing]
        change = GalleryChange(gallery.head.id, items, media, product=ProductRecord(sku=sku))
        (result,) = await self._placing.apply([change])
        if result.answer is Answer.REJECTED:
            raise RejectedError(f"{self._api.context.connection} refused media of {sku}: {result.message}")
        return result.external_ids

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """See `Catalog.detach`."""
        owner = (await self._owners([sku])).get(sku)
        gallery = await self._galleries.one(owner) if owner else None
        if gallery is None:
            return
        media = _told_apart(media)
        leaving = {item.name for item in media} | {item.external_id for item in media}
        items = [
            GalleryItem(theirs=one) for one in observed(gallery).media
            if one.external_id not in leaving and (not one.name or one.name not in leaving)
        ]  # fmt: skip
        await self._placing.apply([GalleryChange(gallery.head.id, items, remove=media)])

    async def linked(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """See `Catalog.read`: the gallery of the product each variant belongs to."""
        owners = await self._owners(skus)
        found = {identifier: gallery async for identifier, gallery in self._galleries.read([*owners.values()])}
        return [self._media(sku, found.get(owners.get(sku, ""))) for sku in skus]

    def _media(self, sku: str, gallery: Gallery | None) -> ProductMedia:
        if gallery is None:
            return ProductMedia(sku, exists=False)
        return ProductMedia(sku, observed=observed(gallery).media)

    async def _gallery_of(self, sku: str) -> Gallery:
        owner = (await self._owners([sku])).get(sku)
        gallery = await self._galleries.one(owner) if owner else None
        if gallery is None:
            raise NotFoundError(f"{self._api.context.connection} has no variant with the SKU {sku}.")
        return gallery

    async def _owners(self, skus: Sequence[str]) -> Mapping[str, str]:
        """The product each SKU belongs to; a SKU of two products belongs to neither."""
        wanted, found = list(dict.fromkeys(skus)), dict[str, set[str]]()
        document = documents.VARIANTS_BY_SKU
        for start in range(0, len(wanted), _SKUS):
            part = wanted[start : start + _SKUS]
            asked = {"query": " OR ".join(f'sku:"{_escaped(sku)}"' for sku in part)}
            async for page in self._api.pages(document, asked, ("productVariants",), points=202.0):
                for node in page["nodes"]:
                    owned = self._api.read(_Owned, node, document)
                    if owned.sku in part:  # the search knows no case, and words within
                        found.setdefault(owned.sku or "", set()).add(owned.product.id)
        twice = [sku for sku, products in found.items() if len(products) > 1]
        if twice:
            raise RejectedError(
                f"{self._api.context.connection}: several products have a variant with the SKU {twice[0]}.",
                remedy="Give each variant a SKU of its own in Shopify.",
            )
        return {sku: products.pop() for sku, products in found.items()}


def _told_apart(media: Sequence[Media]) -> list[Media]:
    """Media as they are named here: towards a catalogue two pictures of one version have the same name."""
    return [replace(item, name=f"{item.sha256[:12]}-{item.name}") for item in media]


def changed_since(instant: datetime) -> str:
    """The search for products changed at or after an instant."""
    return f"updated_at:>='{instant.strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def _checkpoint(since: str) -> Checkpoint | None:
    try:
        return Checkpoint.model_validate_json(since) if since else None
    except ValidationError:
        return None  # of another version: all is read anew


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
