"""Gives every item of the feed the media it shall show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from syncd.sdk.channel import GalleryChange
from syncd.systems.feed import merging, reading
from syncd.systems.feed.document import Index
from syncd.systems.feed.items import IMAGE, MORE_IMAGES, VIDEO, Item, of_product


@dataclass(frozen=True, slots=True)
class Placing:
    """One rewriting of the feed.

    `based` says whether a present feed of the shop is the source (`known` is its index); else the feed itself is.
    """

    changes: Mapping[str, GalleryChange]
    published: Index
    known: Index
    based: bool
    prefix: str
    limits: merging.Limits

    def fault(self, change: GalleryChange) -> str:
        """Why a change cannot be written, in words; "" if it can."""
        shown, entry = merging.wanted(change), self.known.entries.get(change.listing)
        if entry is None and (self.based or change.product is None):
            return f"there is no item {change.listing}" + ("" if self.based else ", and no product to make it from")
        if entry is not None and entry.twice:
            return entry.twice
        if self.based and entry is not None:
            shown = merging.rebased(shown, entry.shown, self.prefix)
        return merging.fault(shown, self.limits)

    def columns(self) -> list[str]:
        """The columns of what `items` gives."""
        made = [of_product(change.product) for change in self.changes.values() if change.product is not None]
        shown = [merging.wanted(change) for change in self.changes.values()]
        shown += [entry.shown for entry in self.published.entries.values()]
        media = [name for name, used in (
            (IMAGE, any(s.images for s in shown)), (MORE_IMAGES, any(len(s.images) > 1 for s in shown)),
            (VIDEO, any(s.videos for s in shown)),
        ) if used]  # fmt: skip
        added = made if not self.based else []
        return list(dict.fromkeys([*self.known.columns, *(name for item in added for name in item.columns()), *media]))

    def items(self, file: IO[bytes]) -> Iterator[Item]:
        """The items to write, in order: the source's, then those of products no item stood for."""
        file.seek(0)
        if file.read(1):
            file.seek(0)
            for item in reading.read(file, "the feed", reading.Channel()):
                placed = self._based(item) if self.based else self._made(item)
                if placed is not None:
                    yield placed
        for listing, change in self.changes.items():
            if not self.based and listing not in self.known.entries and change.product is not None:
                made = self._made(of_product(change.product))
                if made is not None:
                    yield made

    def _based(self, item: Item) -> Item:
        change, before = self.changes.get(item.id), self.published.entries.get(item.id)
        known = self.known.entries.get(item.id)
        # An id that stands twice names no item: both stay as the shop wrote them.
        if known is None or known.twice:
            return item
        if change is not None:
            shown = merging.wanted(change)
        elif before is not None:
            shown = before.shown
        else:
            return item
        own = merging.Shown(tuple(item.images), tuple(item.videos))
        shown = merging.fitted(merging.rebased(shown, own, self.prefix), self.limits, self.prefix)
        return Item(item.nodes, list(shown.images), list(shown.videos))

    def _made(self, item: Item) -> Item | None:
        change = self.changes.get(item.id)
        if change is None:
            return item
        shown = merging.wanted(change)
        made = of_product(change.product) if change.product else item
        # An item without an image is refused by every reader of the format: it is left out.
        return Item(made.nodes, list(shown.images), list(shown.videos)) if shown.images else None
