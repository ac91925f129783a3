"""A listings item as Amazon gives it back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.systems.amazon import issues, locators, shape
from syncd.systems.amazon.issues import Problem
from syncd.systems.amazon.listing import ListingName

INCLUDED = "summaries,attributes,issues,productTypes"
"""The data sets `item_of` reads."""
_IDENTIFIER = "externally_assigned_product_identifier"


@dataclass(frozen=True, slots=True)
class Item:
    """One SKU in one marketplace.

    `locations` are the addresses of its images by slot: what this seller contributed, by whatever tool. `main_image` is
    the address of the image shoppers see first, `created` when the listing was made (ISO 8601, as Amazon writes it).
    """

    name: ListingName
    asin: str = ""
    product_type: str = ""
    created: str = ""
    main_image: str = ""
    locations: Mapping[str, str] = field(default_factory=dict)
    gtin: str = ""
    problems: Sequence[Problem] = ()

    @property
    def names(self) -> dict[str, str]:
        """What the listing can be identified by."""
        found = {"sku": self.name.sku, "gtin": self.gtin, "asin": self.asin}
        return {name: value for name, value in found.items() if value}


def item_of(raw: Any, marketplace: str) -> Item:
    """Understand an item of one marketplace.

    Raises:
        RejectedError: a part of it that was asked for is missing, renamed or of another kind.
    """
    name = ListingName(shape.member(raw, "sku", str, f"An item in {marketplace}"), marketplace)
    summary = _of(marketplace, shape.member(raw, "summaries", list, str(name)))
    attributes = shape.member(raw, "attributes", dict, str(name))
    if not attributes:  # every listing has some: a condition, an offer, a name
        raise shape.drifted(f"{name} has no attributes", raw)
    return Item(
        name=name,
        asin=str(summary.get("asin", "")),
        product_type=str(summary.get("productType") or _product_type(raw, marketplace)),
        created=str(summary.get("createdDate", "")),
        main_image=str((summary.get("mainImage") or {}).get("link", "")),
        locations=dict(_locations(attributes, name)),
        gtin=_gtin(attributes, marketplace),
        problems=issues.problems(raw.get("issues") or (), marketplace, str(name)),
    )


def _of(marketplace: str, summaries: Sequence[Any]) -> Mapping[str, Any]:
    """The summary of a marketplace; a listing that is not complete yet has none."""
    found = (each for each in summaries if isinstance(each, Mapping) and each.get("marketplaceId") == marketplace)
    return next(found, {})


def _product_type(raw: Mapping[str, Any], marketplace: str) -> str:
    return str(_of(marketplace, raw.get("productTypes") or ()).get("productType", ""))


def _locations(attributes: Mapping[str, Any], name: ListingName) -> Iterator[tuple[str, str]]:
    for attribute in attributes:
        locators.require_known(attribute, str(name))
    for slot, attribute in locators.ATTRIBUTES.items():
        for value in _values(attributes, attribute, name):
            location = shape.member(value, "media_location", str, f"{attribute} of {name}")
            if location:
                yield slot, location
            break


def _values(attributes: Mapping[str, Any], attribute: str, name: ListingName) -> Iterator[Any]:
    """The values that hold in this marketplace; a value without marketplace holds in all."""
    if attribute not in attributes:
        return
    values = shape.member(attributes, attribute, list, str(name))
    if not values:
        raise shape.drifted(f"{attribute} of {name} is empty, which Amazon leaves out", attributes)
    for value in values:
        if not isinstance(value, Mapping) or value.get("marketplace_id", name.marketplace) == name.marketplace:
            yield value


def _gtin(attributes: Mapping[str, Any], marketplace: str) -> str:
    """The GTIN as syncd compares them: digits without leading zeros."""
    for value in attributes.get(_IDENTIFIER) or ():
        if isinstance(value, Mapping) and value.get("marketplace_id", marketplace) == marketplace:
            return "".join(filter(str.isdigit, str(value.get("value", "")))).lstrip("0")
    return ""
