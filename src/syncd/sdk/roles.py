"""What a system can be to syncd. A connector implements the few methods of its roles and nothing else: retry, rate,
breaker, idempotency, acknowledgement and logging belong to the framework.

Every method may raise the errors of `syncd.errors`; anything else is treated as a bug of the connector. Methods are
called again after a crash, so each must tolerate having been carried out already.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.domain.product import ProductRecord


class Role(enum.StrEnum):
    """The parts a connection can take."""

    SOURCE = "source"
    LIBRARY = "library"
    CATALOG = "catalog"
    CHANNEL = "channel"


# --- source ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing a source handed over, as it came: stored before anything is understood.

    `vendor_id` is an identifier the vendor issued for this very message (None if it issues none): only by it may a
    duplicate be dropped. `headers` are lower-case names; keep only what `receive` needs.
    """

    body: bytes
    vendor_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourcePage:
    """Some items of a poll and the checkpoint that is true once they are stored; both are committed together."""

    items: Sequence[RawItem]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A webhook request as it arrived; `body` is the raw bytes, `received_at` an aware instant in UTC."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A file whose bytes are committed to the ledger."""

    submission: str
    file: DeliveredFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not going on, in words for the creator, and whether they can mend it.

    `file` is the key of the file it is about, "" if it is about the whole submission.
    """

    code: str
    say: str
    fixable: bool = True
    file: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """What a creator may know about a submission: `status` per file key, with reasons.

    `delivery` is what was last stated about it, `note` what `respond` returned when it last told something.
    """

    external_id: str
    status: str
    files: Mapping[str, str]
    reasons: Sequence[Reason] = ()
    delivery: Delivery | None = None
    note: str = ""


@runtime_checkable
class Source(Protocol):
    """Where submissions come from."""

    def verify(self, request: HookRequest) -> RawItem:
        """Accept a webhook or refuse it (`HookRefused`); pure and fast, called before anything is stored."""
        ...

    def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """Yield what is new after the checkpoint `since` ("" at the very first poll), oldest first."""
        ...

    def receive(self, item: RawItem) -> Sequence[Delivery]:
        """Understand a stored item; pure. Raises RejectedError with what is wrong if it cannot be."""
        ...

    def open(self, file: DeliveredFile) -> AsyncIterator[bytes]:
        """Stream the bytes of a delivered file, from its beginning."""
        ...

    async def stored(self, files: Sequence[Stored]) -> None:
        """The bytes of these files are safe with syncd now: the source may move or mark them."""
        ...

    async def respond(self, status: SubmissionStatus) -> str | None:
        """Tell the creator, by the source's own means, how the submission stands; returns what the next status about
        this submission is to carry as `note`, None to leave it as it is."""
        ...


# --- library, catalog, channel: targets ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Media:
    """One media item of ours, ready to be placed.

    `placement` is our id for it, `name` its public file name (unique per connection and content, with extension),
    `url` where it can be fetched, `sha256`/`size` of its bytes, `external_id` what the system called it when it
    last answered ("" if it never did). Bytes are read with `Context.media(item)`.
    """

    placement: str
    name: str
    url: str
    sha256: str
    size: int
    media_type: str
    role: str
    asset: str
    version: int
    alt: str = ""
    external_id: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedMedia:
    """One media item as it stands in a listing, in its order.

    `name` is our public file name if the connector recognises it as ours, else "" (then others placed it, unless the
    engine knows its `external_id`). `fetched` is the hash of the bytes where the connector downloaded them.
    """

    external_id: str
    url: str = ""
    name: str = ""
    role: str = ""
    fetched: str = ""


@dataclass(frozen=True, slots=True)
class ObservedGallery:
    """A listing as it is: its media in order, and the names it can be identified by (`{"sku": …, "gtin": …}`).

    `exists=False`: the system knows no such listing. `issues` are the system's own complaints about it.
    """

    listing: str
    media: Sequence[ObservedMedia] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    market: str = ""
    exists: bool = True
    issues: Sequence[str] = ()


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


class Outcome(enum.StrEnum):
    """How the system answered for one listing."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The answer for one listing; `external_ids` maps placement ids to the system's ids, `message` is the system's."""

    listing: str
    outcome: Outcome
    message: str = ""
    external_ids: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """An asset's current version as the DAM should hold it; `status` is the asset's, `metadata` flat text."""

    media: Media
    title: str
    status: str
    rights_until: datetime | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LibraryState:
    """What the DAM holds of one asset: the hash of the current version's bytes and where it can be linked from."""

    asset: str
    external_id: str = ""
    sha256: str = ""
    status: str = ""
    url: str = ""
    exists: bool = True


@runtime_checkable
class Library(Protocol):
    """A DAM: holds each asset's versions, metadata and status."""

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version as the asset's current one, older ones archived; idempotent by asset and hash."""
        ...

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Take the asset out of use (archived, never deleted) with this status; idempotent."""
        ...

    async def read(self, assets: Sequence[str]) -> Sequence[LibraryState]:
        """What is held of these assets now, one state each, `exists=False` where none is in use."""
        ...


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

    async def read(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The media linked to these products now (`observed`), others' included."""
        ...
