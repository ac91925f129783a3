from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.testing.clock import ManualClock
from syncd.web.attempts import AttemptLimit


async def test_an_address_is_refused_after_its_burst_and_free_again_after_the_seconds_told() -> None:
    clock = ManualClock()
    limit = AttemptLimit(clock, burst=3, every=6.0)
    assert [limit.count("192.0.2.1") for _ in range(3)] == [None, None, None]
    assert limit.count("192.0.2.1") == pytest.approx(6.0)
    await clock.advance(5.9)
    assert limit.count("192.0.2.1") == pytest.approx(0.1)
    await clock.advance(0.2)
    assert limit.count("192.0.2.1") is None


def test_addresses_do_not_share_a_limit_but_a_slash_64_does() -> None:
    limit = AttemptLimit(ManualClock(), burst=1, every=6.0)
    assert limit.count("192.0.2.1") is None
    assert limit.count("192.0.2.2") is None
    assert limit.count("2001:db8::1") is None
    assert limit.count("2001:db8::ffff") is not None
    assert limit.count("2001:db8:0:1::1") is None


def test_an_ipv4_address_is_one_address_in_either_notation() -> None:
    limit = AttemptLimit(ManualClock(), burst=1)
    assert limit.count("::ffff:192.0.2.1") is None
    assert limit.count("::ffff:192.0.2.1") is not None
    assert limit.count("::ffff:192.0.2.2") is None


@given(st.lists(st.ip_addresses().map(str) | st.text(max_size=5) | st.none(), max_size=60))
def test_memory_is_bounded_whatever_addresses_come(addresses: list[str | None]) -> None:
    limit = AttemptLimit(ManualClock(), addresses=5)
    for address in addresses:
        limit.count(address)
    assert len(limit) <= 5
