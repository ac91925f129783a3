"""Shopify's answers that are not whole or not understood, and what must not be told or left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog
from tests.support.shopify import CONTRACT, Bench, bench, elapse
from tests.support.vendors.shopify import ShopifyShop

from syncd.errors import RejectedError, SyncdError, TransientError
from syncd.systems.shopify.api import ScopeMissing
from syncd.testing.contracts.watch import Watch
from syncd.testing.vendor import Mischief

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


# --- answers that are not understood --------------------------------------------------------------------------------


def renamed(old: str, new: str) -> Callable[[Any], Any]:
    return lambda answer: json.loads(json.dumps(answer).replace(f'"{old}"', f'"{new}"'))


@pytest.mark.parametrize(
    "field", ["media", "nodes", "pageInfo", "image", "status", "alt", "mediaErrors", "hasNextPage"]
)
async def test_a_renamed_field_is_named_and_never_an_empty_gallery(shop: Bench, field: str):
    shop.shop.mischief.append(Mischief(on="read", change=renamed(field, "renamed")))
    with pytest.raises(RejectedError) as caught:
        await shop.observe(shop.shop.LISTING)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": None},
        {"data": {}},
        {"data": {"nodes": None}},
        {"data": {"nodes": []}},
        {"data": {"nodes": [{"__typename": "Product"}]}},
        {"errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], "data": None},
        {"errors": "Not Found"},
        [],
    ],
)
async def test_an_answer_that_is_not_whole_raises(shop: Bench, answer: Any):
    shop.shop.mischief.append(Mischief(on="read", change=lambda _: answer))
    with pytest.raises((RejectedError, TransientError)):
        await shop.observe(shop.shop.LISTING)


async def test_a_page_that_leads_nowhere_raises(shop: Bench):
    for number in range(30):
        shop.shop.add_foreign(shop.shop.LISTING, f"{number}.jpg")

    def stuck(answer: Any) -> Any:
        if "product" in answer["data"]:
            answer["data"]["product"]["media"]["pageInfo"] = {"hasNextPage": True, "endCursor": None}
        return answer

    shop.shop.mischief.append(Mischief(on="read", change=stuck, times=2))
    with pytest.raises(TransientError, match="no cursor"):
        await shop.observe(shop.shop.LISTING)


# --- the whole shop -------------------------------------------------------------------------------------------------


async def everything(shop: Bench) -> list[str]:
    seen: list[str] = []

    async def read() -> None:
        async for gallery in shop.system.observe(None):
            seen.append(gallery.listing)  # noqa: PERF401  # what came before the failure counts

    try:
        await shop.run(read())
    finally:
        shop.contents["seen"] = ",".join(seen).encode()
    return seen


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_a_reading_that_ends_early_raises_and_tells_of_no_product_that_it_did_not_read_whole(shop: Bench, cut):
    await _begun(shop)
    (bulk,) = shop.shop.state.bulks.values()
    shop.shop._reading.bulk = _counting(shop, len(bulk.lines))  # type: ignore[method-assign]
    bulk.lines = bulk.lines[:-cut]
    with pytest.raises(TransientError, match="lines of"):
        await everything(shop)
    assert shop.shop.OTHER.encode() not in shop.contents["seen"]


async def _begun(shop: Bench) -> None:
    """Have a reading under way, which the next one waits for."""
    task = asyncio.ensure_future(everything(shop))
    for _ in range(200):
        await asyncio.sleep(0)
        if shop.shop.state.bulks:
            break
    task.cancel()
    await asyncio.wait({task})


def _counting(shop: Bench, lines: int) -> Callable[[Any], dict[str, Any]]:
    told = shop.shop._reading.bulk
    return lambda bulk: {**told(bulk), "objectCount": str(lines) if told(bulk)["status"] == "COMPLETED" else "0"}


@pytest.mark.parametrize("ending", ['{"id": "gid://shopify/Pro', "[1]", '{"id": "x", "__parentId": "other"}'])
async def test_a_line_that_is_none_or_nobodys_raises(shop: Bench, ending: str):
    await _begun(shop)
    (bulk,) = shop.shop.state.bulks.values()
    bulk.lines.append(ending)
    with pytest.raises(TransientError):
        await everything(shop)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("FAILED", "ACCESS_DENIED", ScopeMissing),
        ("FAILED", "TIMEOUT", TransientError),
        ("EXPIRED", None, TransientError),
    ],
)
async def test_a_reading_that_fails_raises(shop: Bench, status: str, code: str | None, kind: type[SyncdError]):
    await _begun(shop)
    (bulk,) = shop.shop.state.bulks.values()
    bulk.error = code
    told = shop.shop._reading.bulk
    shop.shop._reading.bulk = lambda one: {  # type: ignore[method-assign]
        **told(one), "status": "RUNNING" if one.due > shop.clock.now() else status,
    }  # fmt: skip
    with pytest.raises(kind):
        await everything(shop)


async def test_an_empty_shop_is_no_listing(shop: Bench):
    shop.shop.state.products.clear()
    with pytest.raises(RejectedError, match="lists no product"):
        await everything(shop)


async def test_a_slow_reading_is_waited_for_again_and_not_begun_again(tmp_path, clock):
    async with bench(tmp_path, clock, bulk_patience="1m") as shop:
        shop.shop.state.bulk_time = timedelta(minutes=3)
        for _ in range(2):
            with pytest.raises(TransientError, match="still runs"):
                await everything(shop)
        assert len(await everything(shop)) == 2
        assert len(shop.shop.state.bulks) == 1


# --- secrets and tasks ----------------------------------------------------------------------------------------------


async def test_no_secret_is_told_or_logged(tmp_path, clock, capsys):
    options = {"client_id": ShopifyShop.CLIENT_ID, "client_secret": ShopifyShop.CLIENT_SECRET}
    with structlog.testing.capture_logs() as logged:
        async with bench(tmp_path, clock, **options) as shop:
            await shop.carry_out(shop.shop.LISTING, [shop.media(b"one")])
            (token, *_) = [one for one in shop.shop.tokens if one.startswith("shpca_")]

            def leak(_: Any) -> Any:
                said = f"{token} {ShopifyShop.CLIENT_SECRET}"
                return {"errors": [{"message": said}], "data": None}

            shop.shop.mischief.append(Mischief(on="read", change=leak))
            with pytest.raises(RejectedError) as caught:
                await shop.observe(shop.shop.LISTING)
    told = f"{caught.value}{caught.value.data}{logged}{capsys.readouterr()}"
    assert "***" in told
    for secret in (token, ShopifyShop.CLIENT_SECRET, "s1gned"):
        assert secret not in told


async def test_cancelling_leaves_no_task(shop: Bench):
    shop.shop.mischief.append(Mischief(status=503, on="any", times=-1))
    before = asyncio.all_tasks()
    change = await _unread_change(shop)
    task = asyncio.ensure_future(shop.system.apply([change]))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await elapse(shop.clock, task, 5)
    for _ in range(20):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def _unread_change(shop: Bench) -> Any:
    shop.shop.mischief, kept = [], shop.shop.mischief
    change = await shop.change(shop.shop.LISTING, [shop.media(b"one")])
    shop.shop.mischief = kept
    return change
