"""Reading the catalogue: all of it, counted, or what changed since it was last read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from syncd.domain.product import ProductRecord
from syncd.errors import RejectedError, TransientError
from syncd.sdk.catalog import CatalogPage
from syncd.sdk.context import Context
from syncd.systems.akeneo.api import Api, Search
from syncd.systems.akeneo.limits import PAGE
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.record import MODELS, PRODUCTS, record, sku_of


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the catalogue was read: `at` by the PIM's clock, `whole_at` (ours) when all of it was last listed,
    `meaning` what the options made of it."""

    at: datetime
    whole_at: datetime
    meaning: str

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"at": self.at.isoformat(), "whole": self.whole_at.isoformat(), "meaning": self.meaning})

    @classmethod
    def read(cls, text: str, meaning: str) -> Checkpoint | None:
        """A kept checkpoint; None where there is none, or options gave products another meaning since."""
        known = json.loads(text) if text else {}
        if known.get("meaning") != meaning:
            return None
        return cls(datetime.fromisoformat(known["at"]), datetime.fromisoformat(known["whole"]), meaning)


def server_time(moment: datetime, zone: ZoneInfo) -> str:
    """An instant as filters on products name it: in the server's time zone, which they do not tell.

    Of an hour that its clock shows twice, the one before both is named: to list too much does no harm.
    """
    local = moment.astimezone(zone)
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
        local -= timedelta(hours=1)
    return local.strftime("%Y-%m-%d %H:%M:%S")


def updated_since(moment: datetime, options: AkeneoOptions) -> Search:
    """What finds products that changed since an instant. A variant is found too where only its model changed."""
    return {"updated": [{"operator": ">", "value": server_time(moment - options.overlap, options.zone)}]}


@dataclass(slots=True)
class _Reading:
    """What one reading has seen so far; `at` is when it began, by the PIM's clock."""

    at: datetime | None = None
    ids: set[str] = field(default_factory=set)
    skus: dict[str, str] = field(default_factory=dict)
    nameless: int = 0
    problems: int = 0
    complete: bool = True

    def judge(self, kind: str, before: int, after: int, listed: int) -> None:
        """Raises TransientError: fewer were listed than there were all the while."""
        if listed < min(before, after):
            raise TransientError(f"{kind} listed {listed:,} of {min(before, after):,}; the listing was cut off.")
        self.complete = self.complete and listed >= after


class Listing:
    """Products, and models where they count as such."""

    def __init__(self, context: Context, options: AkeneoOptions, api: Api) -> None:
        self._context, self._options, self._api = context, options, api
        stated = options.model_dump_json(include={"products"})
        self._meaning = hashlib.sha256(stated.encode()).hexdigest()[:16]
        self._kinds = (PRODUCTS, MODELS) if options.products.models else (PRODUCTS,)

    async def pages(self, since: str) -> AsyncIterator[CatalogPage]:
        """What changed after a checkpoint; all, from time to time and where there is none.

        Raises:
            RejectedError: nothing is listed, or an answer lacks what it must have. TransientError: it was cut off.
        """
        now = self._context.clock.now()
        known = Checkpoint.read(since, self._meaning)
        if known is not None and now >= known.whole_at + self._options.whole:
            known = None
        reading = _Reading(complete=known is None)
        last = CatalogPage([])
        for kind in self._kinds:
            async for page in self._list(kind, known, reading):
                if last.products or last.problems:
                    yield last
                last = page
        self._require_some(known, reading)
        whole_at = now if known is None else known.whole_at
        checkpoint = Checkpoint(reading.at or now, whole_at, self._meaning).text()
        complete = reading.complete and not reading.problems
        yield replace(last, checkpoint=checkpoint, complete=complete, total=len(reading.skus) if complete else None)

    async def _list(self, kind: str, known: Checkpoint | None, reading: _Reading) -> AsyncIterator[CatalogPage]:
        search = updated_since(known.at, self._options) if known else {}
        before = await self._api.count(kind, search)
        listed = len(reading.ids)
        attributes = ",".join(self._options.products.attributes)
        pages = self._api.pages(kind, search, pagination_type="search_after", limit=PAGE, attributes=attributes)
        async for page in pages:
            reading.at = min(reading.at or page.at, page.at)
            yield self._understood(kind, page.items, reading)
        reading.judge(kind, before, await self._api.count(kind, search), len(reading.ids) - listed)

    def _understood(self, kind: str, items: Sequence[dict[str, Any]], reading: _Reading) -> CatalogPage:
        products: list[ProductRecord] = []
        problems: list[str] = []
        for found in items:
            sku = sku_of(found, kind, self._options.products)
            identifier = f"{kind}/{found.get('uuid') or sku}"
            if identifier in reading.ids:
                continue
            reading.ids.add(identifier)
            if not sku:
                reading.nameless += 1
                continue
            try:
                if sku in reading.skus:
                    raise ValueError(f"SKU {sku} is that of {reading.skus[sku]} as well")
                reading.skus[sku] = identifier
                products.append(record(found, kind, self._options.products))
            except ValueError as error:
                problems.append(f"{identifier}: {error}")
        reading.problems += len(problems)
        return CatalogPage(products, problems=problems)

    def _require_some(self, known: Checkpoint | None, reading: _Reading) -> None:
        """An empty listing of everything says more of the connection's rights than of the catalogue."""
        if reading.nameless:
            self._context.log.info("products without SKU", count=reading.nameless)
        if known is not None or reading.skus:
            return
        connection, sku = self._context.connection, self._options.products.sku
        if reading.nameless:
            what = f"{connection}: none of {reading.nameless:,} products has a value of {sku}."
            raise RejectedError(what, remedy="Correct `products.sku`, or let the connection's user see the attribute.")
        remedy = "Look which categories the connection's user group may see."
        raise RejectedError(f"{connection}: Akeneo lists no product.", remedy=remedy)
