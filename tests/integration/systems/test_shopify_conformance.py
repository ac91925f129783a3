"""Shopify keeps the rules of every channel and catalogue."""

from __future__ import annotations

import pytest
from tests.support.shopify import CONTRACT
from tests.support.vendors.shopify import SHOP, ShopifyShop

from syncd.systems.shopify import ShopifySystem
from syncd.testing.clock import ManualClock
from syncd.testing.conformance import CatalogConformance, ChannelConformance
from syncd.testing.contracts.watch import Watch

OPTIONS = {"shop": SHOP, "access_token": ShopifyShop.TOKEN, "client_secret": ShopifyShop.CLIENT_SECRET}


class _Shopify:
    contract = CONTRACT
    system = ShopifySystem
    options = OPTIONS

    @pytest.fixture(autouse=True)
    def lies(self, contracts: Watch):
        """The suite damages answers; requests are held against the contract all the same."""
        with contracts.lying("the suite damages answers"):
            yield

    def make_vendor(self, clock: ManualClock) -> ShopifyShop:
        return ShopifyShop(clock)


class TestShopifyChannel(_Shopify, ChannelConformance[ShopifyShop]):
    """Listings."""


class TestShopifyCatalog(_Shopify, CatalogConformance[ShopifyShop]):
    """Products."""
