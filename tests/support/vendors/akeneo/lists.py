"""Lists as Akeneo pages them (rest-api/pagination.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tests.support.vendors.akeneo.refusal import Refusal


def by_cursor(
    resource: str, query: Mapping[str, str], keys: Sequence[str], item: Callable[[str], Any], limit: int
) -> httpx.Response:
    """A page after the cursor; the next one has a link where this one is full."""
    after = query.get("search_after")
    part = [key for key in sorted(keys) if after is None or key > after][:limit]
    rest = {name: value for name, value in query.items() if name != "search_after"}
    links = {"self": {"href": f"{resource}?{urlencode(query)}"}, "first": {"href": f"{resource}?{urlencode(rest)}"}}
    if len(part) == limit:
        cursor = urlencode({**rest, "search_after": part[-1]}, quote_via=quote)
        links["next"] = {"href": f"{resource}?{cursor}"}
    return httpx.Response(200, json={"_links": links, "_embedded": {"items": [item(key) for key in part]}})


def by_number(
    resource: str, query: Mapping[str, str], keys: Sequence[str], item: Callable[[str], Any], limit: int
) -> httpx.Response:
    """A page by its number, counted where that is asked."""
    page = int(query.get("page", 1))
    if page * limit > 10_000:
        what = 'You have reached the maximum number of pages you can retrieve with the "page" pagination type.'
        raise Refusal(422, f"{what} Please use the search after pagination type instead")
    part = sorted(keys)[(page - 1) * limit : page * limit]
    links = {"self": {"href": f"{resource}?{urlencode(query)}"}, "first": {"href": resource}}
    if len(part) == limit:
        links["next"] = {"href": f"{resource}?{urlencode({**query, 'page': str(page + 1)})}"}
    counted = {"items_count": len(keys)} if query.get("with_count") == "true" else {}
    embedded = {"items": [item(key) for key in part]}
    return httpx.Response(200, json={"_links": links, "current_page": page, **counted, "_embedded": embedded})


def limit_of(query: Mapping[str, str]) -> int:
    limit = int(query.get("limit", 10))
    if limit > 100:
        raise Refusal(422, "You cannot request more than 100 items.")
    return limit
