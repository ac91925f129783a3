"""What Shopify tells by itself: webhooks, subscriptions, changes that are asked for; and the mark of the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.shopify import CONTRACT, Bench, bench

from syncd.errors import HookRefused, RejectedError, TransientError
from syncd.sdk.changes import Change, ChangePage, Subject
from syncd.sdk.source import HookRequest, RawItem
from syncd.testing.contracts.watch import Watch
from syncd.testing.vendor import Mischief

URL = "https://syncd.acme.example/hooks/test"
PAYLOAD = {
    "id": 1, "admin_graphql_api_id": "gid://shopify/Product/1", "updated_at": "2026-11-22T12:00:00Z",
    "variants": [{"id": 11, "sku": "GL-1"}, {"id": 12, "sku": None}, {"id": 13, "sku": "GL-1"}],
}  # fmt: skip


contract = CONTRACT


@pytest.fixture(autouse=True)
def lies(contracts: Watch):
    """Some of these answers are no answers of Shopify's; requests are held against the contract all the same."""
    with contracts.lying("answers that are not whole, not understood, or refusals"):
        yield


@pytest.fixture
async def shop(tmp_path, clock):
    async with bench(tmp_path, clock) as opened:
        yield opened
    assert opened.shop.violations == []


def request(shop: Bench, headers: Mapping[str, str], body: bytes) -> HookRequest:
    return HookRequest("POST", "/hooks/test", headers, body, shop.clock.now())


def heard(shop: Bench, topic: str = "products/update", payload: Any = PAYLOAD, **options: Any) -> RawItem:
    return shop.system.verify(request(shop, *shop.shop.webhook(topic, payload, **options)))


# --- webhooks -------------------------------------------------------------------------------------------------------


async def test_a_webhook_names_the_listing_and_the_skus_it_sells(shop: Bench):
    item = heard(shop)
    assert item.vendor_id == "e-1/products/update/1"
    assert shop.system.heard(item) == [
        Change(Subject.LISTING, "gid://shopify/Product/1", at=shop.clock.now()),
        Change(Subject.PRODUCT, "GL-1", at=shop.clock.now()),
    ]


async def test_a_deletion_tells_a_number_alone(shop: Bench):
    item = heard(shop, "products/delete", {"id": 788032119674292922})
    assert [one.name for one in shop.system.heard(item)] == ["gid://shopify/Product/788032119674292922"]


async def test_one_event_is_told_once_for_each_topic_and_product(shop: Bench):
    first, retried = heard(shop), heard(shop)
    other = heard(shop, payload={**PAYLOAD, "id": 2})
    created = heard(shop, "products/create")
    assert first.vendor_id == retried.vendor_id
    assert len({first.vendor_id, other.vendor_id, created.vendor_id}) == 3


async def test_without_an_event_nothing_is_taken_for_a_duplicate(shop: Bench):
    headers, body = shop.shop.webhook("products/update", PAYLOAD)
    del headers["x-shopify-event-id"]
    assert shop.system.verify(request(shop, headers, body)).vendor_id is None


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("no-signature", {"x-shopify-hmac-sha256": ""}),
        ("bad-signature", {"x-shopify-hmac-sha256": "AAAA"}),
        ("bad-signature", {"x-shopify-hmac-sha256": "no base64!"}),
        ("wrong-shop", {"x-shopify-shop-domain": "other.myshopify.com"}),
        ("wrong-shop", {"x-shopify-shop-domain": ""}),
        ("wrong-topic", {"x-shopify-topic": "orders/create"}),
        ("bad-timestamp", {"x-shopify-triggered-at": "yesterday"}),
        ("stale", {"x-shopify-triggered-at": "2026-11-22T07:00:00Z"}),
        ("stale", {"x-shopify-triggered-at": "2026-11-22T13:00:00Z"}),
    ],
)
async def test_what_is_not_proven_is_refused(shop: Bench, reason: str, change: dict[str, str]):
    headers, body = shop.shop.webhook("products/update", PAYLOAD)
    with pytest.raises(HookRefused) as caught:
        shop.system.verify(request(shop, {**headers, **change}, body))
    assert caught.value.reason == reason


async def test_a_body_that_was_changed_is_refused(shop: Bench):
    headers, body = shop.shop.webhook("products/update", PAYLOAD)
    for forged in (body + b" ", body.replace(b"GL-1", b"GL-9"), b""):
        with pytest.raises(HookRefused):
            shop.system.verify(request(shop, headers, forged))


