"""The whole daemon with a Walmart account: from a creator's picture to the shop and, when its right ends, out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import respx
import sqlalchemy as sa
from tests.support.vendors.walmart import Walmart
from tests.support.world import FILES, World

from syncd.ledger.tables.core import placements

PUBLIC = "https://media.acme.example"
CHANNEL = """\
connector: walmart
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask
poll: 1h
products: {by: [sku]}
media: {medium: web, slots: 2..9, at_least: 1}
options: {client_id: '${WALMART_CLIENT_ID}', client_secret: '${WALMART_CLIENT_SECRET}'}
"""
SKUS = ("GL-0001", "GL-0002", "GL-0003")


class Shop:
    """A world whose shop is Walmart."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(root)
        self.world.write("connectors/shop.yaml", CHANNEL)
        for name, slower in (("creators", "poll: 1s"), ("catalog", "poll: 5s")):
            self.world.write(f"connectors/{name}.yaml", FILES[f"connectors/{name}.yaml"].replace(slower, "poll: 20s"))
        self.vendor = Walmart(self.world.clock, f"{PUBLIC}/m/")
        self.vendor.listings.clear()
        for sku in SKUS:
            self.vendor.add(sku, *Walmart.FOREIGN)
        self.vendor.ingestion.begins, self.vendor.ingestion.each, self.vendor.ingestion.shows_after = 20, 5, 15
        monkeypatch.setenv("WALMART_CLIENT_ID", self.vendor.client[0])
        monkeypatch.setenv("WALMART_CLIENT_SECRET", self.vendor.client[1])
        monkeypatch.setenv("SYNCD_PUBLIC_URL", PUBLIC)

    async def media(self, request: httpx.Request) -> httpx.Response:
        """Our public address, as the proxy before the daemon serves it."""
        async with httpx.AsyncClient() as client:
            answer = await client.request(request.method, f"http://127.0.0.1:{self.world.port}{request.url.path}")
        return httpx.Response(answer.status_code, headers={"content-type": answer.headers.get("content-type", "")})

    def images(self, sku: str) -> list[str]:
        return [one.source for one in self.vendor.gallery(sku)]

    def sent(self) -> dict[str, int]:
        """How many feeds named each item."""
        return Counter(item["Orderable"]["sku"] for document in self.vendor.submitted for item in document["MPItem"])

    async def states(self) -> list[str]:
        query = sa.select(placements.c.state).where(placements.c.connection == "shop").order_by(placements.c.listing)
        return [row.state for row in await self.world.rows(query)]


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path, monkeypatch)
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        mock.route(host="marketplace.walmartapis.com").mock(side_effect=shop.vendor)
        mock.route(host="media.acme.example").mock(side_effect=shop.media)
        mock.route(host="127.0.0.1").pass_through()
        await shop.world.start()
        await shop.world.allow()
        yield shop
        await shop.world.stop()


async def _publish(shop: Shop, *skus: str) -> None:
    """Pictures whose right ends in six hours, sent to the shop; what it says of them is not awaited."""
    ends = (shop.world.clock.now() + timedelta(hours=6)).isoformat()
    for number, sku in enumerate(skus):
        shop.world.submit(f"{sku}.jpg", colour=f"#{number}{number}f000", fields={"until": ends})
    for sku in skus:
        await shop.world.approve(f"{sku}.jpg")


async def _are(shop: Shop, *states: str) -> bool:
    return await shop.states() == [*states]


async def test_pictures_go_up_together_and_come_down_when_their_right_ends(shop: Shop):
    refused, *taken = SKUS
    ours = f"{PUBLIC}/m/"
    shop.vendor.ingestion.refuses = lambda sku, url: "Blurred." if sku == refused and url.startswith(ours) else ""
    await _publish(shop, *SKUS)
    await shop.world.until(lambda: _are(shop, "rejected", "live", "live"))
    assert shop.sent() == dict.fromkeys(SKUS, 1), "what was refused is not sent again by itself"
    [told] = await shop.world.open_exceptions("rejected")
    assert refused in told.reason
    assert "Blurred." in told.reason
    for sku in taken:
        *others, picture = shop.images(sku)
        assert others == list(Walmart.FOREIGN)
        assert picture.startswith(ours)
    shop.vendor.ingestion.shows_after = 0
    shop.world.clock.leap(6 * 3600)
    await shop.world.until(lambda: _are(shop, "rejected", "gone", "gone"))
    assert all(shop.images(sku) == list(Walmart.FOREIGN) for sku in SKUS)
    assert shop.sent() == {refused: 1} | dict.fromkeys(taken, 2)
    assert len(shop.vendor.submitted) < sum(shop.sent().values()), "one feed carries several"
    assert shop.vendor.violations == []


async def test_a_takedown_that_was_accepted_costs_no_second_feed_before_it_can_be_seen(shop: Shop):
    await _publish(shop, SKUS[0])
    await shop.world.until(lambda: _are(shop, "live"))
    shop.vendor.ingestion.shows_after = 60
    shop.world.clock.leap(6 * 3600)
    await shop.world.until(lambda: _are(shop, "gone"))
    assert shop.sent() == {SKUS[0]: 2}
