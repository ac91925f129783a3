"""The Listings Items API 2021-08-01: items read one by one, by SKU, page by page; and patched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from syncd.errors import NotFoundError, TransientError
from syncd.systems.amazon import shape
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.partner import Partner
from syncd.systems.amazon.plans import PREVIEW
from syncd.systems.amazon.reading import INCLUDED, Item, item_of

PAGE = 20
"""Items of one page, and identifiers of one search, at most."""
_ITEMS = "/listings/2021-08-01/items"
_GONE = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: `total` is how many items all its pages hold, `next` the token of the page after it."""

    items: Sequence[Item]
    total: int
    next: str


class Listings:
    """The items of one seller."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self._path = f"{_ITEMS}/{quote(partner.seller, safe='')}"

    async def item(self, name: ListingName) -> Item | None:
        """An item as it is now; None if Amazon says that there is no such SKU in the marketplace."""
        response = await self._partner.call(
            "getListingsItem",
            "GET",
            f"{self._path}/{quote(name.sku, safe='')}",
            params={**self._common(name.marketplace), "includedData": INCLUDED},
            expect=(httpx.codes.NOT_FOUND,),
        )
        if response.status_code == httpx.codes.NOT_FOUND:
            require_gone(response, str(name))
            return None
        return item_of(shape.answer(response, "getListingsItem"), name.marketplace)

    async def items(self, marketplace: str, skus: Sequence[str]) -> Mapping[str, Item]:
        """Those of these SKUs (20 at most) that a search finds, by SKU. What it does not find may exist all the same:
        `item` knows."""
        page = await self.page(marketplace, {"identifiersType": "SKU", "identifiers": ",".join(skus)})
        return {item.name.sku: item for item in page.items if item.name.sku in skus}

    async def page(self, marketplace: str, query: Mapping[str, Any]) -> Page:
        """One page of a search.

        Args:
            query: parameters beside marketplace, page size and data sets.

        Raises:
            RejectedError: the answer lacks something.
        """
        params = {**self._common(marketplace), "includedData": INCLUDED, "pageSize": PAGE, **query}
        found = await self._partner.object("searchListingsItems", "GET", self._path, params=params)
        where = f"A page of items in {marketplace}"
        items = [item_of(raw, marketplace) for raw in shape.member(found, "items", list, where)]
        token = (found.get("pagination") or {}).get("nextToken") or ""
        return Page(items, shape.member(found, "numberOfResults", int, where), str(token))

    async def count(self, marketplace: str) -> int:
        """How many items there are in a marketplace."""
        params = {**self._common(marketplace), "pageSize": 1}
        found = await self._partner.object("searchListingsItems", "GET", self._path, params=params)
        return shape.member(found, "numberOfResults", int, f"A page of items in {marketplace}")

    async def patch(self, name: ListingName, body: Mapping[str, Any], *, preview: bool = False) -> dict[str, Any]:
        """Submit a patch, or (`preview`) only ask what Amazon would say of it; returns its answer.

        The same patch twice is as once, so it is repeated where its answer is lost.
        """
        mode = {"mode": "VALIDATION_PREVIEW"} if preview else {}
        return await self._partner.object(
            PREVIEW if preview else "patchListingsItem",  # the first is whose rate the answer tells
            "PATCH",
            f"{self._path}/{quote(name.sku, safe='')}",
            params={**self._common(name.marketplace), **mode},
            json=body,
            also=("patchListingsItem",) if preview else (),
            repeatable=True,
        )

    def _common(self, marketplace: str) -> dict[str, Any]:
        return {"marketplaceIds": marketplace, "issueLocale": self._partner.locale}


def require_gone(response: httpx.Response, what: str) -> None:
    """Raises unless a 404 is Amazon's own word: a wrong path or a gateway must not look like a missing listing."""
    errors = shape.answer(response, what).get("errors")
    codes = [each.get("code") for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []
    if not codes:
        raise TransientError(f"{what} was answered 404 without a reason.")
    if _GONE not in codes:
        raise NotFoundError(f"{what} was answered 404: {', '.join(map(str, codes))}.")
