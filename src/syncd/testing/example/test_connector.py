"""The plain shop keeps every rule of a channel."""

from __future__ import annotations

from typing import Any, ClassVar

from syncd.testing.clock import ManualClock
from syncd.testing.conformance import ChannelConformance
from syncd.testing.example.connector import PlainShopSystem
from syncd.testing.example.fake import PlainShop


class TestPlainShop(ChannelConformance[PlainShop]):
    system = PlainShopSystem
    options: ClassVar[dict[str, Any]] = {"url": "https://plain.example", "token": "s3cr3t-token"}

    def make_vendor(self, clock: ManualClock) -> PlainShop:
        return PlainShop(clock)
