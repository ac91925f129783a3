"""A product as the engine sees it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncd.sdk.channel import ObservedGallery
from syncd.sdk.media import MediaState, ObservedMedia
from syncd.systems.shopify.galleries import Gallery
from syncd.systems.shopify.naming import public_name
from syncd.systems.shopify.shapes import ListingHead, Piece, Variant

_STATES = {
    "READY": MediaState.READY,
    "UPLOADED": MediaState.PROCESSING,
    "PROCESSING": MediaState.PROCESSING,
    "FAILED": MediaState.FAILED,
}
_SOLD = frozenset({"ACTIVE", "UNLISTED"})
_UNSEEN = frozenset({"DRAFT", "ARCHIVED"})


def observed(gallery: Gallery) -> ObservedGallery:
    """The listing with its media in order and the names of its variants."""
    head = gallery.head
    return ObservedGallery(
        head.id,
        [seen(piece, place, head) for place, piece in enumerate(gallery.media)],
        names_of(head, gallery.variants),
    )


def seen(piece: Piece, place: int, head: ListingHead) -> ObservedMedia:
    """One media item at its place, counted from 0."""
    state = _STATES.get(piece.status, MediaState.PROCESSING)
    return ObservedMedia(
        piece.id,
        piece.address,
        name_of(piece),
        _role(piece, place),
        slot=str(place + 1),
        alt=piece.alt or "",
        state=state,
        message="; ".join(dict.fromkeys(fault.words for fault in piece.faults)),
        shown=_shown(head) if state is MediaState.READY else None,
    )


def name_of(piece: Piece) -> str:
    """Our public name of a media item, "" if others placed it."""
    return public_name(piece.filename or (piece.image.url if piece.image else ""))


def names_of(head: ListingHead, variants: Iterable[Variant]) -> Mapping[str, str | Sequence[str]]:
    """What the listing can be found by: SKUs and barcodes of all its variants, and its handle."""
    known = list(variants)
    return {
        "sku": _distinct(variant.sku for variant in known),
        "gtin": _distinct(variant.barcode for variant in known),
        "handle": head.handle,
    }


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names if name and name.strip()))


def _role(piece: Piece, place: int) -> str:
    if piece.typename in ("Video", "ExternalVideo"):
        return "video"
    return "additional" if place else "main"


def _shown(head: ListingHead) -> bool | None:
    """Shoppers see what is ready in a product of the online store; of other sales channels Shopify tells nothing."""
    if head.status in _UNSEEN:
        return False
    return True if head.status in _SOLD and head.store_url else None
