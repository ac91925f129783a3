"""What changed in the PIM since it was last asked: products and models for the catalogue, assets for the library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from syncd.sdk.changes import Change, ChangePage, Subject
from syncd.sdk.context import Context
from syncd.systems.akeneo import words
from syncd.systems.akeneo.api import Api
from syncd.systems.akeneo.assets import Assets
from syncd.systems.akeneo.limits import PAGE
from syncd.systems.akeneo.listing import updated_since
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.record import MODELS, PRODUCTS, sku_of


class Changes:
    """Polling, page by page. A checkpoint is an instant of the PIM's clock."""

    def __init__(self, context: Context, options: AkeneoOptions, api: Api) -> None:
        self._context, self._options, self._api = context, options, api

    async def products(self, since: str) -> AsyncIterator[ChangePage]:
        """Products that were changed, a variant also by a change of its model."""
        if not since:
            yield await self._beginning(PRODUCTS, limit=1)
            return
        at: datetime | None = None
        search = updated_since(datetime.fromisoformat(since), self._options)
        asked: dict[str, str | int] = {"pagination_type": "search_after", "limit": PAGE}
        asked["attributes"] = self._options.products.sku.attribute
        for kind in (PRODUCTS, MODELS) if self._options.products.models else (PRODUCTS,):
            async for page in self._api.pages(kind, search, **asked):
                at = min(at or page.at, page.at)
                found = [(sku_of(item, kind, self._options.products), item) for item in page.items]
                changes = [Change(Subject.PRODUCT, sku, at=_updated(item)) for sku, item in found if sku]
                yield ChangePage(changes, since)
        yield ChangePage((), (at or datetime.fromisoformat(since)).isoformat())

    async def assets(self, since: str, assets: Assets) -> AsyncIterator[ChangePage]:
        """Assets of ours that were changed, by whomever, with Akeneo's word for their status."""
        if not since:
            yield await self._beginning(assets.where)
            return
        at: datetime | None = None
        moment = (datetime.fromisoformat(since) - self._options.overlap).astimezone(UTC)
        search = {"updated": [{"operator": ">", "value": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}]}
        async for page in self._api.pages(assets.where, search):
            at = min(at or page.at, page.at)
            yield ChangePage([change for item in page.items if (change := _asset(item, assets))], since)
        yield ChangePage((), (at or datetime.fromisoformat(since)).isoformat())

    async def _beginning(self, resource: str, **parameters: int) -> ChangePage:
        """Whatever was before the first time is read as a whole by others; only the PIM's time is asked for."""
        async for page in self._api.pages(resource, {}, **parameters):
            return ChangePage((), page.at.isoformat())
        raise AssertionError("a list has at least one page")


def _asset(item: Mapping[str, Any], assets: Assets) -> Change | None:
    """An archived version or a rendition is no asset of its own to us."""
    code = str(words.field(item, "code", str, "an asset"))
    if not assets.codes.is_current(code):
        return None
    return Change(Subject.ASSET, assets.codes.asset(code), assets.understood(item).status, at=_updated(item))


def _updated(item: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(item.get("updated")))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
