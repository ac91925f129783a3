"""Walmart's items and what feeds do to them, one item after the other, in the vendor's own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

NO_IMAGE = (
    "There is no primary image for your item. After you re-ingest this item with a valid primary image, your item will "
    "be republished."
)
MAIN, SECONDARY = "mainImageUrl", "productSecondaryImageURL"
HEADER = {"businessUnit", "locale", "version"}
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(slots=True)
class Images:
    """What a seller contributed: addresses. `shown_at` is when the item API begins to tell them (monotonic seconds)."""

    main: str = ""
    secondary: tuple[str, ...] = ()
    shown_at: float = 0.0

    @property
    def all(self) -> tuple[str, ...]:
        return ((self.main,) if self.main else ()) + self.secondary


@dataclass(slots=True)
class Listing:
    """An item; `history` ends with what truly stands."""

    sku: str
    gtin: str
    product_type: str = "Facial Serums"
    published: str = "PUBLISHED"
    lifecycle: str = "ACTIVE"
    reasons: tuple[str, ...] = ()
    history: list[Images] = field(default_factory=lambda: [Images()])

    @property
    def images(self) -> Images:
        return self.history[-1]

    def told(self, now: float) -> Images:
        """What the item API tells by now."""
        return next(images for images in reversed(self.history) if images.shown_at <= now or images is self.history[0])


@dataclass(slots=True)
class Ingested:
    """One item of a feed, worked on at `due`; `status` "" before."""

    body: dict[str, Any]
    due: float
    status: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def sku(self) -> str:
        return str(self.body.get("Orderable", {}).get("sku", ""))


@dataclass(slots=True)
class Feed:
    """A feed that was taken; `error` says why none of it will be worked on."""

    identifier: str
    begins: float
    items: list[Ingested] = field(default_factory=list)
    error: str = ""

    def status(self, now: float) -> str:
        if now < self.begins:
            return "RECEIVED"
        if self.error:
            return "ERROR"
        return "PROCESSED" if all(item.status for item in self.items) else "INPROGRESS"


@dataclass
class Ingestion:
    """What works on feeds: the first item `begins` seconds after the feed came, each further one `each` later.

    An item's new images are told `shows_after` seconds after they were ingested. `refuses` says why an
    image (SKU, address) is not taken, "" if it is; `troubles` maps SKUs to errors of Walmart's own, one for each try.
    """

    listings: dict[str, Listing]
    begins: float = 120.0
    each: float = 2.0
    shows_after: float = 600.0
    feeds: dict[str, Feed] = field(default_factory=dict)
    refuses: Callable[[str, str], str] = lambda sku, url: ""
    troubles: dict[str, list[str]] = field(default_factory=dict)

    def take(self, identifier: str, document: dict[str, Any], now: float) -> None:
        begins = now + self.begins
        feed = self.feeds[identifier] = Feed(identifier, begins, error=_fault(document))
        if not feed.error:
            feed.items = [Ingested(body, begins + n * self.each) for n, body in enumerate(document["MPItem"])]

    def work(self, now: float) -> None:
        """Do what is due by now, in the order in which it was."""
        due = [item for feed in self.feeds.values() for item in feed.items if not item.status and item.due <= now]
        for item in sorted(due, key=lambda item: item.due):
            self._ingest(item)

    def finish(self) -> None:
        """Do everything, and let it be seen at once."""
        self.work(float("inf"))
        for listing in self.listings.values():
            listing.images.shown_at = 0.0
        for feed in self.feeds.values():
            feed.begins = 0.0

    def _ingest(self, item: Ingested) -> None:
        if trouble := self.troubles.get(item.sku):
            item.status = trouble.pop(0)
            item.errors = [error(item.status, "ERR_INT_SYS_0001", "Something went wrong on our side.")]
            return
        item.errors = list(self._errors(item))
        item.status = "DATA_ERROR" if item.errors else "SUCCESS"
        if not item.errors:
            self._replace(self.listings[item.sku], item)

    def _errors(self, item: Ingested) -> Iterator[dict[str, str]]:
        listing = self.listings.get(item.sku)
        if listing is None or listing.lifecycle != "ACTIVE":
            yield error("DATA_ERROR", "ERR_EXT_DATA_0101119", f"There is no item with the SKU {item.sku}.", "sku")
            return
        if item.body["Orderable"].get("productIdentifiers") != {"productIdType": "GTIN", "productId": listing.gtin}:
            yield error("DATA_ERROR", "ERR_EXT_DATA_0801", "The product ID is not that of the item.", "productId")
        for url in [url for urls in visible(item).values() for url in ([urls] if isinstance(urls, str) else urls)]:
            if words := self.refuses(item.sku, url) or _unfit(url):
                yield error("DATA_ERROR", "ERR_PDI_0002", f"{words} ({url})", MAIN)

    def _replace(self, listing: Listing, item: Ingested) -> None:
        """Replace what the feed names, and leave alone what it does not."""
        named, before = visible(item), listing.images
        main = named.get(MAIN, before.main)
        secondary = tuple(named.get(SECONDARY, before.secondary))
        if main and NO_IMAGE in listing.reasons:
            listing.reasons, listing.published = (), "PUBLISHED"
        listing.history.append(Images(main, secondary, item.due + self.shows_after))


def visible(item: Ingested) -> dict[str, Any]:
    """The attributes a feed names of an item, whatever its product type."""
    return next(iter(item.body["Visible"].values()))


def error(kind: str, code: str, description: str, field_name: str = "") -> dict[str, str]:
    named = {"field": field_name} if field_name else {}
    return {"type": kind, "code": code, "description": description, **named}


def _fault(document: dict[str, Any]) -> str:
    """What is wrong with a feed as a whole."""
    header, items = document.get("MPItemFeedHeader"), document.get("MPItem")
    if not isinstance(header, dict) or set(header) != HEADER or not str(header["version"]).endswith("-api"):
        return "MPItemFeedHeader does not follow the item spec."
    if not isinstance(items, list) or not items or not all({"Orderable", "Visible"} == set(item) for item in items):
        return "MPItem does not follow the item spec."
    if any(len(item["Visible"]) != 1 or _empty(item["Visible"]) for item in items):
        return "Visible names one product type, and no empty attribute."
    return ""


def _empty(by_type: dict[str, Any]) -> bool:
    return any(not value for attributes in by_type.values() for value in attributes.values())


def _unfit(url: str) -> str:
    parts = urlsplit(url)
    fit = parts.scheme in ("http", "https") and parts.path.lower().endswith(IMAGE_ENDINGS) and not parts.query
    return "" if fit else "The image URL is not valid."


def record(listing: Listing, now: float, tells: Callable[[Listing], bool]) -> dict[str, Any]:
    """An item as the item API tells it, other attributes and unknown fields included."""
    images = listing.told(now)
    bag = [_attribute("countPerPack", "1")]
    if tells(listing):
        bag += [_attribute(MAIN, *([images.main] if images.main else [])), _attribute(SECONDARY, *images.secondary)]
    told: dict[str, Any] = {
        "mart": "WALMART_US", "sku": listing.sku, "condition": "New", "wpid": f"W{listing.gtin[-6:]}", "upc": "",
        "gtin": listing.gtin, "productName": f"Item {listing.sku}", "shelf": '["Home Page","Beauty"]',
        "productType": listing.product_type, "price": {"currency": "USD", "amount": 19.9},
        "publishedStatus": listing.published, "lifecycleStatus": listing.lifecycle,
        "additionalAttributes": {"nameValueAttribute": [one for one in bag if one["value"] or one["name"] != MAIN]},
        "isDuplicate": False, "somethingNew": {"since": 2027},
    }  # fmt: skip
    return told | ({"unpublishedReasons": {"reason": list(listing.reasons)}} if listing.reasons else {})


def _attribute(name: str, *values: str) -> dict[str, Any]:
    """One attribute of the bag; values come in any order, each with its rank."""
    ranked = [{"value": value, "group": "0", "rank": rank} for rank, value in enumerate(values)]
    return {"name": name, "type": "STRING", "value": ranked[::-1]}
