"""A listing's name: the seller's SKU in one marketplace, as `SKU@MARKETPLACE`."""

from __future__ import annotations

from typing import NamedTuple

from syncd.errors import RejectedError


class ListingName(NamedTuple):
    """What names a listing. SKUs may hold `@`, ids of marketplaces never do."""

    sku: str
    marketplace: str

    def __str__(self) -> str:
        return f"{self.sku}@{self.marketplace}"

    @classmethod
    def parse(cls, text: str) -> ListingName:
        """Raises RejectedError if the text names no listing."""
        sku, at, marketplace = text.rpartition("@")
        if not (sku and at and marketplace):
            raise RejectedError(f"{text} is no listing: a SKU, `@` and the id of a marketplace.")
        return cls(sku, marketplace)
