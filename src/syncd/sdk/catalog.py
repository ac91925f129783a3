"""A PIM: tells products, and holds links from products to media."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from syncd.domain.product import ProductRecord
from syncd.sdk.media import Media, ObservedMedia


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Some products; `complete` on the last page of a full listing says that what was not listed does not exist.

    `problems` are records that could not be understood, each with its place; a listing with problems is not complete.
    """

    products: Sequence[ProductRecord]
    checkpoint: str = ""
    complete: bool = False
    total: int | None = None
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ProductMedia:
    """The media of ours linked to one product, as read from or to be written to the catalogue."""

    sku: str
    media: Sequence[Media] = ()
    observed: Sequence[ObservedMedia] = ()
    exists: bool = True


@runtime_checkable
class Catalog(Protocol):
    """A PIM: tells products, and holds links from products to media."""

    def products(self, since: str) -> AsyncIterator[CatalogPage]:
        """Yield products changed since the checkpoint, or all ("")."""
        ...

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Link these media to the product, others' links untouched; idempotent by placement."""
        ...

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Remove exactly these links of ours; idempotent."""
        ...

    async def linked(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The media linked to these products now (`observed`), others' included."""
        ...
