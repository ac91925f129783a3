"""Feeds that replace the images of items (MP_MAINTENANCE, item spec 5): what is sent, and what cannot be. Pure.

Maintenance replaces what a feed names and leaves alone what it does not. An empty value is not named: neither the main
image nor the last secondary one can be taken away, only replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Answer, Issue, Media
from syncd.systems.walmart.figures import IMAGES, FeedFigures
from syncd.systems.walmart.items import MAIN, SECONDARY, Item

TYPE = "MP_MAINTENANCE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not sent, and which of its media are to blame."""

    message: str
    answer: Answer = Answer.REJECTED
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an image cannot be fetched, "" if it can; `passing` if that may be over soon."""

    words: str = ""
    passing: bool = False


def refusal(change: GalleryChange, item: Item | None, prefix: str) -> Refusal | None:
    """Why Walmart would not, or must not, carry a change out; None if nothing speaks against it.

    Args:
        change: what the listing's images should become.
        item: the listing as it is now, None if there is none.
        prefix: of addresses that are ours.
    """
    if item is None or not item.exists:
        return Refusal(f"Walmart has no item {change.listing} on offer")
    if item.images is None:
        return Refusal(f"{item.why_unreadable}; nothing is replaced, so that no image of others is lost")
    if not item.product_type or not (item.gtin or item.upc):
        return Refusal(f"Walmart tells no product type or no GTIN of {item.sku}, which a feed must name")
    if lost := _lost(change, item.images, prefix):
        return Refusal(
            f"{item.sku} has images of others that the change does not know, such as {lost[0]}", Answer.RETRY
        )
    issues = tuple(issue for media in change.add if (issue := _issue(media)))
    if issues:
        return Refusal("; ".join(issue.message for issue in issues), issues=issues)
    return _emptied(change, item, item.images)


def unfetchable(change: GalleryChange, said: Mapping[str, Obstacle]) -> Refusal | None:
    """Why a change is not sent whose added images cannot be fetched; None if all of them can.

    Args:
        said: the obstacle of each address.
    """
    told = [(media, said[media.url]) for media in change.add if said[media.url].words]
    if not told:
        return None
    message = "; ".join(obstacle.words for _, obstacle in told)
    if all(obstacle.passing for _, obstacle in told):
        return Refusal(message, Answer.RETRY)
    issues = (Issue(o.words, "unreachable", media.placement) for media, o in told if not o.passing)
    return Refusal(message, issues=tuple(issues))


def _lost(change: GalleryChange, images: Sequence[str], prefix: str) -> list[str]:
    """Images of others that the change would take away: they came after it was made."""
    kept = {one.theirs.url for one in change.gallery if one.theirs is not None}
    known = [*change.remove, *(one.ours for one in change.gallery if one.ours is not None)]
    ours = {address for media in known for address in (media.external_id, media.seen_url)}
    return [url for url in images if not url.startswith(prefix) and url not in kept | ours]


def _emptied(change: GalleryChange, item: Item, images: tuple[str, ...]) -> Refusal | None:
    if not change.gallery:
        why = "it keeps a main image as long as it is on sale: put another picture there, or retire the item"
        return Refusal(f"Walmart cannot take the last image of {item.sku} away; {why}")
    if len(change.gallery) == 1 and len(images) > (0 if item.headless else 1):
        why = "a feed cannot empty them: put another picture there, or remove it in Seller Center"
        return Refusal(f"Walmart cannot take the last secondary image of {item.sku} away; {why}")
    return None


def _issue(media: Media) -> Issue | None:
    """What the published rules have against an image of ours."""
    said = [*_faults_of_file(media), *_faults_of_address(media.url)]
    return Issue(f"{media.name}: {', '.join(said)}", "image-rules", media.placement) if said else None


def _faults_of_file(media: Media) -> list[str]:
    said = []
    if media.media_type not in IMAGES.media_types:
        said.append(f"{media.media_type} is not taken, only {', '.join(IMAGES.media_types)}")
    if media.size > IMAGES.size:
        said.append(f"it has {media.size:,} bytes, {IMAGES.size:,} are taken")
    return said


def _faults_of_address(url: str) -> list[str]:
    parts = urlsplit(url)
    said = []
    if parts.query or parts.fragment:
        said.append("its address has a query string")
    if parts.path.rpartition(".")[2].lower() not in IMAGES.extensions:
        said.append(f"its address does not end in one of {', '.join(IMAGES.extensions)}")
    if parts.scheme not in ("http", "https") or (parts.port or 443) not in IMAGES.ports:
        said.append(f"its address is none of http or https on port {', '.join(map(str, IMAGES.ports))}")
    if len(url) > IMAGES.url_characters:
        said.append(f"its address has {len(url)} characters, {IMAGES.url_characters} are taken")
    return said


def entry(change: GalleryChange, item: Item) -> dict[str, Any]:
    """What a feed says of one item: the whole set of its images, in order, those of others as they are."""
    main, *secondary = [address for one in change.gallery if (address := _address(one))]
    kind, identifier = ("GTIN", item.gtin) if item.gtin else ("UPC", item.upc)
    images: dict[str, Any] = {MAIN: main} | ({SECONDARY: secondary} if secondary else {})
    return {
        "Orderable": {
            "sku": item.sku,
            "productIdentifiers": {"productIdType": kind, "productId": identifier},
        },
        "Visible": {item.product_type: images},
    }


def _address(one: GalleryItem) -> str:
    if one.ours is not None:
        return one.ours.url
    return one.theirs.url if one.theirs is not None else ""


def document(entries: Sequence[dict[str, Any]], version: str) -> bytes:
    """A whole feed."""
    header = {"businessUnit": "WALMART_US", "locale": "en", "version": version}
    return json.dumps({"MPItemFeedHeader": header, "MPItem": list(entries)}, ensure_ascii=False).encode()


def fitting(entries: Sequence[dict[str, Any]], version: str, figures: FeedFigures) -> int:
    """How many of these one feed takes, from the first on, by their number and by bytes."""
    size = len(document((), version))
    for count, one in enumerate(entries[: figures.items]):
        size += len(json.dumps(one, ensure_ascii=False).encode()) + len(", ")
        if size > figures.size:
            return count
    return min(len(entries), figures.items)
