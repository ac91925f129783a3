"""The rules every system must keep, as tests: one subclass per system and role.

    class TestShop(ChannelConformance):
        system = ShopSystem
        options = {"url": "https://shop.example", "token": "s3cr3t-of-the-shop"}

        def make_vendor(self, clock):
            return FakeShop(clock)

Each rule is a test method; what a system cannot be asked is skipped and says so. `syncd.testing.vendor` has the fake's
base.
"""

from syncd.testing.conformance.catalog import CatalogConformance
from syncd.testing.conformance.channel import ChannelConformance
from syncd.testing.conformance.library import LibraryConformance

__all__ = ["CatalogConformance", "ChannelConformance", "LibraryConformance"]
