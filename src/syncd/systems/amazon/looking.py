"""Reads listings as galleries: some of them, or all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from syncd.errors import ConfigError, TransientError
from syncd.sdk.channel import ObservedGallery
from syncd.systems.amazon.catalog import Catalog
from syncd.systems.amazon.gallery import Shown, gallery_of
from syncd.systems.amazon.hosting import Hosting
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.listings import PAGE, Listings
from syncd.systems.amazon.reading import Item
from syncd.systems.amazon.sweep import sweep


class Looking:
    """The listings of one seller in the marketplaces that are configured, each with its market."""

    def __init__(
        self, listings: Listings, catalog: Catalog | None, hosting: Hosting, marketplaces: Mapping[str, str]
    ) -> None:
        """
        Args:
            catalog: asked for what shoppers see; None: it is not.
        """
        self._listings, self._catalog = listings, catalog
        self._hosting, self._marketplaces = hosting, marketplaces

    async def some(self, names: Sequence[str]) -> AsyncIterator[ObservedGallery]:
        """Yield these listings, those that Amazon does not know with `exists=False`."""
        for text in names:
            if ListingName.parse(text) is None:
                yield ObservedGallery(text, exists=False)
        for marketplace, part in parts(names, self._marketplaces):
            found = await self._items(part)
            for gallery in await self._galleries(marketplace, list(found.values())):
                yield gallery
            for name in part:
                if name not in found:
                    yield ObservedGallery(str(name), market=self._marketplaces[marketplace], exists=False)

    async def all(self, until: datetime) -> AsyncIterator[ObservedGallery]:
        """Yield every listing.

        Raises:
            TransientError: there is none at all, which no seller's account should have.
        """
        any_at_all = False
        for marketplace in self._marketplaces:
            async for items in sweep(self._listings, marketplace, until):
                any_at_all = True
                for gallery in await self._galleries(marketplace, items):
                    yield gallery
        if not any_at_all:
            raise TransientError(f"Amazon lists nothing in {', '.join(self._marketplaces)}.")

    async def now(self, names: Sequence[str]) -> Mapping[str, Item]:
        """Those of these listings that exist, by name, as they are now."""
        found: dict[str, Item] = {}
        for _, part in parts(names, self._marketplaces):
            found |= {str(name): item for name, item in (await self._items(part)).items()}
        return found

    async def _items(self, names: Sequence[ListingName]) -> Mapping[ListingName, Item]:
        """Those of these listings of one marketplace (20 at most) that exist.

        Several are searched for at once. What a search does not find is asked for by itself, for only that says that
        it is not there; so is a SKU that a list of SKUs cannot hold.
        """
        plain = [name for name in names if "," not in name.sku]
        found: dict[ListingName, Item] = {}
        if len(plain) > 1:
            by_sku = await self._listings.items(plain[0].marketplace, [name.sku for name in plain])
            found = {name: by_sku[name.sku] for name in plain if name.sku in by_sku}
        for name in names:
            if name not in found and (item := await self._listings.item(name)) is not None:
                found[name] = item
        return found

    async def _galleries(self, marketplace: str, items: Sequence[Item]) -> Sequence[ObservedGallery]:
        pages: Mapping[str, Shown] = {}
        if self._catalog is not None:
            pages = await self._catalog.shown(marketplace, [item.asin for item in items if item.locations])
        market = self._marketplaces[marketplace]
        return [gallery_of(item, market, self._hosting, pages.get(item.asin)) for item in items]


def parts(names: Sequence[str], marketplaces: Mapping[str, str]) -> Sequence[tuple[str, Sequence[ListingName]]]:
    """Listings by marketplace, as many together as one search takes; what names none is in no part.

    Raises:
        ConfigError: one is in a marketplace that is not configured: it cannot be looked at, and is not gone.
    """
    found: dict[str, list[ListingName]] = defaultdict(list)
    for name in filter(None, map(ListingName.parse, dict.fromkeys(names))):
        if name.marketplace not in marketplaces:
            raise ConfigError(
                f"The listing {name} is in a marketplace that `marketplaces` does not name.",
                remedy="Name it again; take down what stands there before it is left out.",
            )
        found[name.marketplace].append(name)
    return [
        (marketplace, part[start : start + PAGE])
        for marketplace, part in found.items()
        for start in range(0, len(part), PAGE)
    ]
