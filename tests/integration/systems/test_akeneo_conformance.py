"""The rules that every catalogue and every library keeps."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from tests.support.akeneo import ASSETS
from tests.support.vendors.akeneo import APP_TOKEN, HOST, AkeneoVendor

from syncd.sdk.roles import Role
from syncd.systems.akeneo import AkeneoSystem
from syncd.testing.clock import ManualClock
from syncd.testing.conformance import CatalogConformance, LibraryConformance
from syncd.testing.conformance.account import Account, exchanges

OPTIONS: dict[str, Any] = {
    "url": HOST, "login": {"token": APP_TOKEN}, "links": {"*": {"attribute": "creator_pictures"}}, "assets": ASSETS,
    "events": {"keys": ["s3cr3t-of-the-subscription"]},
}  # fmt: skip


class TestAkeneoCatalog(CatalogConformance[AkeneoVendor]):
    system = AkeneoSystem
    options: ClassVar[dict[str, Any]] = OPTIONS

    def make_vendor(self, clock: ManualClock) -> AkeneoVendor:
        return AkeneoVendor(clock)


class TestAkeneoLibrary(LibraryConformance[AkeneoVendor]):
    system = AkeneoSystem
    options: ClassVar[dict[str, Any]] = OPTIONS

    def make_vendor(self, clock: ManualClock) -> AkeneoVendor:
        return AkeneoVendor(clock)


async def test_many_calls_at_once_keep_the_limits_of_akeneo():
    clock = ManualClock()
    vendor = AkeneoVendor(clock)
    account = Account(AkeneoSystem, OPTIONS, Role.CATALOG, vendor, clock)
    async with exchanges(account), account.opened() as system:
        await account.run(asyncio.gather(*(system.linked([vendor.PRODUCT]) for _ in range(150))))
    assert len(vendor.calls) == 150
    assert vendor.violations == []
