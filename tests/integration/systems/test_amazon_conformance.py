"""Amazon keeps what every channel must: by calls and by feeds, whether Amazon renames pictures or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from tests.support.amazon import CONTRACT
from tests.support.vendors.amazon import AmazonVendor
from tests.support.vendors.amazon.login import CLIENT, REFRESH, SECRET
from tests.support.vendors.amazon.vendor import CA, SELLER, US

from syncd.systems.amazon import AmazonSystem
from syncd.testing.clock import ManualClock
from syncd.testing.conformance import ChannelConformance
from syncd.testing.conformance.account import Account, exchanges
from syncd.testing.contracts.watch import Watch

contract = CONTRACT


class TestAmazon(ChannelConformance[AmazonVendor]):
    system = AmazonSystem
    options: ClassVar[dict[str, Any]] = {
        "seller": SELLER, "marketplaces": {US: "US", CA: "CA"}, "client_id": CLIENT, "client_secret": SECRET,
        "refresh_token": REFRESH,
    }  # fmt: skip

    @pytest.fixture(autouse=True)
    def lies(self, contracts: Watch) -> Iterator[None]:
        """The suite damages answers; requests are held against the contract all the same."""
        with contracts.lying("the suite damages answers"):
            yield

    def make_vendor(self, clock: ManualClock) -> AmazonVendor:
        return AmazonVendor(clock)


def by_feeds(clock: ManualClock) -> tuple[AmazonVendor, dict[str, Any]]:
    """All that only adds goes by feeds."""
    return AmazonVendor(clock), {**TestAmazon.options, "feed_from": 1}


def with_kept_addresses(clock: ManualClock) -> tuple[AmazonVendor, dict[str, Any]]:
    """Locators give back for ever what was submitted."""
    vendor = AmazonVendor(clock)
    vendor.shelf.copies = False
    return vendor, TestAmazon.options


RULES = [
    ("test_what_is_applied_stands_once_behind_what_others_placed",),
    ("test_a_new_version_takes_the_place_of_the_old",),
    ("test_what_is_taken_down_is_gone_and_nothing_else",),
    ("test_a_failed_write_leaves_one", 500, True, 0),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[0])
@pytest.mark.parametrize("way", [by_feeds, with_kept_addresses])
async def test_the_rules_hold_in_other_ways_too(way: Any, rule: tuple[Any, ...], clock: ManualClock):
    suite, (vendor, options) = TestAmazon(), way(clock)
    account = Account(AmazonSystem, options, suite.role, vendor, clock)
    async with exchanges(account):
        await getattr(suite, rule[0])(account, *rule[1:])
