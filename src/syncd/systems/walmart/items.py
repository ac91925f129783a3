"""Items as Walmart's item API tells them, and the galleries they are. Pure.

Walmart documents no call that gives back the images a seller contributed, in their order. They are taken to stand
among the item's additional attributes, under their names in the item spec. Unless both attributes are there and
understood, an empty list of secondary images included, an item has images that cannot be read, never none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import RejectedError
from syncd.sdk.channel import ObservedGallery
from syncd.sdk.media import Issue, MediaState, ObservedMedia

UNREADABLE = "unreadable"
"""The external id that stands for all images of an item whose images cannot be read."""
MAIN, SECONDARY = "mainImageUrl", "productSecondaryImageURL"
_GONE = frozenset({"RETIRED", "ARCHIVED"})
_NO_IMAGE = "there is no primary image"
"""Walmart's own words for an item that has no image at all."""
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `images` is None where they cannot be read; the first is the main one unless it has none (`headless`).

    `attributes` are the names of all that Walmart tells beside the record's own fields.
    """

    sku: str
    gtin: str = ""
    upc: str = ""
    product_type: str = ""
    published: str = ""
    lifecycle: str = ""
    reasons: tuple[str, ...] = ()
    images: tuple[str, ...] | None = None
    headless: bool = False
    attributes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def exists(self) -> bool:
        """A retired item is in no shop, and takes no maintenance."""
        return self.lifecycle not in _GONE

    @property
    def unreadable(self) -> bool:
        """Whether it has images, or may have some, and they cannot be read."""
        return self.exists and self.images is None

    @property
    def why_unreadable(self) -> str:
        told = ", ".join(self.attributes) or "none"
        return (
            f"Walmart does not tell the images of {self.sku}: {MAIN} and {SECONDARY} are not both among its additional "
            f"attributes ({told}), or not as lists of addresses"
        )


@dataclass(slots=True)
class Unreadable:
    """The items of one reading whose images cannot be read: how many, and the first."""

    count: int = 0
    first: Item | None = None

    def counts(self, item: Item) -> bool:
        """Whether this is one of them."""
        if item.unreadable:
            self.count += 1
            self.first = self.first or item
        return item.unreadable

    def error(self) -> RejectedError:
        """What to raise because of them."""
        assert self.first is not None
        more = f"; nor of {self.count - 1} items more" if self.count > 1 else ""
        remedy = "See docs/systems.md#walmart-images; until Walmart tells them, nothing is replaced there."
        return RejectedError(f"{self.first.why_unreadable}{more}.", remedy=remedy)


def item_of(record: Mapping[str, Any]) -> Item:
    """An item from its record (`ItemResponse` of GET /v3/items and GET /v3/items/{id}).

    Raises:
        RejectedError: the record is no item's, with a sample of it.
    """
    sku = record.get("sku")
    if not isinstance(sku, str) or not sku:
        raise RejectedError(f"A record of Walmart's catalogue has no sku: {json.dumps(record)[:_SAMPLE]}.")
    attributes = _attributes(record)
    reasons = _reasons(record)
    main, secondary = attributes.get(MAIN, ()), attributes.get(SECONDARY)
    headless = main == () and any(_NO_IMAGE in reason.lower() for reason in reasons)
    return Item(
        sku=sku,
        gtin=_text(record, "gtin"),
        upc=_text(record, "upc"),
        product_type=_text(record, "productType"),
        published=_text(record, "publishedStatus"),
        lifecycle=_text(record, "lifecycleStatus"),
        reasons=reasons,
        images=main[:1] + secondary if (main or headless) and main is not None and secondary is not None else None,
        headless=headless,
        attributes=tuple(attributes),
    )


def gallery_of(item: Item, prefix: str) -> ObservedGallery:
    """An item as a listing. One whose images cannot be read holds something that is not ours and never changes.

    Args:
        prefix: of addresses that are ours.
    """
    if not item.exists:
        return ObservedGallery(item.sku, exists=False)
    if item.images is not None:
        media = tuple(_media(item, index, url, prefix) for index, url in enumerate(item.images))
        issues = [Issue(reason, media=_named(reason, media)) for reason in item.reasons]
    else:
        opaque = ObservedMedia(UNREADABLE, state=MediaState.PROCESSING, message=item.why_unreadable)
        media, issues = (opaque,), [Issue(reason) for reason in (item.why_unreadable, *item.reasons)]
    return ObservedGallery(item.sku, media, _names(item), issues=tuple(issues))


def _media(item: Item, index: int, url: str, prefix: str) -> ObservedMedia:
    place = index if item.headless else index - 1
    return ObservedMedia(
        external_id=url,
        url=url,
        name=url.removeprefix(prefix) if url.startswith(prefix) else "",
        role="additional" if place >= 0 else "main",
        slot=f"{SECONDARY}[{place}]" if place >= 0 else MAIN,
        state=MediaState.PROCESSING if item.published == "IN_PROGRESS" else MediaState.READY,
        # Whose images the page of a published item shows is Walmart's choice among all who contribute.
        shown=None if item.published in ("", "PUBLISHED") else False,
    )


def _names(item: Item) -> dict[str, str]:
    """What the item can be identified by; GTINs in the spelling they are compared in, without leading zeros."""
    found = {"sku": item.sku, "gtin": item.gtin.lstrip("0"), "upc": item.upc}
    return {name: value for name, value in found.items() if value}


def _named(text: str, media: tuple[ObservedMedia, ...]) -> str:
    """The image a complaint names by its address."""
    return next((one.external_id for one in media if one.url in text), "")


def _text(record: Mapping[str, Any], name: str) -> str:
    found = record.get(name)
    return found if isinstance(found, str) else ""


def _reasons(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = record.get("unpublishedReasons")
    reasons = found.get("reason") if isinstance(found, dict) else None
    return tuple(one for one in reasons if isinstance(one, str)) if isinstance(reasons, list) else ()


def _attributes(record: Mapping[str, Any]) -> dict[str, tuple[str, ...] | None]:
    """The values of each additional attribute, None where they are not understood."""
    bag = record.get("additionalAttributes")
    listed = bag.get("nameValueAttribute") if isinstance(bag, dict) else None
    found: dict[str, tuple[str, ...] | None] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            found[one["name"]] = _values(one.get("value"))
    return found


def _values(listed: Any) -> tuple[str, ...] | None:
    """Texts by their rank where they have one."""
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return None
    ranked = sorted(listed, key=lambda one: rank if isinstance(rank := one.get("rank"), int) else 0)
    texts = tuple(one.get("value") for one in ranked)
    return texts if all(isinstance(text, str) and text for text in texts) else None
