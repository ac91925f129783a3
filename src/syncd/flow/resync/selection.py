"""Which work keys a resync is about, page by page, so that a hundred thousand need no more memory than a thousand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine.work import LOCAL, Due, Urgency
from syncd.flow import places, touching
from syncd.flow.operate.control import look_keys
from syncd.flow.services import Services
from syncd.flow.touching import connections_of
from syncd.ledger.tables.core import assets, listings, matches, placements, products, submissions, versions
from syncd.ledger.types import Row

_PART = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look at again: things named in one list add up, different lists narrow each other down.

    `since`: assets that arrived at this instant or later.
    """

    asset: tuple[str, ...] = ()
    sku: tuple[str, ...] = ()
    connection: tuple[str, ...] = ()
    campaign: tuple[str, ...] = ()
    since: datetime | None = None
    all: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing selects."""
        return not (self.sku or self.connection or self.by_asset or self.all)

    @property
    def by_asset(self) -> bool:
        """Whether it names assets, by whatever they have in common."""
        return bool(self.asset or self.campaign or self.since)

    def as_json(self) -> dict[str, Any]:
        """As a job keeps it."""
        return {**asdict(self), "since": self.since.isoformat() if self.since else None}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Selection:
        lists = {name: tuple(stored[name]) for name in ("asset", "sku", "connection", "campaign")}
        since = datetime.fromisoformat(stored["since"]) if stored["since"] else None
        return cls(**lists, since=since, all=stored["all"])


async def selected(services: Services, selection: Selection, size: int) -> AsyncIterator[list[Due]]:
    """The keys a selection marks, about `size` at a time; a key may come twice."""
    for brand in services.configuration.active.bundle.brands:
        async for page in _Brand(services, brand, selection, size).pages():
            if page:
                yield page


class _Brand:
    """The keys of one brand."""

    def __init__(self, services: Services, brand: str, selection: Selection, size: int) -> None:
        self.services, self.brand, self.selection, self.size = services, brand, selection, size
        self.bundle = services.configuration.active.bundle
        self.lanes = {name for name, config in self.bundle.connections.items() if config.brand == brand}
        if selection.connection:
            self.lanes &= set(selection.connection)

    @property
    def local(self) -> bool:
        """Whether work that belongs to no connection is meant, too."""
        return not self.selection.connection

    def pages(self) -> AsyncIterator[list[Due]]:
        if self.selection.by_asset:
            return self._by_asset()
        if self.selection.sku:
            return self._by_sku(self.selection.sku)
        return self._everything()

    # --- by asset ------------------------------------------------------------------------------------------------

    async def _by_asset(self) -> AsyncIterator[list[Due]]:
        last = ""
        while True:
            async with self.services.ledger.read() as reading:
                query = self._assets().where(assets.c.id > last).order_by(assets.c.id).limit(self.size // 4)
                page = list((await reading.execute(query)).scalars())
                keys = [due for part in _parts(page) for due in await self._of_assets(reading, part)]
            yield keys
            if len(page) < self.size // 4:
                return
            last = page[-1]

    def _assets(self) -> sa.Select[Any]:
        chosen = self.selection
        query = sa.select(assets.c.id).where(assets.c.brand == self.brand)
        if chosen.asset:
            query = query.where(assets.c.id.in_(chosen.asset))
        if chosen.campaign:
            query = query.join(submissions, submissions.c.id == assets.c.submission_id)
            query = query.where(submissions.c.campaign.in_(chosen.campaign))
        if chosen.since:
            arrived = sa.select(versions.c.asset_id).where(versions.c.received_at >= chosen.since)
            query = query.where(assets.c.id.in_(arrived))
        if chosen.sku:
            shown = sa.select(matches.c.asset_id).where(matches.c.sku.in_(chosen.sku), matches.c.status == "confirmed")
            query = query.where(assets.c.id.in_(shown))
        return query

    async def _of_assets(self, reading: AsyncConnection, part: Sequence[str]) -> list[Due]:
        keys = [self._local(touching.REVIEW, asset) for asset in part] if self.local else []
        for library in connections_of(self.bundle, self.brand, "library"):
            keys += [self._place(library, places.place(places.ARCHIVE, asset)) for asset in part]
        shown = await reading.execute(
            sa.select(matches.c.sku).where(matches.c.asset_id.in_(part), matches.c.status == "confirmed").distinct()
        )
        keys += await self._of_products(reading, list(shown.scalars()))
        placed = await reading.execute(
            sa.select(placements.c.connection, placements.c.listing)
            .where(placements.c.asset_id.in_(part), placements.c.state.not_in(("gone", "rejected")))
            .distinct()
        )
        keys += [self._place(row.connection, row.listing) for row in placed]
        return self._wanted(keys)

    # --- by product ----------------------------------------------------------------------------------------------

    async def _by_sku(self, skus: Sequence[str]) -> AsyncIterator[list[Due]]:
        for part in _parts(skus):
            async with self.services.ledger.read() as reading:
                keys = await self._of_products(reading, part)
            yield self._wanted(keys)

    async def _of_products(self, reading: AsyncConnection, skus: Sequence[str]) -> list[Due]:
        keys = [self._local(touching.LOCATE, sku) for sku in skus] if self.local else []
        for catalog in connections_of(self.bundle, self.brand, "catalog"):
            keys += [self._place(catalog, places.place(places.LINK, sku)) for sku in skus]
        rows = await reading.execute(
            sa.select(listings.c.connection, listings.c.listing).where(
                listings.c.brand == self.brand, listings.c.sku.in_(skus)
            )
        )
        return keys + [self._place(row.connection, row.listing) for row in rows]

    # --- everything ----------------------------------------------------------------------------------------------

    async def _everything(self) -> AsyncIterator[list[Due]]:
        """All of some connections, whose systems are read as well, or of the whole brand."""
        if self.local:
            async for page in self._column(assets, assets.c.id):
                yield [self._local(touching.REVIEW, asset) for asset in page]
            async for page in self._column(products, products.c.sku):
                yield [self._local(touching.LOCATE, sku) for sku in page]
        else:
            known = self.bundle.connections
            yield [due for name in sorted(self.lanes) for due in look_keys(self.brand, name, known[name].roles)]
        last = ("", "")
        while rows := await self._listings(last):
            yield [self._place(row.connection, row.listing) for row in rows]
            last = (rows[-1].connection, rows[-1].listing)

    async def _column(self, source: sa.Table, column: sa.Column[Any]) -> AsyncIterator[Sequence[str]]:
        last = ""
        while True:
            async with self.services.ledger.read() as reading:
                query = sa.select(column).where(source.c.brand == self.brand, column > last)
                page = (await reading.execute(query.order_by(column).limit(self.size))).scalars().all()
            yield page
            if len(page) < self.size:
                return
            last = page[-1]

    async def _listings(self, last: tuple[str, str]) -> Sequence[Row]:
        key = sa.tuple_(listings.c.connection, listings.c.listing)
        query = sa.select(listings.c.connection, listings.c.listing).where(
            listings.c.brand == self.brand, listings.c.connection.in_(self.lanes),
            key > sa.tuple_(*(sa.literal(value) for value in last)),
        )  # fmt: skip
        async with self.services.ledger.read() as reading:
            rows = await reading.execute(query.order_by(listings.c.connection, listings.c.listing).limit(self.size))
            return rows.all()

    # --- keys ----------------------------------------------------------------------------------------------------

    def _local(self, kind: str, key: str) -> Due:
        return Due(self.brand, LOCAL, kind, key, Urgency.BACKFILL, replay=True)

    def _place(self, connection: str, place: str) -> Due:
        return Due(self.brand, connection, places.kind_of(place), place, Urgency.BACKFILL, replay=True)

    def _wanted(self, keys: Iterable[Due]) -> list[Due]:
        return [due for due in dict.fromkeys(keys) if due.lane == LOCAL or due.lane in self.lanes]


def _parts(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _PART] for start in range(0, len(values), _PART))
