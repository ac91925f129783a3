"""A product feed for Google Merchant Center and all that read its format: XML and TSV, published by the daemon."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import IO, ClassVar

from pydantic import Field

from syncd.errors import NotFoundError
from syncd.sdk import outside
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.media import Answer, Issue, ItemResult, Media, ObservedMedia
from syncd.sdk.resource import Resource
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System
from syncd.sdk.values import Duration, Size
from syncd.systems.feed import document, merging
from syncd.systems.feed.items import Node
from syncd.systems.feed.placing import Placing
from syncd.systems.feed.spec import GOOGLE


class FeedOptions(Options):
    """What the feed is made from."""

    base: str = Field(
        "",
        description="The shop's present feed (RSS 2.0 or TSV), a path below SYNCD_ROOT or a URL; its images belong to "
        "others. Without it the feed is made of the products handed over.",
    )
    title: str = Field("Products", description="The feed's title where the base states none.")
    additional_images: int = Field(
        GOOGLE.additional_images, ge=0, description=f"Images beside the main one. {GOOGLE.source}, {GOOGLE.dated}."
    )
    url_characters: int = Field(
        GOOGLE.url_characters, ge=1, description=f"Longest address. {GOOGLE.source}, {GOOGLE.dated}."
    )
    limit: Size = Field(1_000_000_000, description="The largest base that is read.")
    deadline: Duration = Field(timedelta(minutes=2), description="How long a download of the base may take.")


class FeedSystem(System):
    """A feed as a sales channel: a listing is an item, named by its `g:id`.

    Published documents follow the base whenever `apply` runs, with an empty batch too.
    """

    name: ClassVar[str] = "feed"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = FeedOptions
    max_batch: ClassVar[int] = 1000
    call_deadline: ClassVar[float] = 60.0
    example: ClassVar[str] = """\
# A product feed in Google Merchant's format, served at /feeds/NAME.xml and /feeds/NAME.tsv.
connector: feed
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask                            # nothing is published until a person applied the first plan
products: {by: [sku, gtin]}
media: {medium: web, slots: 2..8, at_least: 1}
poll: 1h
options:
  base: https://shop.example/google.xml  # the shop's present feed; its images stay as they are
