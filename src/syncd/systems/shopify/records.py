"""Products and variants as the catalogue mirror keeps them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.domain.product import ProductRecord, ProductStatus
from syncd.systems.shopify.shapes import SoldHead, SoldVariant

# DRAFT is not sold yet: its content is being made.
_STATUSES = {
    "ACTIVE": ProductStatus.ACTIVE,
    "UNLISTED": ProductStatus.ACTIVE,
    "DRAFT": ProductStatus.ACTIVE,
    "ARCHIVED": ProductStatus.DISCONTINUED,
}
_NO_CHOICE = "Default Title"
"""What Shopify calls the one variant of a product without options."""


def records(head: SoldHead, variants: Iterable[SoldVariant]) -> tuple[list[ProductRecord], list[str]]:
    """The variants that have a SKU, and what could not be understood, each with its place."""
    if head.status not in _STATUSES:
        return [], [f"{head.id}: its status `{head.status}` is none of {', '.join(_STATUSES)}"]
    known = list(variants)
    return [_record(head, variant, several=len(known) > 1) for variant in known if (variant.sku or "").strip()], []


def _record(head: SoldHead, variant: SoldVariant, *, several: bool) -> ProductRecord:
    title = head.title if variant.title == _NO_CHOICE else f"{head.title} {variant.title}"
    fields = {
        "handle": head.handle,
        "type": head.kind,
        "vendor": head.vendor,
        "tags": ", ".join(head.tags),
        "status": head.status,
        "product": head.id,
        "variant": variant.id,
        **{f"option {choice.name}": choice.value for choice in variant.choices if choice.value != _NO_CHOICE},
    }
    return ProductRecord(
        sku=(variant.sku or "").strip(),
        parent=head.handle if several else "",
        gtin=(variant.barcode or "").strip(),
        title=title,
        status=_STATUSES[head.status],
        names={"shopify": variant.id},
        fields=fields,
    )
