"""A product as the catalogue tells it, and how other systems name it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from syncd.domain.delivery import Frozen


class ProductStatus(enum.StrEnum):
    """Whether the product may be shown at all."""

    ACTIVE = "active"
    DISCONTINUED = "discontinued"


class ProductRecord(Frozen):
    """One product or variant from a catalog.

    `names` are other names of the SKU, by who uses them (`{"shopify": "8812"}`); `version` names the packaging or
    design a picture can show; `fields` is what else the catalogue says, as text.
    """

    sku: str
    parent: str = ""
    gtin: str = ""
    title: str = ""
    status: ProductStatus = ProductStatus.ACTIVE
    version: str = ""
    names: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductRef:
    """The little that matching needs of a product."""

    sku: str
    title: str = ""
    gtin: str = ""
    version: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Identified:
    """What a connection's listings said about one SKU: `listings` holds every hit."""

    sku: str
    listings: tuple[str, ...] = ()
    by: str = ""

    @property
    def exact(self) -> bool:
        """Zero and two hits are both an exception for a person."""
        return len(self.listings) == 1


@dataclass(frozen=True, slots=True)
class ListingNames:
    """The names under which a system's listing could be found: `{"sku": "GL-0412", "gtin": "0401…"}`."""

    listing: str
    names: Mapping[str, str] = field(default_factory=dict)


def identify(
    product: ProductRecord,
    by: tuple[str, ...],
    listings_by_name: Mapping[tuple[str, str], tuple[str, ...]],
    alias: str | None = None,
) -> Identified:
    """Find the listings of one product.

    Args:
        product: as the catalogue tells it.
        by: fields to try in order, such as `("sku", "gtin")`; the first that hits decides.
        listings_by_name: listings under each (field, value) of the connection.
        alias: the SKU's declared name in this connection; tried before `by`.
    """
    attempts = [("sku", alias)] if alias else []
    attempts += [(name, _value(product, name)) for name in by]
    for name, value in attempts:
        hits = listings_by_name.get((name, value or ""), ()) if value else ()
        if hits:
            return Identified(product.sku, tuple(sorted(set(hits))), name)
    return Identified(product.sku)


def _value(product: ProductRecord, name: str) -> str:
    if name in ("sku", "gtin", "parent"):
        return str(getattr(product, name))
    return product.fields.get(name, "")
