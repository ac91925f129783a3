"""Products read as listings: their media in order and their variants, all pages of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from syncd.errors import RejectedError
from syncd.sdk.graphql import Document
from syncd.sdk.understood import Shape
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.shapes import Listed, ListingHead, Piece, Pieces, Variant, Variants

PRODUCT = re.compile(r"gid://shopify/Product/\d+")
TOGETHER = 6
_MEDIA, _VARIANTS = 20, 20
LISTING = 1 + 2 + 4 * _MEDIA + 2 + _VARIANTS
"""One product with its first pages: an object is a point, a connection two (figures.py has the source)."""
_MORE = 100

P = TypeVar("P", bound=Shape)


@dataclass(frozen=True, slots=True)
class Gallery:
    """A listing with everything that belongs to it."""

    head: ListingHead
    media: tuple[Piece, ...]
    variants: tuple[Variant, ...]

    @property
    def order(self) -> list[str]:
        """The ids of its media."""
        return [piece.id for piece in self.media]


class Galleries:
    """Reads listings."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, listings: Sequence[str]) -> AsyncIterator[tuple[str, Gallery | None]]:
        """Each of these with what it holds now, None where the shop has no such product."""
        for listing in listings:
            if not PRODUCT.fullmatch(listing):
                yield listing, None  # Shopify refuses the whole question for one name that is none of its ids
        asked = [listing for listing in dict.fromkeys(listings) if PRODUCT.fullmatch(listing)]
        for start in range(0, len(asked), TOGETHER):
            part = asked[start : start + TOGETHER]
            for listing, node in zip(part, await self._nodes(part), strict=True):
                yield listing, await self._whole(node) if node is not None else None

    async def one(self, listing: str) -> Gallery | None:
        """A listing with what it holds now, None where the shop has no such product."""
        return {found: gallery async for found, gallery in self.read([listing])}[listing]

    async def _nodes(self, listings: Sequence[str]) -> list[Listed | None]:
        document = documents.GALLERIES
        asked = {"ids": list(listings), "media": _MEDIA, "variants": _VARIANTS}
        nodes = (await self._api.run(document, asked, points=LISTING * len(listings))).get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(listings):
            raise RejectedError(f"{self._api.name(document)} was answered without nodes, one for each product.")
        found = [None if node is None else self._api.read(Listed, node, document) for node in nodes]
        for listing, product in zip(listings, found, strict=True):
            if product is not None and product.id != listing:
                raise RejectedError(f"{self._api.name(document)} was answered {product.id} where {listing} was asked.")
        return found

    async def _whole(self, listed: Listed) -> Gallery:
        media, variants = list(listed.media.nodes), list(listed.variants.nodes)
        if listed.media.page.more:
            rest = self._rest(documents.MORE_MEDIA, listed.id, "media", listed.media.page.end, 4 * _MORE)
            async for page in rest:
                media += self._api.read(Pieces, page, documents.MORE_MEDIA).nodes
        if listed.variants.page.more:
            rest = self._rest(documents.MORE_VARIANTS, listed.id, "variants", listed.variants.page.end, _MORE)
            async for page in rest:
                variants += self._api.read(Variants, page, documents.MORE_VARIANTS).nodes
        return Gallery(listed, tuple(media), tuple(variants))

    def _rest(
        self, document: Document, listing: str, connection: str, after: str | None, points: float
    ) -> AsyncIterator[dict[str, Any]]:
        asked = {"id": listing, "first": _MORE, "after": after}
        return self._api.pages(document, asked, ("product", connection), points=3 + points)
