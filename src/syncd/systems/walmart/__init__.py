"""Walmart Marketplace (US): item feeds that replace the images of many items at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from pydantic import Field, SecretStr

from syncd.errors import RejectedError, TransientError
from syncd.sdk import outside
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.limits import AtOnce, Limit, Points, Window
from syncd.sdk.media import Answer, ItemResult, Media
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System, WriteSafety
from syncd.systems.walmart import api, feed, figures
from syncd.systems.walmart.ingestion import Ingestion
from syncd.systems.walmart.items import Item, Unreadable, gallery_of, item_of

AT_ONCE = 4
"""Calls under way at a time."""
T = TypeVar("T")


class WalmartOptions(Options):
    """Which account, and what it may do."""

    client_id: str = Field(description="Client ID of the API key, from the developer portal.")
    client_secret: SecretStr = Field(description="Its client secret.")
    sandbox: bool = Field(False, description="Call Walmart's sandbox, which has its own keys, instead of the shop.")
    channel_type: str = Field("", description="WM_CONSUMER.CHANNEL.TYPE, where Walmart gave out one.")
    spec_version: str = Field(
        figures.SPEC_VERSION, description="Version of the item spec (MP_MAINTENANCE) that feeds are written in."
    )
    feeds_an_hour: int | None = Field(
        None, ge=2, description="Item feeds an hour, where the account is granted other than the published number."
    )


class WalmartSystem(System):
    """Walmart Marketplace (US) as a sales channel: a listing is an item, named by the seller's SKU.

    Images are contributed by address and fetched by Walmart. One feed carries a whole batch; what becomes of each item
    is asked for later.
    """

    name: ClassVar[str] = "walmart"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = WalmartOptions
    max_batch: ClassVar[int] = 1000
    linger: ClassVar[timedelta] = timedelta(seconds=20)
    max_open: ClassVar[int] = 50
    job_patience: ClassVar[timedelta] = figures.FEEDS.processing
    # A whole set may be sent again, and which of two counts in the end is read back; but no feed is spent unasked.
    write_safety: ClassVar[WriteSafety] = WriteSafety.LOOKUP
    floor: ClassVar[timedelta] = figures.SHOWN_WITHIN
    call_deadline: ClassVar[float] = api.FEED_DEADLINE
    example: ClassVar[str] = """\
# Walmart Marketplace (US). The API key needs full access to Items and Feeds.
connector: walmart
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask                            # nothing is sent until a person applied the first plan
products: {by: [sku, gtin]}
media: {medium: web, slots: 2..9, at_least: 4}   # the main image stays the shop's; Walmart wants four or more
poll: 6h
options:
  client_id: ${WALMART_CLIENT_ID}
  client_secret: ${WALMART_CLIENT_SECRET}
  # sandbox: true                      # another host, with keys of its own