"""

    def __init__(self, context: Context, options: FeedOptions, role: Role) -> None:
        self._context = context
        self._options = options
        self._prefix = f"{context.public_url.rstrip('/')}/m/"
        self._limits = merging.Limits(options.additional_images + 1, options.url_characters)
        self._base = self._resource(options.base) if options.base else None
        self._published = self._resource(context.documents.url("xml"))
        self._indexes: dict[str, tuple[str, document.Index]] = {}
        self._lock = asyncio.Lock()
        # Without a base any product can become an item: a listing that is asked for exists, empty.
        self.creates_listings = self._base is None

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        """The galleries of the published feed, read over HTTP; of the base where an item is not published yet.

        Where listings are named, media of ours are fetched, too: HEAD, then GET, whose bytes are hashed. What cannot be
        fetched is an issue of the listing.
        """
        try:
            published = await self._index(self._published)
        except NotFoundError:
            published = document.Index()  # nothing was published yet
        base = await self._index(self._base) if self._base else document.Index()
        for listing in [*dict.fromkeys([*published.entries, *base.entries])] if listings is None else listings:
            yield await self._observed(listing, published, base, fetch=listings is not None)

    async def _observed(
        self, listing: str, published: document.Index, base: document.Index, *, fetch: bool
    ) -> ObservedGallery:
        entry = published.entries.get(listing) or base.entries.get(listing)
        if entry is None:
            names = {"sku": listing} if self.creates_listings else {}
            return ObservedGallery(listing, names=names, exists=self.creates_listings)
        known = base.entries.get(listing)
        issues = [Issue(known.twice)] if known and known.twice else []
        urls = (*entry.shown.images, *entry.shown.videos)
        ours = [url for url in urls if fetch and url.startswith(self._prefix)]
        answers = await asyncio.gather(*(outside.fetch(self._context.http, url, self._options.limit) for url in ours))
        fetched = dict(zip(ours, answers, strict=True))
        issues += [Issue(answer.issue, media=url) for url, answer in fetched.items() if answer.issue]
        seen = [self._media(url, _role(entry.shown, place), fetched) for place, url in enumerate(urls)]
        return ObservedGallery(listing, tuple(seen), entry.names, issues=tuple(issues))

    def _media(self, url: str, role: str, fetched: Mapping[str, outside.Fetched]) -> ObservedMedia:
        name = url.removeprefix(self._prefix) if url.startswith(self._prefix) else ""
        return ObservedMedia(url, url, name, role, fetched[url].sha256 if url in fetched else "")

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """Publish the feed once, with the galleries of the batch; an empty batch follows the base.

        A listing that the base does not hold, or holds twice, and a gallery over the limits are REJECTED; the others
        go on. Nothing is published if the base or the present document cannot be read.
        """
        async with self._lock:
            current = await self._context.documents.current("xml")
            published = await asyncio.to_thread(self._read, current) if current else document.Index()
            if self._base is None:
                return await self._publish(batch, published, published, io.BytesIO(current or b""), current)
            async with self._base.open() as opened:
                assert opened is not None
                base = await self._indexed(self._base, opened.file, opened.version)
                return await self._publish(batch, published, base, opened.file, current, opened.require_unchanged)

    async def _publish(
        self,
        batch: Sequence[GalleryChange],
        published: document.Index,
        base: document.Index,
        file: IO[bytes],
        current: bytes | None,
        verify: Callable[[], None] = lambda: None,
    ) -> Sequence[ItemResult]:
        placing = Placing({}, published, base, self._base is not None, self._prefix, self._limits)
        faults = {change.listing: placing.fault(change) for change in batch}
        changes = {change.listing: change for change in batch if not faults[change.listing]}
        placing = replace(placing, changes=changes)
        documents = await asyncio.to_thread(self._built, placing, file)
        verify()
        if documents["xml"][1] != current:
            await self._context.documents.publish(documents)
        return [_result(change, faults[change.listing]) for change in batch]

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """Which of these still answer with success under their public address, and how."""
        return await outside.answering(self._context.http, media)

    async def check(self) -> str:
        """Whether the base can be read, and how many items it holds."""
        address = self._context.documents.url("xml")
        if self._base is None:
            return f"publishes {address} from the products"
        found = await self._index(self._base)
        return f"{len(found.entries)} items in {self._options.base}; publishes {address}"

    def _resource(self, location: str) -> Resource:
        seconds = self._options.deadline.total_seconds()
        return Resource(location, self._context.root, self._context.http, self._options.limit, seconds)

    async def _index(self, resource: Resource) -> document.Index:
        """What a document holds, read again only if it changed."""
        version, found = self._indexes.get(resource.location, ("", document.Index()))
        async with resource.open(version) as opened:
            if opened is not None:
                found = await self._indexed(resource, opened.file, opened.version)
                opened.require_unchanged()
        return found

    async def _indexed(self, resource: Resource, file: IO[bytes], version: str) -> document.Index:
        known = self._indexes.get(resource.location)
        if known is None or known[0] != version:
            known = version, await asyncio.to_thread(document.index, file, resource.location)
            self._indexes[resource.location] = known
        return known[1]

    def _built(self, placing: Placing, file: IO[bytes]) -> dict[str, tuple[str, bytes]]:
        return document.build(placing.items(file), placing.columns(), placing.known.about or self._about())

    def _read(self, content: bytes) -> document.Index:
        return document.index(io.BytesIO(content), "the published feed")

    def _about(self) -> list[Node]:
        stated = {"title": self._options.title, "link": self._context.public_url, "description": self._options.title}
        return [Node("", name, text) for name, text in stated.items()]


def _role(shown: merging.Shown, place: int) -> str:
    if place >= len(shown.images):
        return "video"
    return "additional" if place else "main"


def _result(change: GalleryChange, fault: str) -> ItemResult:
    if fault:
        return ItemResult(change.listing, Answer.REJECTED, fault)
    ours = {item.ours.placement: item.ours.url for item in change.gallery if item.ours is not None}
    return ItemResult(change.listing, Answer.ACCEPTED, external_ids=ours)
