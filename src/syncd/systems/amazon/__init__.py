"""Amazon as a sales channel, by the Selling Partner API: pictures of a seller's listings in several marketplaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from syncd.errors import ConfigError, SyncdError
from syncd.sdk import outside
from syncd.sdk.changes import ChangePage
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.limits import Limit
from syncd.sdk.media import Answer, ItemResult, Media
from syncd.sdk.oauth import Authorization
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System, WriteSafety
from syncd.systems.amazon import plans
from syncd.systems.amazon.bulk import Bulk
from syncd.systems.amazon.catalog import Catalog
from syncd.systems.amazon.feeds import Feeds
from syncd.systems.amazon.hosting import Hosting
from syncd.systems.amazon.listings import Listings
from syncd.systems.amazon.login import logins
from syncd.systems.amazon.looking import Looking
from syncd.systems.amazon.messages import MOST
from syncd.systems.amazon.options import AmazonOptions
from syncd.systems.amazon.partner import Partner
from syncd.systems.amazon.patching import patch_of
from syncd.systems.amazon.reachability import Reachability
from syncd.systems.amazon.submitting import Planned, Submission
from syncd.systems.amazon.subscribing import Subscriptions
from syncd.systems.amazon.watching import Watch

if TYPE_CHECKING:
    from syncd.systems.amazon.queue import Queue


class AmazonSystem(System):
    """One seller's listings. A listing is a SKU in a marketplace, named `SKU@ATVPDKIKX0DER`."""

    name: ClassVar[str] = "amazon"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = AmazonOptions
    max_batch: ClassVar[int] = min(1000, MOST)
    max_open: ClassVar[int] = 100
    """Amazon bounds how often feeds are handed over, not how many wait; and no call has to wait for a feed."""
    job_patience: ClassVar[timedelta] = timedelta(hours=8)
    """Large files may take up to eight hours: sellercentral-europe.amazon.com help 201201070, 2026-11-23."""
    write_safety: ClassVar[WriteSafety] = WriteSafety.LOOKUP
    floor: ClassVar[timedelta] = timedelta(hours=24)
    """Images appear within 24 hours, most within 15 minutes: sellercentral.amazon.nl help 17811, 2026-11-23."""
    call_deadline: ClassVar[float] = 20.0
    example: ClassVar[str] = """\
# A seller's listings at Amazon, of all marketplaces in one selling region. Amazon fetches pictures from syncd, so
# SYNCD_PUBLIC_URL must be an address the world reaches. The application needs the role Product Listing.
connector: amazon
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask                            # nothing is written until a person applied the first plan
products: {by: [sku, gtin]}
media: {medium: web, slots: 2..9, at_least: 1}   # the main image stays with whoever placed it
poll: 6h
options:
  seller: A3AYAZLIQ7AX77
  marketplaces: {ATVPDKIKX0DER: US}    # the marketplace's id, and the market of mappings/brands.yaml it serves
  client_id: amzn1.application-oa2-client.0123456789abcdef
  client_secret: ${AMAZON_CLIENT_SECRET}
  refresh_token: ${AMAZON_REFRESH_TOKEN}
  # queue:                             # where Amazon says at once what changed
  #   arn: arn:aws:sqs:us-east-1:111122223333:syncd-amazon
  #   access_key: ${AMAZON_QUEUE_ACCESS_KEY}
  #   secret_key: ${AMAZON_QUEUE_SECRET_KEY}
"""

    @classmethod
    def limits(cls, options: AmazonOptions) -> Sequence[Limit]:
        """A usage plan per operation, and what previews and listings feeds are held to beside theirs."""
        return plans.limits()

    @classmethod
    def authorization(cls, options: AmazonOptions) -> Mapping[str, Authorization]:
        """The seller's login, and the application's own for destinations of notifications."""
        return logins(options)

    def __init__(self, context: Context, options: AmazonOptions, role: Role) -> None:
        self._context, self._options = context, options
        self._partner = Partner(context, options)
        self._listings = Listings(self._partner)
        self._hosting = Hosting(f"{context.public_url.rstrip('/')}/m/")
        self._reachability = Reachability(context)
        self._bulk = Bulk(self._partner, Feeds(self._partner, context.http), self._reachability)
        catalog = Catalog(self._partner) if options.shoppers else None
        self._looking = Looking(self._listings, catalog, self._hosting, options.marketplaces)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        """The images this seller contributed to each listing, by whatever tool, with what shoppers see of them."""
        found = self._looking.all(self._context.clock.now()) if listings is None else self._looking.some(listings)
        async for gallery in found:
            yield gallery

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """Which of these still answer under our own address. What Amazon copied it keeps under its own."""
        return await outside.answering(self._context.http, media)

    async def check(self) -> str:
        """How many listings each marketplace has."""
        counts = [f"{await self._listings.count(each):,} in {each}" for each in self._options.marketplaces]
        return f"seller {self._options.seller} has listings: {', '.join(counts)}"

    # --- writing ----------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """Patch exactly the locators that change; many listings that only gain images go as one feed (PENDING).

        What takes something away is patched call by call, for a feed waits in a queue.
        """
        planned = await self._plan(batch)
        additions = [one for one in planned if _only_adds(one)]
        by_feed = additions if len(additions) >= self._options.feed_from else []
        patches = [one.patch for one in by_feed if one.patch is not None]
        results = await self._bulk.submit(patches) if patches else []
        calls = [one for one in planned if one not in by_feed]
        try:
            return [*results, *await Submission(self._listings, self._reachability).carry_out(calls)]
        except SyncdError as error:
            if not results:
                raise
            return [*results, *(ItemResult(one.change.listing, Answer.RETRY, error.what) for one in calls)]

    async def preview(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """What Amazon would say of each patch (`VALIDATION_PREVIEW`)."""
        return await Submission(self._listings, self._reachability, preview=True).carry_out(await self._plan(batch))

    async def settle(self, job: str, listings: Sequence[str]) -> Sequence[ItemResult]:
        """What became of the listings of feeds, as their reports say."""
        return await self._bulk.settle(job, listings)

    async def _plan(self, batch: Sequence[GalleryChange]) -> list[Planned]:
        """Each change as a patch of what its listing is now, not of what it was when that was decided."""
        items = await self._looking.now([change.listing for change in batch])
        return [
            Planned(change, patch_of(change, items[change.listing], self._hosting) if change.listing in items else None)
            for change in batch
        ]

    # --- being told ---------------------------------------------------------------------------------------------------

    async def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """What Amazon's notifications in the queue say; nothing without a queue."""
        if self._options.queue is None:
            return
        queue = _queue_class()(self._context, self._options.queue)
        watch = Watch(self._context, queue, self._listings, self._options.seller, tuple(self._options.marketplaces))
        async for page in watch.changes(since):
            yield page

    async def subscribe(self, url: str) -> str:
        """Have Amazon send its notifications to the queue; it sends to no URL, so `url` does not matter."""
        if self._options.queue is None:
            return ""
        return await Subscriptions(self._partner, self._options.queue, f"syncd {self._context.connection}").mend()


def _queue_class() -> type[Queue]:
    """Loaded when it is needed: botocore, which signs its requests, is an extra."""
    try:
        from syncd.systems.amazon.queue import Queue
    except ImportError as error:
        raise ConfigError(
            f"A queue cannot be read: {error}.", remedy="Install `syncd[amazon]`, or leave `queue` out."
        ) from error
    return Queue


def _only_adds(planned: Planned) -> bool:
    """Whether a change puts images up, and does nothing else."""
    change, patch = planned.change, planned.patch
    if patch is None or patch.empty or not patch.item.product_type:
        return False
    return not (patch.delete or patch.issues or change.remove)
