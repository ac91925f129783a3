"""Walmart keeps what every channel must."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.support.vendors.walmart import Walmart

from syncd.systems.walmart import WalmartSystem
from syncd.testing.clock import ManualClock
from syncd.testing.conformance import ChannelConformance
from syncd.testing.conformance.account import PUBLIC


class TestWalmart(ChannelConformance[Walmart]):
    system = WalmartSystem
    options: ClassVar[dict[str, Any]] = {"client_id": "acme-id", "client_secret": "acme-s3cr3t/+="}

    def make_vendor(self, clock: ManualClock) -> Walmart:
        return Walmart(clock, f"{PUBLIC}/m/")
