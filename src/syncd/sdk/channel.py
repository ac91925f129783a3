"""A sales channel: listings with galleries of media."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from syncd.domain.product import ProductRecord
from syncd.sdk.media import Issue, ItemResult, Media, ObservedMedia


@dataclass(frozen=True, slots=True)
class ObservedGallery:
    """A listing as it is: its media in order, and the names it can be identified by (`{"sku": …, "gtin": …}`).

    A listing that sells several products has several names of a kind. `exists=False`: the system knows no such listing.
    `issues` are the system's own complaints about it.
    """

    listing: str
    media: Sequence[ObservedMedia] = ()
    names: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    market: str = ""
    exists: bool = True
    issues: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """One position of a gallery: exactly one of `ours` (managed) and `theirs` (placed by others) is set."""

    ours: Media | None = None
    theirs: ObservedMedia | None = None


@dataclass(frozen=True, slots=True)
class GalleryChange:
    """What one listing's media should become.

    `gallery` is the whole result in order, others' media included unchanged: systems that replace sets write it as it
    is. `add` and `remove` are the same change for systems that write single items.
    """

    listing: str
    gallery: Sequence[GalleryItem]
    add: Sequence[Media] = ()
    remove: Sequence[Media] = ()
    product: ProductRecord | None = None


@runtime_checkable
class Channel(Protocol):
    """Where content is shown: listings with galleries of media."""

    def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        """Yield these listings as they are now, or all of them (None). A listing asked for that does not exist is
        yielded with `exists=False`; reading failures raise, they never look like an empty gallery."""
        ...

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """Make each listing's gallery what the change says; one result per change, in any order."""
        ...

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        """For media taken down: what still answers under its public URL, by placement id ({} if all are gone)."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A system that answers PENDING and carries calls out later, by jobs of its own."""

    async def settle(self, job: str, listings: Sequence[str]) -> Sequence[ItemResult]:
        """What became of a job's listings: one result each, PENDING while the system works on it."""
        ...


@runtime_checkable
class Previews(Protocol):
    """A system that can say what it would answer, and changes nothing."""

    async def preview(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        """As `apply`, without effect."""
        ...
