"""Shopify through its Admin GraphQL API: a shop as a sales channel, and as a product catalogue."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.changes import Change, ChangePage
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.faults import FaultTable
from syncd.sdk.limits import CALLS, Limit
from syncd.sdk.media import ItemResult, Media, ObservedMedia
from syncd.sdk.oauth.declaration import Authorization
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem
from syncd.sdk.system import Options, System
from syncd.systems.shopify import documents, login
from syncd.systems.shopify.account import Account
from syncd.systems.shopify.api import FAULTS, POINTS, Api
from syncd.systems.shopify.bulk import BulkReading, Whole
from syncd.systems.shopify.catalogue import Catalogue
from syncd.systems.shopify.figures import CDN, LIMITS, MUTATION
from syncd.systems.shopify.files import FOUND, Files
from syncd.systems.shopify.galleries import LISTING, TOGETHER, Galleries, Gallery
from syncd.systems.shopify.hearing import Hearing
from syncd.systems.shopify.observed import observed
from syncd.systems.shopify.options import EXAMPLE, ShopifyOptions
from syncd.systems.shopify.placing import Placing
from syncd.systems.shopify.shapes import ListingHead, Piece, Variant
from syncd.systems.shopify.variants import VariantPictures
from syncd.systems.shopify.watching import Watching

_ANY = range(100, 600)


class ShopifySystem(System):
    """A shop: a listing is a product, its gallery the product's media; a product of the catalogue is a variant."""

    name: ClassVar[str] = "shopify"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL, Role.CATALOG})
    options: ClassVar[type[Options]] = ShopifyOptions
    faults: ClassVar[FaultTable] = FAULTS
    max_batch: ClassVar[int] = 20
    max_open: ClassVar[int] = 20
    job_patience: ClassVar[timedelta] = timedelta(minutes=10)
    floor: ClassVar[timedelta] = CDN
    watch_every: ClassVar[timedelta] = timedelta(minutes=5)
    call_deadline: ClassVar[float] = 20.0
    example: ClassVar[str] = EXAMPLE

    @classmethod
    def limits(cls, options: ShopifyOptions) -> Sequence[Limit]:
        """Points of the smallest plan; the shop's own are learned from its answers."""
        return LIMITS

    @classmethod
    def cost(cls, options: ShopifyOptions, places: int, media: int) -> Mapping[str, float]:
        """Each place is looked at by the engine before and after, and once more to order it; several in one query."""
        looks, writes = 3 * math.ceil(places / TOGETHER), math.ceil(places / cls.max_batch)
        calls = looks + 3 * writes + places + 3 * media
        return {CALLS: calls, POINTS: LISTING * 3 * places + FOUND * writes + MUTATION * (2 * writes + places + media)}

    @classmethod
    def authorization(cls, options: ShopifyOptions) -> Mapping[str, Authorization]:
        """How tokens are had; nothing where the options hold one."""
        return login.declared(options)

    def __init__(self, context: Context, options: ShopifyOptions, role: Role) -> None:
        super().__init__(context, options, role)
        self._api = Api(context, options)
        self._files, self._galleries = Files(self._api), Galleries(self._api)
        pictures = VariantPictures(self._api) if options.variant_media else None
        self._placing = Placing(self._api, self._files, self._galleries, pictures)
        self._catalogue = Catalogue(self._api, options, self._galleries, self._placing)
        self._account, self._hearing = Account(self._api), Hearing(options)

    # --- channel -------------------------------------------------------------------------------------------------

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        """The galleries of these products; of all of them by a bulk operation, each when its lines were read."""
        if listings is None:
            reading = BulkReading(self._api, documents.BULK_LISTINGS, self._options.bulk_patience)
            async for whole in reading.products():
                yield observed(self._gallery(whole))
            return
        async for listing, gallery in self._galleries.read(listings):
            yield observed(gallery) if gallery else ObservedGallery(listing, exists=False)

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """Upload what the shop lacks, and put in, take out and order what it has; others' media are only passed.

        A file is processed before it can be put in: then the answer is PENDING, and once it is ready RETRY, so that
        what is put in is decided anew. A legal reason deletes the file, wherever it is used.
        """
        return await self._placing.apply(batch)

    async def settle(self, job: str, listings: Sequence[str]) -> Sequence[ItemResult]:
        """How far Shopify is with files and moves."""
        return await self._placing.settle(job, listings)

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """Which of these the content network still serves, but for files that the shop goes on using elsewhere."""
        kept = await self._files.by_id([item.external_id for item in media if item.external_id])
        answering = {}
        for item in media:
            if item.seen_url and item.external_id not in kept:
                status = await self._status(item.seen_url)
                if status is not None:
                    answering[item.placement] = f"{item.seen_url} still answers {status}"
        return answering

    # --- catalog -------------------------------------------------------------------------------------------------

    async def products(self, since: str) -> AsyncIterator[CatalogPage]:
        """The variants that have a SKU."""
        async for page in self._catalogue.products(since):
            yield page

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Put these into the gallery of the variant's product, behind what stands there."""
        return await self._catalogue.attach(sku, media)

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Take these out of the gallery of the variant's product."""
        await self._catalogue.detach(sku, media)

    async def linked(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The galleries of the products these variants belong to."""
        return await self._catalogue.linked(skus)

    # --- what happens there --------------------------------------------------------------------------------------

    async def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """Products that changed, as listings."""
        async for page in Watching(self._api).changes(since):
            yield page

    def verify(self, request: HookRequest) -> RawItem:
        """Accept a webhook signed with the app's secret."""
        return self._hearing.verify(request)

    def heard(self, item: RawItem) -> Sequence[Change]:
        """The product a webhook is about, as a listing and by the SKUs it sells."""
        return self._hearing.heard(item)

    async def subscribe(self, url: str) -> str:
        """Have changes of products sent to `url`, also where Shopify dropped a subscription after failures."""
        return await self._account.subscribe(url)

    # --- the account ---------------------------------------------------------------------------------------------

    async def check(self) -> str:
        """Whether the token is taken and may do what the role needs; the shop and how many products it has."""
        return await self._account.check(self._role)

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """The mark is a field of the app's installation, which only the app sees."""
        return await self._account.claim(ledger, take_over=take_over)

    def _gallery(self, whole: Whole) -> Gallery:
        read = self._api.read
        head = read(ListingHead, whole.node, documents.BULK)
        media = tuple(read(Piece, line, documents.BULK) for line in whole.media)
        return Gallery(head, media, tuple(read(Variant, line, documents.BULK) for line in whole.variants))

    async def _status(self, url: str) -> int | None:
        """The status of an address that answers with success, None where it does not."""
        response = await self._context.http.head(url, follow_redirects=True, extensions={"expect": _ANY})
        return response.status_code if response.is_success else None