async def test_a_delivery_is_tried_again_for_four_hours(shop: Bench):
    headers, body = shop.shop.webhook("products/update", PAYLOAD)
    shop.clock.leap(4 * 3600)
    shop.system.verify(request(shop, headers, body))


async def test_without_a_secret_every_webhook_is_refused(tmp_path, clock):
    async with bench(tmp_path, clock, client_secret=[]) as shop:
        with pytest.raises(HookRefused) as caught:
            heard(shop)
    assert caught.value.reason == "no-key"


async def test_both_secrets_count_while_one_replaces_the_other(tmp_path, clock):
    async with bench(tmp_path, clock, client_secret=["shpss_the-new-one", "shpss_s3cret-of-the-app"]) as shop:
        assert heard(shop).vendor_id


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"variants": []}', b"\xff"])
async def test_a_body_that_is_not_understood_is_told(shop: Bench, body: bytes):
    with pytest.raises(RejectedError):
        shop.system.heard(RawItem(body, headers={"x-shopify-topic": "products/update"}))


# --- subscriptions --------------------------------------------------------------------------------------------------


async def test_subscriptions_are_made_kept_and_healed(shop: Bench):
    said = await shop.run(shop.system.subscribe(URL))
    assert said == "PRODUCTS_CREATE subscribed, PRODUCTS_UPDATE subscribed, PRODUCTS_DELETE subscribed"
    assert await shop.run(shop.system.subscribe(URL)) == ""
    known = shop.shop.state.subscriptions
    dropped = next(one for one in known.values() if one.topic == "PRODUCTS_UPDATE")
    del known[dropped.id]  # as Shopify does after eight failures
    assert await shop.run(shop.system.subscribe(URL)) == "PRODUCTS_UPDATE subscribed"
    next(iter(known.values())).fields = []
    assert await shop.run(shop.system.subscribe(URL)) == "PRODUCTS_CREATE amended"
    assert {(one.uri, one.format) for one in known.values()} == {(URL, "JSON")}


async def test_subscriptions_to_other_addresses_stay(shop: Bench):
    await shop.run(shop.system.subscribe("https://old.acme.example/hooks/test"))
    await shop.run(shop.system.subscribe(URL))
    assert len(shop.shop.state.subscriptions) == 6


async def test_an_address_that_shopify_does_not_take_is_told(shop: Bench):
    with pytest.raises(RejectedError, match="Address is invalid"):
        await shop.run(shop.system.subscribe("https://localhost/hooks/test"))


async def test_without_an_https_address_nothing_is_subscribed(shop: Bench):
    assert await shop.run(shop.system.subscribe("http://127.0.0.1:8371/hooks/test")) == ""
    assert shop.shop.calls == []


# --- asking for changes ---------------------------------------------------------------------------------------------


async def changes(shop: Bench, since: str) -> list[ChangePage]:
    async def read() -> list[ChangePage]:
        return [page async for page in shop.system.changes(since)]

    return await shop.run(read())


async def test_what_changed_is_told_from_the_first_time_on(shop: Bench):
    shop.clock.leap(3600)
    (first,) = await changes(shop, "")
    assert first.changes == []
    shop.clock.leap(600)
    shop.shop.add_foreign(shop.shop.OTHER, "new.jpg")
    (second,) = await changes(shop, first.checkpoint)
    assert [one.name for one in second.changes] == [shop.shop.OTHER]
    assert second.checkpoint > first.checkpoint
    shop.clock.leap(600)
    (third,) = await changes(shop, second.checkpoint)
    assert third.checkpoint == second.checkpoint


# --- the mark -------------------------------------------------------------------------------------------------------


async def test_the_shop_carries_the_mark_of_one_ledger(shop: Bench):
    assert await shop.run(shop.system.claim("L1", take_over=False)) == "L1"
    assert await shop.run(shop.system.claim("L2", take_over=False)) == "L1"
    assert await shop.run(shop.system.claim("L2", take_over=True)) == "L2"
    assert await shop.run(shop.system.claim("L2", take_over=False)) == "L2"


async def test_of_two_that_mark_it_at_once_one_is_told(shop: Bench):
    def unmarked(answer: Any) -> Any:
        answer = json.loads(json.dumps(answer))
        answer["data"]["currentAppInstallation"]["metafield"] = None
        return answer

    await shop.run(shop.system.claim("L1", take_over=False))
    shop.shop.mischief.append(Mischief(on="read", change=unmarked))
    with pytest.raises(TransientError, match="another ledger"):
        await shop.run(shop.system.claim("L2", take_over=False))
