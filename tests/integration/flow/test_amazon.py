"""The whole daemon with Amazon as its shop, which copies pictures under names of its own: they stay known as ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import sqlalchemy as sa

from syncd.flow.review.decide import withdraw
from syncd.ledger.tables.core import placements
from tests.support.amazon import CONTRACT
from tests.support.vendors.amazon import AmazonVendor
from tests.support.vendors.amazon.feeds import STORE
from tests.support.vendors.amazon.login import CLIENT, REFRESH, SECRET
from tests.support.vendors.amazon.vendor import API, SELLER, US
from tests.support.world import World

contract = CONTRACT
LISTING = f"GL-0001@{US}"
STUDIO = {"MAIN": "studio://front.jpg", "PT01": "studio://back.jpg"}
SHOP = f"""\
connector: amazon
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask
poll: 1h
media: {{medium: web, slots: 2..9, at_least: 1}}
options:
  seller: {SELLER}
  marketplaces: {{{US}: US}}
  client_id: {CLIENT}
  client_secret: {SECRET}
  refresh_token: '{REFRESH}'
  allow_hosts: [127.0.0.1]
"""


class AmazonWorld(World):
    """A brand that sells at Amazon."""

    def __init__(self, root: Path, options: str = "") -> None:
        super().__init__(root)
        self.write("connectors/shop.yaml", SHOP + options)
        self.vendor = AmazonVendor(self.clock)
        self.vendor.shelf.offers.clear()
        for number in range(1, 4):
            self.vendor.shelf.add(f"GL-000{number}", US, f"B0GLOW000{number}", **STUDIO)

    def ours(self) -> dict[str, str]:
        """Pictures of ours that stand in the listing, by slot: their public names."""
        found = self.vendor.slots(LISTING).items()
        return {slot: source.rpartition("/")[2] for slot, source in found if not source.startswith("studio")}

    async def names(self, *assets: str) -> list[str]:
        """The public names of assets' newest versions at Amazon."""
        rows = await self.rows(sa.select(placements).where(placements.c.connection == "shop"))
        return [max((row for row in rows if row.asset_id == asset), key=lambda row: row.version_number).name
                for asset in assets]  # fmt: skip

    async def swept(self) -> None:
        """Let Amazon do its work, and a sweep look at it."""
        looked = len(self.vendor.calls)
        self.clock.leap(3700)
        await self.until(lambda: self._swept(looked))
        await self.clock.advance(5)

    async def _swept(self, looked: int) -> bool:
        return any("sortBy" in call.url for call in self.vendor.calls[looked:])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AmazonWorld]:
    world = AmazonWorld(tmp_path)
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        hosts = ("api.amazon.com", httpx.URL(API).host, httpx.URL(STORE).host)
        mock.route(host__in=hosts).mock(side_effect=world.vendor)
        mock.route(host="127.0.0.1").pass_through()
        await world.start()
        await world.allow()
        yield world
        await world.stop()
    assert world.vendor.violations == []


async def test_pictures_go_up_in_order_stay_known_and_come_down(world: AmazonWorld) -> None:
    first = await world.publish("GL-0001_one.jpg", colour="red")
    assert world.ours() == {"PT02": (await world.names(first))[0]}
    await world.swept()  # Amazon has copied it: the sweep sees only the copy
    assert (await world.placed(first))["shop"] == ["shown"]
    assert len(world.vendor.patches) == 1

    second = await world.publish("GL-0001_two.jpg", colour="blue")
    await world.swept()
    newest, oldest = await world.names(second, first)
    assert world.ours() == {"PT02": newest, "PT03": oldest}
    assert len(world.vendor.patches) == 2
    assert await states(world) == ["shown", "shown"]

    await withdraw(world.services, first, by="dana@acme.example", because="creator asked")
    await world.until(lambda: world.all_gone(first))
    assert list(world.ours().values()) == [newest]
    await withdraw(world.services, second, by="dana@acme.example", because="creator asked")
    await world.until(lambda: world.all_gone(second))
    assert world.vendor.slots(LISTING) == STUDIO
    assert await world.open_exceptions() == []


async def states(world: AmazonWorld) -> list[Any]:
    return [row.state for row in await world.rows(sa.select(placements).where(placements.c.connection == "shop"))]
