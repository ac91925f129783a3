"""The whole daemon with a Shopify shop as its channel: up, ordered, replaced, down; every answer lost once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import respx
import sqlalchemy as sa

from syncd.engine.work import LOCAL, Due, touch
from syncd.flow.review.decide import withdraw
from syncd.flow.touching import LOCATE
from syncd.ledger.tables.core import listing_names, placements
from syncd.testing.vendor import Mischief
from tests.support.shopify import CONTRACT
from tests.support.vendors.shopify import HOSTS, SHOP, ShopifyShop
from tests.support.vendors.shopify.state import Product, Variant
from tests.support.world import World

contract = CONTRACT
DANA = "dana@acme.example"
CONNECTION = f"""
connector: shopify
brand: acme
roles: [channel]
markets: [US]
owner: {DANA}
writes: ask
poll: 15m
media: {{medium: web}}
options: {{shop: {SHOP}, access_token: {ShopifyShop.TOKEN}, client_secret: {ShopifyShop.CLIENT_SECRET}}}
"""


def listing(number: int) -> str:
    return f"gid://shopify/Product/{number}"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    world.write("connectors/shop.yaml", CONNECTION)
    shop = ShopifyShop(world.clock)
    now = world.clock.now()
    shop.state.products = {
        listing(n): Product(listing(n), f"gl-{n}", "x", [Variant(f"{listing(n)}0", f"GL-000{n}")], now) for n in (1, 2)
    }
    shop.state.files.clear()
    shop.add_foreign(listing(1), "studio-1.jpg")
    world.shop = shop  # type: ignore[attr-defined]
    with respx.mock(using="httpx", assert_all_called=False, assert_all_mocked=False) as router:
        for host in HOSTS:
            router.route(host=host).mock(side_effect=shop)
        router.route().pass_through()
        await world.start()
        await world.allow()
        yield world
        await world.stop()
    assert shop.violations == []


@pytest.fixture
def shop(world: World) -> ShopifyShop:
    return world.shop  # type: ignore[attr-defined, no-any-return]


async def live(world: World, asset: str) -> bool:
    return (await world.placed(asset)).get("shop", [])[-1:] == ["live"]


async def published(world: World, name: str, **facts: Any) -> str:
    world.submit(name, **facts)
    asset = await world.approve(name)
    await world.until(lambda: live(world, asset))
    return asset


async def test_a_picture_goes_up_behind_others_and_comes_down_for_good(world: World, shop: ShopifyShop) -> None:
    asset = await published(world, "GL-0001.jpg", colour="red")
    assert [one.foreign for one in shop.gallery(listing(1))] == [True, False]
    [row] = await world.rows(sa.select(placements).where(placements.c.connection == "shop"))
    assert row.external_id in shop.state.files
    await withdraw(world.services, asset, by=DANA, because="creator asked")
    await world.until(lambda: world.all_gone(asset))
    assert [one.foreign for one in shop.gallery(listing(1))] == [True]
    assert [file.foreign for file in shop.state.files.values()] == [True]
    assert await world.open_exceptions() == []


async def test_every_answer_is_lost_once_and_one_picture_stands(world: World, shop: ShopifyShop) -> None:
    shop.mischief = [Mischief(status=0, late=True, on="any", times=1, well=n) for n in range(0, 40, 4)]
    world.submit("GL-0001.jpg", colour="red")
    asset = await world.approve("GL-0001.jpg")
    await world.until(lambda: live(world, asset))
    await world.clock.advance(20)
    assert [one.foreign for one in shop.gallery(listing(1))] == [True, False]
    assert len(shop.state.files) == 2


async def test_a_takedown_waits_for_no_video(world: World, shop: ShopifyShop) -> None:
    """A file that is processed for long keeps its listing from nothing."""
    first = await published(world, "GL-0001.jpg", colour="red")
    shop.state.processing = timedelta(hours=1)
    world.submit("GL-0001_b.jpg", colour="blue")
    await world.approve("GL-0001_b.jpg")
    await world.until(lambda: _has(shop, 3))
    began = world.clock.monotonic()
    await withdraw(world.services, first, by=DANA, because="creator asked")
    await world.until(lambda: _stands(shop, listing(1), 1))
    assert world.clock.monotonic() - began < 60


async def _has(shop: ShopifyShop, files: int) -> bool:
    return len(shop.state.files) == files


async def _stands(shop: ShopifyShop, name: str, count: int) -> bool:
    return len(shop.gallery(name)) == count


async def test_listings_are_found_by_all_their_skus_and_two_contents_do_not_fight(
    world: World, shop: ShopifyShop
) -> None:
    known = shop.state.products[listing(2)]
    known.variants.append(Variant(f"{listing(2)}1", "GL-0003", "4006381300003"))
    first = await published(world, "GL-0002.jpg", colour="green")
    world.submit("GL-0003.jpg", colour="yellow")
    await world.approve("GL-0003.jpg")
    [told] = await world.until(lambda: world.open_exceptions("identity"))
    assert "GL-0003 in the listing gid://shopify/Product/2, which shows the content of GL-0002" in told.reason
    names = await world.rows(sa.select(listing_names).where(listing_names.c.listing == f"listing:{listing(2)}"))
    assert {(row.field, row.value) for row in names} == {
        ("sku", "GL-0002"), ("sku", "GL-0003"), ("gtin", "4006381300003"), ("handle", "gl-2"),
    }  # fmt: skip
    async with world.services.ledger.write() as transaction:
        await touch(transaction, [Due("acme", LOCAL, LOCATE, sku) for sku in ("GL-0002", "GL-0003")])
    await world.clock.advance(20)
    assert await live(world, first)
    assert len(shop.gallery(listing(2))) == 1
