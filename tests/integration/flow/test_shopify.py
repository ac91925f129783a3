"""The whole daemon with a Shopify shop as its channel: up, ordered, replaced, down; every answer lost once."""

from __future__ import annotations

import asyncio
import json
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
from tests.support.terminal import Printed, type_in
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


# --- for whoever writes or mends the connector ------------------------------------------------------------------------


async def typed(world: World, *words: str) -> Printed:
    """A command's outcome, while the time passes that the shop takes."""
    running = asyncio.create_task(type_in(world, *words))

    async def ended() -> bool:
        return running.done()

    await world.until(ended)
    return await running


async def test_a_call_is_tried_and_recorded(world: World, shop: ShopifyShop, tmp_path: Path):
    kept = tmp_path / "kept.json"
    unknown = await typed(world, "try", "shop", "observe", "--sku", "GL-0404")
    assert (unknown.code, "No listing of GL-0404" in unknown.text) == (4, True), unknown.text
    names = sa.select(listing_names).where(listing_names.c.value == "GL-0001")
    await world.until(lambda: world.rows(names))
    tried = await typed(world, "try", "shop", "observe", "--sku", "GL-0001", "--record", str(kept))
    assert tried.code == 0, tried.text
    assert "/graphql.json" in tried.text
    assert "studio-1" in tried.text
    for secret in (ShopifyShop.TOKEN, ShopifyShop.CLIENT_SECRET):
        assert secret not in tried.text + kept.read_text()
    recorded = json.loads(kept.read_text())
    assert [each["listing"] for each in recorded["results"]] == [listing(1)]
    assert recorded["exchanges"]


async def test_a_call_that_fails_shows_what_was_answered(world: World, shop: ShopifyShop):
    shop.mischief = [Mischief(401, on="any", times=-1)]
    tried = await typed(world, "try", "shop", "check")
    assert (tried.code, "FAILED auth" in tried.text, "< 401" in tried.text) == (1, True, True)
    assert (await typed(world, "try", "shop", "products")).code != 0  # a channel only


async def test_its_connector_is_held_to_the_rules_on_the_account(world: World, shop: ShopifyShop):
    before = shop.written
    found = (await typed(world, "certify", "shop", "--json")).json()
    told = {each["rule"]: each["result"] for each in found["rulings"]}
    assert "failed" not in told.values(), found
    assert told["a listing that does not exist is said to"] == "passed"
    assert told["writing what stands there changes nothing"] == "not applicable"
    assert shop.written == before
    allowed = await typed(world, "certify", "shop", "--allow-writes", "--listing", listing(1))
    assert (allowed.code, "writing what stands there changes nothing" in allowed.text) == (0, True), allowed.text
    shop.mischief = [Mischief(401, on="any", times=-1)]
    refused = await typed(world, "certify", "shop")
    assert (refused.code, "failed" in refused.text) == (1, True)
