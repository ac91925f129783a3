"""A listing's name: the seller's SKU in one marketplace, as `SKU@MARKETPLACE`."""

from __future__ import annotations

from typing import NamedTuple


class ListingName(NamedTuple):
    """What names a listing. SKUs may hold `@`, ids of marketplaces never do."""

    sku: str
    marketplace: str

    def __str__(self) -> str:
        return f"{self.sku}@{self.marketplace}"

    @classmethod
    def parse(cls, text: str) -> ListingName | None:
        """The listing a text names; None if it names none."""
        sku, at, marketplace = text.rpartition("@")
        return cls(sku, marketplace) if sku and at and marketplace else None
