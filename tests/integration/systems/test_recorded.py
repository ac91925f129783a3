"""What `syncd try --record` keeps answers a connector again as the vendor did."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import respx
from tests.support import systems
from tests.support.shopify import CONTRACT
from tests.support.vendors.shopify import SHOP, ShopifyShop

from syncd.sdk.channel import ObservedGallery
from syncd.sdk.http import open_client
from syncd.sdk.roles import Role
from syncd.sdk.trace import tracing
from syncd.systems.shopify import ShopifySystem
from syncd.testing.clock import ManualClock
from syncd.testing.recorded import Recorded

contract = CONTRACT


async def observed(root: Path, clock: ManualClock, vendor: ShopifyShop | Recorded) -> list[ObservedGallery]:
    options = ShopifySystem.options.model_validate({"shop": SHOP, "access_token": ShopifyShop.TOKEN})
    with respx.mock(using="httpx") as router:
        router.route(host=SHOP).mock(side_effect=vendor)
        async with open_client("shop", clock, [ShopifyShop.TOKEN]) as http:
            shop = ShopifySystem(replace(systems.context(root, clock), http=http), options, Role.CHANNEL)
            return [each async for each in shop.observe([ShopifyShop.LISTING])]


async def test_a_recording_answers_as_the_vendor_did_and_no_more(tmp_path: Path, clock: ManualClock):
    vendor = ShopifyShop(clock)
    with tracing() as exchanges:
        there = await observed(tmp_path, clock, vendor)
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps({"exchanges": [asdict(each) for each in exchanges]}))
    assert ShopifyShop.TOKEN not in kept.read_text()
    recorded = Recorded.load(kept)
    assert await observed(tmp_path, clock, recorded) == there
    assert recorded.left == []
    with pytest.raises(AssertionError, match="was not recorded"):
        await observed(tmp_path, clock, recorded)
