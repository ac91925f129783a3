"""What a product or product model of Akeneo says of itself, as the catalogue's record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from syncd.domain.product import ProductRecord, ProductStatus
from syncd.sdk.values import storable
from syncd.systems.akeneo import words
from syncd.systems.akeneo.options import ProductOptions
from syncd.systems.akeneo.values import Slot, Values, text

PRODUCTS, MODELS = "/products-uuid", "/product-models"
"""The two lists."""


def sku_of(found: Mapping[str, Any], kind: str, options: ProductOptions) -> str:
    """A product's SKU, "" where it has none (since 7.0 an identifier is optional); a model's is its code.

    Args:
        found: as received.
        kind: PRODUCTS or MODELS.

    Raises:
        RejectedError: a member that must be there is not.
    """
    if kind == MODELS:
        return str(words.field(found, "code", str, "a product model"))
    words.field(found, "uuid", str, "a product")
    return text(options.sku.data(words.values(found, "a product")))


def record(found: Mapping[str, Any], kind: str, options: ProductOptions) -> ProductRecord:
    """The record of a product that has a SKU. Arguments as of `sku_of`.

    Raises:
        RejectedError: a member that must be there is not.
        ValueError: it cannot be understood; its text is a sentence for a person.
    """
    values: Values = words.values(found, "a product")
    sku = sku_of(found, kind, options)
    parent = str(found.get("parent") or "")
    further = {name: _read(values, each) for name, each in options.fields.items()}
    further |= {"family": str(found.get("family") or ""), "level": _level(kind, parent)}
    try:
        stated = ProductRecord(
            sku=sku,
            parent=parent,
            gtin=_read(values, options.gtin),
            title=_read(values, options.title),
            version=_read(values, options.version),
            status=_status(found, values, kind, sku, options),
            names={name: said for name, each in options.names.items() if (said := _read(values, each))},
            fields={name: said for name, said in further.items() if said},
        )
    except ValidationError as error:
        raise ValueError("; ".join(detail["msg"] for detail in error.errors())) from error
    texts = (sku, parent, stated.gtin, stated.title, stated.version, *stated.names.values(), *stated.fields.values())
    if not all(map(storable, texts)):
        raise ValueError(f"{sku} holds a character that is none, such as NUL")
    return stated


def _read(values: Values, slot: Slot | None) -> str:
    return text(slot.data(values)) if slot else ""


def _level(kind: str, parent: str) -> str:
    if kind == MODELS:
        return "model"
    return "variant" if parent else "product"


def _status(found: Mapping[str, Any], values: Values, kind: str, sku: str, options: ProductOptions) -> ProductStatus:
    # Models are never enabled or disabled, only their variants are.
    if kind == PRODUCTS and not words.field(found, "enabled", bool, f"the product {sku}"):
        return ProductStatus.DISCONTINUED
    said = _read(values, options.status)
    if not said or said in options.active:
        return ProductStatus.ACTIVE
    if said in options.discontinued:
        return ProductStatus.DISCONTINUED
    known = ", ".join((*options.active, *options.discontinued))
    raise ValueError(f"status `{said}` of {sku} is not known; known are {known}")
