"""How Vendure shows pictures at products, how changes are found, and what its hook plugin posts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.peers.handles import Vendure
from tests.peers.pictures import jpeg
from tests.peers.vendure.api import Product, VendureApi
from tests.peers.vendure.server import HOOK_SECRET
from tests.support.faults import Double, FailAfter, Kill, Refuse
from tests.support.proxy import FaultProxy
from tests.support.traffic import Exchange

pytestmark = pytest.mark.peers

RED, BLUE = jpeg("red"), jpeg("blue")
CHANGED = (
    "query ($id: ID!, $variant: ID!) { product(id: $id) { updatedAt } productVariant(id: $variant) { updatedAt } }"
)


@pytest.fixture
async def product(vendure: Vendure) -> Product:
    return await vendure.api.add_product("GL-0001")


async def pictures(vendure: Vendure, *names: str) -> list[str]:
    return [(await vendure.api.upload(f"{name}.jpg", RED))["id"] for name in names]


async def changed(vendure: Vendure, product: Product) -> tuple[str, str]:
    """When a product and its variant were changed."""
    found = await vendure.api.admin(CHANGED, id=product.id, variant=product.variant)
    return found["product"]["updatedAt"], found["productVariant"]["updatedAt"]


async def test_shoppers_see_the_pictures_in_the_order_of_the_list(vendure: Vendure, product: Product):
    foreign, ours, more = await pictures(vendure, "foreign", "ours", "more")
    await vendure.api.show(product, [foreign, ours, more], featured=ours)
    assert await vendure.api.gallery(product) == [foreign, ours, more]
    assert (await vendure.api.shown(product))["featuredAsset"] == {"id": ours}
    await vendure.api.show(product, [more, foreign])
    assert await vendure.api.gallery(product) == [more, foreign]


async def test_the_list_replaces_others_pictures(vendure: Vendure, product: Product):
    foreign, ours = await pictures(vendure, "foreign", "ours")
    await vendure.api.show(product, [foreign])
    await vendure.api.show(product, [ours])
    assert await vendure.api.gallery(product) == [ours]


async def test_what_is_not_there_is_left_out_in_silence(vendure: Vendure, product: Product):
    (ours,) = await pictures(vendure, "ours")
    shown = await vendure.api.show(product, [ours, "99999999"])
    assert shown["assets"] == [{"id": ours}]


async def test_a_picture_named_twice_is_shown_twice(vendure: Vendure, product: Product):
    (ours,) = await pictures(vendure, "ours")
    await vendure.api.show(product, [ours, ours])
    assert await vendure.api.gallery(product) == [ours, ours]


async def test_the_featured_picture_is_a_matter_of_its_own(vendure: Vendure, product: Product):
    listed, featured, other = await pictures(vendure, "listed", "featured", "other")
    await vendure.api.show(product, [listed], featured=featured)
    assert await vendure.api.gallery(product) == [listed]
    keep = "mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { featuredAsset { id } } }"
    for assets, then in [([other], {"id": featured}), ([], None)]:  # an empty list takes it along
        answer = await vendure.api.admin(keep, input={"id": product.id, "assetIds": assets})
        assert answer["updateProduct"]["featuredAsset"] == then


async def test_a_sku_may_be_there_twice(vendure: Vendure, product: Product):
    await vendure.api.add_product("GL-0001")
    query = 'query { products(options: { filter: { sku: { eq: "GL-0001" } } }) { totalItems } }'
    assert (await vendure.api.admin(query))["products"]["totalItems"] == 2


async def test_a_product_that_is_off_is_not_shown(vendure: Vendure, product: Product):
    (ours,) = await pictures(vendure, "ours")
    await vendure.api.show(product, [ours])
    switch = "mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { id } }"
    await vendure.api.admin(switch, input={"id": product.id, "enabled": False})
    assert await vendure.api.shown(product) is None
    await vendure.api.admin(switch, input={"id": product.id, "enabled": True})
    assert await vendure.api.gallery(product) == [ours]


async def test_a_write_that_changes_nothing_counts_as_a_change(vendure: Vendure, product: Product):
    (ours,) = await pictures(vendure, "ours")
    first = await vendure.api.show(product, [ours])
    second = await vendure.api.show(product, [ours])
    assert second["updatedAt"] > first["updatedAt"]


async def test_neither_a_variants_pictures_nor_a_deleted_one_change_the_product(vendure: Vendure, product: Product):
    listed, own = await pictures(vendure, "listed", "own")
    await vendure.api.show(product, [listed])
    product_then, variant_then = await changed(vendure, product)
    update = "mutation ($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }"
    await vendure.api.admin(update, input=[{"id": product.variant, "assetIds": [own]}])
    product_now, variant_now = await changed(vendure, product)
    assert (product_now == product_then, variant_now > variant_then) == (True, True)
    for asset in (listed, own):
        await vendure.api.delete_asset(asset)
    assert await vendure.api.gallery(product) == []
    assert await changed(vendure, product) == (product_now, variant_now)


async def test_assets_are_found_since_an_instant_in_order(vendure: Vendure):
    made = [await vendure.api.upload(name, RED) for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg")]
    query = "query ($options: AssetListOptions) { assets(options: $options) { totalItems items { id } } }"
    options = {"filter": {"updatedAt": {"after": made[1]["updatedAt"]}}, "sort": {"updatedAt": "ASC"}, "take": 1}
    pages = [(await vendure.api.admin(query, options=options | {"skip": skip}))["assets"] for skip in range(4)]
    found = [asset["id"] for page in pages for asset in page["items"]]
    # The database knows microseconds and the answer milliseconds: what was last seen is mostly found again.
    assert found in ([asset["id"] for asset in made[1:]], [asset["id"] for asset in made[2:]])
    assert {page["totalItems"] for page in pages} == {len(found)}


# --- hooks -----------------------------------------------------------------------------------------------------------


def about(exchanges: list[Exchange], event: str, key: str) -> list[Any]:
    """The events of one kind about one thing."""
    bodies = [json.loads(exchange.body) for exchange in exchanges]
    return [body for body in bodies if (body["event"], str(body["id"])) == (event, key)]


async def test_every_change_is_posted_and_signed(vendure: Vendure, vendure_hooks: FaultProxy):
    product = await vendure.api.add_product("GL-0001")
    asset = (await vendure.api.upload("a.jpg", RED))["id"]
    await vendure.api.show(product, [asset])
    await vendure.api.delete_asset(asset)
    await vendure_hooks.traffic.until(lambda ended: len(about(ended, "AssetEvent", asset)) == 2)
    ended = await vendure_hooks.traffic.until(lambda ended: len(about(ended, "ProductEvent", product.id)) == 2)
    assert [event["type"] for event in about(ended, "AssetEvent", asset)] == ["created", "deleted"]
    assert [event["type"] for event in about(ended, "ProductEvent", product.id)] == ["created", "updated"]
    assert [event["type"] for event in about(ended, "ProductVariantEvent", product.variant)] == ["created"]
    for exchange in ended:
        signature = hmac.new(HOOK_SECRET.encode(), exchange.body, hashlib.sha256).hexdigest()
        assert exchange.headers["x-vendure-signature"] == signature
        assert set(json.loads(exchange.body)) == {"event", "type", "id"}  # neither id nor time of the event


async def test_equal_events_are_equal_to_the_byte(vendure: Vendure, product: Product, vendure_hooks: FaultProxy):
    for assets in ([], (await pictures(vendure, "ours")), []):
        await vendure.api.show(product, assets)
    ended = await vendure_hooks.traffic.until(lambda ended: len(about(ended, "ProductEvent", product.id)) >= 3)
    updates = [
        e for e in ended if json.loads(e.body) == {"event": "ProductEvent", "type": "updated", "id": int(product.id)}
    ]
    assert len({(exchange.body, exchange.headers["x-vendure-signature"]) for exchange in updates}) == 1
    assert len(updates) == 3


async def test_a_hook_that_was_not_taken_is_lost(vendure: Vendure, vendure_hooks: FaultProxy):
    vendure_hooks.disturb(Refuse(500), times=9)
    lost = (await vendure.api.upload("lost.jpg", RED))["id"]
    await vendure_hooks.traffic.until(lambda ended: about(ended, "AssetEvent", lost) != [])
    vendure_hooks.calm()
    told = (await vendure.api.upload("told.jpg", RED))["id"]
    ended = await vendure_hooks.traffic.until(lambda ended: about(ended, "AssetEvent", told) != [])
    assert len(about(ended, "AssetEvent", lost)) == 1


async def test_doubled_hooks_reach_the_receiver_twice(vendure: Vendure, vendure_hooks: FaultProxy):
    async with FaultProxy().serving() as daemon:
        vendure_hooks.upstream = daemon.url
        vendure_hooks.disturb(Double(), times=9)
        asset = (await vendure.api.upload("a.jpg", RED))["id"]
        await daemon.traffic.until(lambda ended: len(about(ended, "AssetEvent", asset)) == 2)
        assert len(about(vendure_hooks.traffic.exchanges, "AssetEvent", asset)) == 1


# --- faults ----------------------------------------------------------------------------------------------------------


async def test_what_was_answered_and_who_was_let_in_outlive_a_kill(vendure: Vendure, product: Product):
    (ours,) = await pictures(vendure, "ours")
    await vendure.api.show(product, [ours])
    await asyncio.to_thread(vendure.server.kill)
    with pytest.raises(httpx.TransportError):
        await vendure.api.shown(product)
    await asyncio.to_thread(vendure.server.start)
    assert await vendure.api.gallery(product) == [ours]
    assert [asset["id"] for asset in await vendure.api.assets()] == [ours]  # with the key of before


async def test_an_upload_repeated_after_a_lost_answer_is_there_twice(vendure: Vendure, vendure_proxy: FaultProxy):
    await upload_through(vendure, vendure_proxy, FailAfter())
    assert [asset["name"] for asset in await vendure.api.assets()] == ["a.jpg", "a.jpg"]
    assert len(vendure_proxy.traffic.repeated("POST")) == 1


async def test_an_upload_repeated_after_a_kill_is_there_twice(vendure: Vendure, vendure_proxy: FaultProxy):
    await upload_through(vendure, vendure_proxy, Kill(vendure.server))
    assert len(await vendure.api.assets()) == 2


async def upload_through(vendure: Vendure, proxy: FaultProxy, fault: Any) -> None:
    """Upload a picture through a proxy with a fault, and again as who does not look first would."""
    proxy.disturb(fault)
    through = VendureApi(proxy.url, vendure.key)
    try:
        await through.try_upload({"a.jpg": (RED, "image/jpeg")})
    except httpx.TransportError:
        await proxy.settled()
    await through.upload("a.jpg", RED)
    await through.close()


async def test_pictures_come_through_the_proxy_and_name_it(vendure: Vendure, vendure_proxy: FaultProxy):
    through = VendureApi(vendure_proxy.url, vendure.key)
    asset = await through.upload("a.jpg", BLUE)
    assert asset["source"].startswith(vendure_proxy.url)
    assert await through.content(asset["source"]) == BLUE
    await through.close()
