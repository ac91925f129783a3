"""The listings of one seller, what Amazon makes of their images, and the pages shoppers see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.clock import Clock

SLOTS = {"MAIN": "main_product_image_locator"} | {f"PT0{n}": f"other_product_image_locator_{n}" for n in range(1, 9)}
HOSTED = "https://m.media-amazon.com/images/I/"
TAKES = 900.0
"""Seconds until most images are shown: Seller Central help 17811."""


@dataclass
class Offer:
    """A SKU in one marketplace: `images` are locations by attribute, `refused` attributes with Amazon's words."""

    sku: str
    marketplace: str
    asin: str
    gtin: str = ""
    product_type: str = "BEAUTY"
    created: datetime = datetime(2024, 3, 1, tzinfo=UTC)
    images: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(order=True)
class _Due:
    at: float
    offer: Offer = field(compare=False)
    attribute: str = field(compare=False)
    location: str = field(compare=False)


class Shelf:
    """Everything the seller lists."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.offers: dict[tuple[str, str], Offer] = {}
        self.sources: dict[str, str] = {}
        """Amazon's address of an image → where it was fetched."""
        self.fetchable: Callable[[str], bool] = lambda location: True
        self.copies = True
        """Whether a locator gives back Amazon's own address once the image was taken in."""
        self.others_shown: set[tuple[str, str]] = set()
        """(ASIN, slot) where shoppers see another seller's image."""
        self._due: list[_Due] = []

    def add(self, sku: str, marketplace: str, asin: str, **images: str) -> Offer:
        """A listing with images that were there before, by slot."""
        offer = Offer(sku, marketplace, asin, gtin=f"0{4012345000000 + len(self.offers)}")
        offer.created += timedelta(seconds=len(self.offers))
        for slot, source in images.items():
            offer.images[SLOTS[slot]] = self._hosted(source)
        self.offers[sku, marketplace] = offer
        return offer

    # --- images ---------------------------------------------------------------------------------------------------

    def change(self, offer: Offer, patches: Sequence[Mapping[str, Any]]) -> None:
        """Carry a patch out; what is replaced is fetched a while later."""
        for patch in patches:
            attribute = patch["path"].rpartition("/")[2]
            offer.refused.pop(attribute, None)
            if patch["op"] == "delete":
                offer.images.pop(attribute, None)
                continue
            location = patch["value"][0]["media_location"]
            offer.images[attribute] = location
            self._due.append(_Due(self.clock.monotonic() + TAKES, offer, attribute, location))

    def work(self, *, at_once: bool = False) -> None:
        """Take in what is due by now, or everything."""
        now = self.clock.monotonic()
        ready = [due for due in self._due if at_once or due.at <= now]
        self._due = [due for due in self._due if due not in ready]
        for due in ready:
            if due.offer.images.get(due.attribute) == due.location:
                self._take_in(due.offer, due.attribute, due.location)

    def _take_in(self, offer: Offer, attribute: str, location: str) -> None:
        if location.startswith(HOSTED):
            return  # Amazon has it already
        if not self.fetchable(location):
            offer.refused[attribute] = f"Unable to retrieve media content for URL {location}."
        elif self.copies:
            offer.images[attribute] = self._hosted(location)

    def _hosted(self, source: str) -> str:
        location = f"{HOSTED}{61 + len(source) % 20}{hashlib.sha256(source.encode()).hexdigest()[:10]}L.jpg"
        self.sources[location] = source
        return location

    def source_of(self, location: str) -> str:
        """Where an image was fetched that a locator names."""
        return self.sources.get(location, location)

    # --- what is told ---------------------------------------------------------------------------------------------

    def item(self, offer: Offer, included: Sequence[str]) -> dict[str, Any]:
        """A listings item with these data sets."""
        parts = {
            "summaries": self._summaries, "attributes": self._attributes, "issues": self._issues,
            "productTypes": self._product_types,
        }  # fmt: skip
        return {"sku": offer.sku, **{name: parts[name](offer) for name in included}}

    def _summaries(self, offer: Offer) -> list[dict[str, Any]]:
        summary: dict[str, Any] = {
            "marketplaceId": offer.marketplace, "asin": offer.asin, "productType": offer.product_type,
            "conditionType": "new_new", "status": ["BUYABLE", "DISCOVERABLE"], "itemName": f"Product {offer.sku}",
            "createdDate": _iso(offer.created), "lastUpdatedDate": _iso(self.clock.now()),
        }  # fmt: skip
        link = next((image["link"] for image in self.page(offer) if image["variant"] == "MAIN"), "")
        return [{**summary, "mainImage": {"link": link, "height": 1000, "width": 1000}} if link else summary]

    def _attributes(self, offer: Offer) -> dict[str, Any]:
        here = {"marketplace_id": offer.marketplace}
        images = {name: [{"media_location": location, **here}] for name, location in offer.images.items()}
        return {
            "item_name": [{"value": f"Product {offer.sku}", "language_tag": "en_US", **here}],
            "externally_assigned_product_identifier": [{"type": "ean", "value": offer.gtin, **here}],
            "swatch_product_image_locator": [{"media_location": f"{HOSTED}11swatch.jpg", **here}],
            **images,
        }

    def _issues(self, offer: Offer) -> list[dict[str, Any]]:
        refused = [
            {
                "code": "90000700", "message": words, "severity": "ERROR", "attributeNames": [attribute],
                "categories": ["INVALID_IMAGE"], "marketplaceIds": [offer.marketplace],
                "enforcements": {
                    "actions": [{"action": "ATTRIBUTE_SUPPRESSED"}], "exemption": {"status": "NOT_EXEMPT"},
                },
            }
            for attribute, words in offer.refused.items()
        ]  # fmt: skip
        return [*refused, *offer.warnings]

    def _product_types(self, offer: Offer) -> list[dict[str, Any]]:
        return [{"marketplaceId": offer.marketplace, "productType": offer.product_type}]

    def page(self, offer: Offer) -> list[dict[str, Any]]:
        """The images shoppers see, each in two sizes."""
        return [image for slot, attribute in SLOTS.items() for image in self._shown(offer, slot, attribute)]

    def _shown(self, offer: Offer, slot: str, attribute: str) -> Iterator[dict[str, Any]]:
        location = offer.images.get(attribute, "")
        if (offer.asin, slot) in self.others_shown:
            location = f"{HOSTED}71another{slot}.jpg"
        elif not self.copies and location and not location.startswith(HOSTED):
            location = self._hosted(location)
        if location.startswith(HOSTED):
            yield {"variant": slot, "link": location, "height": 1600, "width": 1600}
            yield {"variant": slot, "link": location.replace("/I/", "/I/41"), "height": 500, "width": 500}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