"""

    @classmethod
    def limits(cls, options: Any) -> Sequence[Limit]:
        """Feeds an hour, one of them kept for takedowns; calls a minute of each API."""
        feeds = _feeds(options)
        hourly = options.feeds_an_hour or feeds.an_hour
        kinds = (figures.ITEM, figures.ITEMS, figures.FEED_STATUS)
        return (
            Window(api.FEEDS, hourly, timedelta(hours=1), f"{feeds.source}; {feeds.dated}", reserve=1),
            *(Points(kind.name, kind.a_minute, kind.a_minute / 60, kind.source) for kind in kinds),
            AtOnce("calls", AT_ONCE, "no published limit; four at a time burden nobody"),
        )

    def __init__(self, context: Context, options: WalmartOptions, role: Role) -> None:
        self._context, self._options = context, options
        self._prefix = f"{context.public_url.rstrip('/')}/m/"
        base = f"https://{'sandbox' if options.sandbox else 'marketplace'}.walmartapis.com"
        self._api = api.Api(context, base, options.client_id, options.client_secret, options.channel_type)

    # --- reading -------------------------------------------------------------------------------------------------

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        """The images contributed to these items, or the whole catalogue.

        In the whole catalogue an item whose images cannot be read holds one that is not ours and always PROCESSING.

        Raises:
            RejectedError: the images of an item asked for by name, or of all items, cannot be read. All others have
                been yielded by then. TransientError: the catalogue ended before its end.
        """
        observed = self._catalogue() if listings is None else self._named(listings)
        async for gallery in observed:
            yield gallery

    async def _named(self, listings: Sequence[str]) -> AsyncIterator[ObservedGallery]:
        unreadable = Unreadable()
        for part in _parts(list(dict.fromkeys(listings))):
            for sku, item in zip(part, await _together(map(self._read, part)), strict=True):
                if item is None:
                    yield ObservedGallery(sku, exists=False)
                elif not unreadable.counts(item):
                    yield gallery_of(item, self._prefix)
        if unreadable.count:
            raise unreadable.error()

    async def _read(self, sku: str) -> Item | None:
        record = await self._api.item(sku)
        return None if record is None else item_of(record)

    async def _catalogue(self) -> AsyncIterator[ObservedGallery]:
        unreadable, total = Unreadable(), 0
        async for item in self._pages():
            unreadable.counts(item)
            total += 1
            yield gallery_of(item, self._prefix)
        if unreadable.count == total:
            raise unreadable.error()
        if unreadable.count:
            log, what = self._context.log, "images of items cannot be read"
            log.warning(what, event_id="walmart.unreadable", items=unreadable.count)

    async def _pages(self) -> AsyncIterator[Item]:
        """Every item of the catalogue once."""
        seen: set[str] = set()
        cursor = api.FIRST
        while cursor:
            records, total, cursor = await self._api.items(cursor)
            fresh = [item for item in map(item_of, records) if item.sku not in seen]
            seen |= {item.sku for item in fresh}
            for item in fresh:
                yield item
            if len(seen) >= total or not fresh:
                break
        if not total:
            raise RejectedError("Walmart lists no item.", remedy="Look in Seller Center why the catalogue is empty.")
        if len(seen) < total:
            raise TransientError(f"Walmart's catalogue ended after {len(seen)} of {total} items.")

    # --- writing -------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """Send one feed for all changes that Walmart would take; PENDING with the feed's id.

        REJECTED: what a feed cannot express, an image against the published rules or one that cannot be fetched, an
        item whose images cannot be read. RETRY: what was made from other images than there are now, could not be
        fetched just now, or does not fit into this feed.
        """
        items = [item for part in _parts(batch) for item in await _together(self._read(c.listing) for c in part)]
        refused = {c.listing: why for c, item in zip(batch, items, strict=True) if (why := self._refusal(c, item))}
        refused |= await self._unfetchable([change for change in batch if change.listing not in refused])
        sound = [
            (change.listing, feed.entry(change, item))
            for change, item in zip(batch, items, strict=True)
            if item is not None and change.listing not in refused
        ]
        sent = await self._send(sound) if sound else {}
        return [_result(change.listing, refused, sent) for change in batch]

    def _refusal(self, change: GalleryChange, item: Item | None) -> feed.Refusal | None:
        return feed.refusal(change, item, self._prefix)

    async def _unfetchable(self, changes: Sequence[GalleryChange]) -> dict[str, feed.Refusal]:
        """The changes that add images Walmart could not fetch, by listing."""
        adding = {media.url: media for change in changes for media in change.add}
        said: dict[str, feed.Obstacle] = {}
        for part in _parts(list(adding)):
            said |= zip(part, await _together(self._obstacle(adding[url]) for url in part), strict=True)
        return {change.listing: why for change in changes if (why := feed.unfetchable(change, said))}

    async def _obstacle(self, media: Media) -> feed.Obstacle:
        try:
            return feed.Obstacle(await outside.obstacle(self._context.http, media))
        except TransientError as error:
            return feed.Obstacle(error.what, passing=True)

    async def _send(self, entries: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, str]:
        """One feed of as many of these as it takes; its id by listing."""
        version = self._options.spec_version
        count = feed.fitting([entry for _, entry in entries], version, _feeds(self._options))
        content = feed.document([entry for _, entry in entries[:count]], version)
        identifier = await self._api.submit(feed.TYPE, content)
        return {sku: identifier for sku, _ in entries[:count]}

    async def settle(self, job: str, listings: Sequence[str]) -> Sequence[ItemResult]:
        """What Walmart says of a feed's items by now; its complaints as issues of the image they name."""
        found = Ingestion(job, self._prefix)
        more = True
        while more:
            page = await self._api.status(job, found.told)
            more = page is not None and found.take(page)
        return found.answers(listings)

    # --- looking after -------------------------------------------------------------------------------------------

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """Which of these still answer under our own address; Walmart's copies go with the item's set, which is read."""
        return await outside.answering(self._context.http, media)

    async def check(self) -> str:
        """One page of the catalogue: how many items there are, and of how many the images can be read."""
        records, total, _ = await self._api.items(api.FIRST)
        readable = sum(item_of(record).images is not None for record in records)
        where = "Walmart's sandbox" if self._options.sandbox else "Walmart"
        told = f"{total:,} items on {where}; the images of {readable} of the first {len(records)} can be read"
        return told if readable or not records else f"{told}: until they can be, nothing is replaced"


def _feeds(options: WalmartOptions) -> figures.FeedFigures:
    return figures.SANDBOX_FEEDS if options.sandbox else figures.FEEDS


def _result(sku: str, refused: Mapping[str, feed.Refusal], sent: Mapping[str, str]) -> ItemResult:
    if why := refused.get(sku):
        return ItemResult(sku, why.answer, why.message, issues=why.issues)
    if sku in sent:
        return ItemResult(sku, Answer.PENDING, job=sent[sku])
    return ItemResult(sku, Answer.RETRY, "The feed is full; this goes with the next one.")


def _parts(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as may be asked about at once."""
    return (whole[start : start + AT_ONCE] for start in range(0, len(whole), AT_ONCE))


async def _together(work: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all of it, then raise what went wrong first: nothing is left running behind."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return [each for each in done if not isinstance(each, BaseException)]
