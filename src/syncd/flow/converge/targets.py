"""Channels, libraries and catalogues behind one face: galleries that are observed and changed, so that one convergence
serves all three.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from syncd.errors import ConflictError, NotFoundError, RejectedError
from syncd.flow.places import ARCHIVE, LINK, PUBLISH, name_of, place
from syncd.flow.services import Services
from syncd.sdk.catalog import Catalog
from syncd.sdk.channel import Channel, GalleryChange, ObservedGallery, Settles
from syncd.sdk.library import Library, LibraryItem
from syncd.sdk.media import Answer, ItemResult, Media, ObservedMedia


class Target(Protocol):
    """Where media stand. Names of listings are the ledger's (`listing:…`, `asset:…`, `product:…`)."""

    def observe(self, places: Sequence[str]) -> AsyncIterator[ObservedGallery]: ...

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]: ...

    async def settle(self, job: str, places: Sequence[str]) -> Sequence[ItemResult]: ...

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]: ...


class ChannelTarget:
    """A channel's listings."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    async def observe(self, places: Sequence[str]) -> AsyncIterator[ObservedGallery]:
        async for gallery in self.channel.observe([name_of(each) for each in places]):
            yield _renamed(gallery)

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        named = [_change_named(change) for change in batch]
        return [_result_named(result) for result in await self.channel.apply(named)]

    async def settle(self, job: str, places: Sequence[str]) -> Sequence[ItemResult]:
        if not isinstance(self.channel, Settles):
            return []
        given = await self.channel.settle(job, [name_of(each) for each in places])
        return [_result_named(result) for result in given]

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        return await self.channel.check_gone(media)


def _renamed(gallery: ObservedGallery) -> ObservedGallery:
    return replace(gallery, listing=place(PUBLISH, gallery.listing))


def _change_named(change: GalleryChange) -> GalleryChange:
    return replace(change, listing=name_of(change.listing))


def _result_named(result: ItemResult) -> ItemResult:
    return replace(result, listing=place(PUBLISH, result.listing))


class _AtOnce:
    """A target that answers every call at once."""

    async def settle(self, job: str, places: Sequence[str]) -> Sequence[ItemResult]:
        """There are no jobs."""
        return []


async def _each(
    batch: Sequence[GalleryChange], apply: Callable[[GalleryChange], Awaitable[ItemResult]]
) -> list[ItemResult]:
    """One after the other; what is refused for one keeps nobody else back."""
    given = []
    for change in batch:
        try:
            given.append(await apply(change))
        except (RejectedError, NotFoundError, ConflictError) as refusal:
            given.append(ItemResult(change.listing, Answer.REJECTED, refusal.what))
    return given


class LibraryTarget(_AtOnce):
    """A library's assets: each a gallery of one, its current version."""

    def __init__(self, library: Library) -> None:
        self.library = library

    async def observe(self, places: Sequence[str]) -> AsyncIterator[ObservedGallery]:
        for state in await self.library.read([name_of(each) for each in places]):
            held = state.exists and state.sha256
            media = [ObservedMedia(state.external_id, state.url, fetched=state.sha256)] if held else []
            yield ObservedGallery(place(ARCHIVE, state.asset), media, exists=True)

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        return await _each(batch, self._apply)

    async def _apply(self, change: GalleryChange) -> ItemResult:
        if not change.add:
            if change.remove:
                await self.library.withdraw(name_of(change.listing), change.remove[0].facts.get("cause", "withdrawn"))
            return ItemResult(change.listing, Answer.ACCEPTED)
        media = change.add[-1]
        state = await self.library.put(
            LibraryItem(media, media.alt, "approved", rights_until=None, metadata=media.facts)
        )
        return ItemResult(
            change.listing, Answer.ACCEPTED, external_ids={media.placement: state.external_id or state.url}
        )

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """Reading the library again is all there is to see; a withdrawn asset is in its archive."""
        return {}


class CatalogTarget(_AtOnce):
    """A catalogue's products: the media linked to each."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    async def observe(self, places: Sequence[str]) -> AsyncIterator[ObservedGallery]:
        for found in await self.catalog.linked([name_of(each) for each in places]):
            yield ObservedGallery(place(LINK, found.sku), found.observed, exists=found.exists)

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        return await _each(batch, self._apply)

    async def _apply(self, change: GalleryChange) -> ItemResult:
        sku = name_of(change.listing)
        ids: dict[str, str] = {}
        if change.add:
            linked = await self.catalog.attach(sku, change.add)
            ids = {media.placement: one.external_id for media, one in zip(change.add, linked, strict=False)}
        if change.remove:
            await self.catalog.detach(sku, change.remove)
        return ItemResult(change.listing, Answer.ACCEPTED, external_ids=ids)

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """A link is gone when the product does not list it any more, which observing shows."""
        return {}


def open_target(services: Services, kind: str, connection: str) -> Target:
    """The face of a connection for one kind of place."""
    if kind == ARCHIVE:
        return LibraryTarget(services.connections.library(connection))
    if kind == LINK:
        return CatalogTarget(services.connections.catalog(connection))
    return ChannelTarget(services.connections.channel(connection))
