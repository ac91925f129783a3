"""The Catalog Items API 2022-04-01: which images shoppers see.

Assumption (not in Amazon's documents): an image that the page shows has, in some size, the name that the locator's
address has. A page that lists no image under that name shows another's, or none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from syncd.systems.amazon import shape
from syncd.systems.amazon.gallery import Shown
from syncd.systems.amazon.hosting import image_id
from syncd.systems.amazon.partner import Partner

_ITEMS = "/catalog/2022-04-01/items"


class Catalog:
    """Amazon's catalogue, as one seller may read it."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner

    async def shown(self, marketplace: str, asins: Sequence[str]) -> Mapping[str, Shown]:
        """What shoppers see on the pages of these ASINs (20 at most), by ASIN; nothing for pages it does not know."""
        wanted = sorted({asin for asin in asins if asin})
        if not wanted:
            return {}
        params = {
            "identifiersType": "ASIN", "identifiers": ",".join(wanted), "marketplaceIds": marketplace,
            "includedData": "images", "pageSize": len(wanted),
        }  # fmt: skip
        found = await self._partner.object("searchCatalogItems", "GET", _ITEMS, params=params)
        items = shape.member(found, "items", list, f"The catalogue of {marketplace}")
        pages = {shape.member(raw, "asin", str, "An item of the catalogue"): _images(raw, marketplace) for raw in items}
        return {asin: shown for asin, shown in pages.items() if shown is not None}


def _images(raw: Mapping[str, Any], marketplace: str) -> Shown | None:
    """Amazon's names of the images in each slot; None if the answer tells nothing of this marketplace."""
    for part in raw.get("images") or ():
        if part.get("marketplaceId") == marketplace:
            names: dict[str, set[str]] = defaultdict(set)
            for image in shape.member(part, "images", list, "Images of the catalogue"):
                names[str(image.get("variant", ""))].add(image_id(str(image.get("link", ""))))
            return {slot: frozenset(found - {""}) for slot, found in names.items()}
    return None
