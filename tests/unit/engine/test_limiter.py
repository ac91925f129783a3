"""Calls begin in the order of their urgency, as soon as the account allows and never before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.errors import Bug, RateLimited
from syncd.sdk.limits import AtOnce, Limit, Points, Window
from syncd.testing.clock import ManualClock

SOURCE = "the vendor's page, 2026-11-01"
TAKEDOWN, PUBLISH, BACKFILL = Urgency.TAKEDOWN, Urgency.PUBLISH, Urgency.BACKFILL


class Account:
    """A limiter, and what began when."""

    def __init__(self, *limits: Limit) -> None:
        self.clock = ManualClock()
        self.limiter = Limiter("shop-us", self.clock, limits)
        self.began: list[tuple[float, str]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def call(
        self,
        name: str,
        urgency: Urgency = PUBLISH,
        units: Mapping[str, float] | None = None,
        *,
        takes: float = 0,
        patience: float = 30,
    ) -> asyncio.Task[None]:
        async def run() -> None:
            end = await self.limiter.begin(units or {"calls": 1}, urgency, patience)
            self.began.append((self.clock.monotonic(), name))
            try:
                await self.clock.sleep(takes)
            finally:
                end()

        self.tasks.append(asyncio.create_task(run()))
        return self.tasks[-1]

    async def names(self) -> list[str]:
        await self.clock.advance(0)
        return [name for _, name in self.began]


@pytest.fixture
async def opened() -> AsyncIterator[list[Account]]:
    accounts: list[Account] = []
    yield accounts
    for account in accounts:
        account.limiter.close()
        for task in account.tasks:
            task.cancel()
        await asyncio.gather(*account.tasks, return_exceptions=True)


def account(opened: list[Account], *limits: Limit) -> Account:
    opened.append(Account(*limits))
    return opened[-1]


def window(most: int, seconds: float, name: str = "calls", reserve: int = 0) -> Window:
    return Window(name, most, timedelta(seconds=seconds), SOURCE, reserve)


async def test_a_takedown_goes_before_what_asked_earlier(opened: list[Account]) -> None:
    shop = account(opened, window(1, 10))
    shop.call("first")
    await shop.names()
    await shop.clock.advance(1)
    for name, urgency in (("backfill", BACKFILL), ("publish", PUBLISH), ("takedown", TAKEDOWN), ("later", PUBLISH)):
        shop.call(name, urgency, patience=100)
    assert await shop.names() == ["first"]
    await shop.clock.advance(60)
    assert await shop.names() == ["first", "takedown", "publish", "later", "backfill"]
    assert [at for at, _ in shop.began] == pytest.approx([0, 10, 20, 30, 40], abs=0.01)


async def test_what_a_takedown_waits_for_nobody_else_takes(opened: list[Account]) -> None:
    shop = account(opened, Points("calls", 100, 10, SOURCE))
    shop.call("before", units={"calls": 80})
    await shop.clock.advance(0)
    shop.call("takedown", TAKEDOWN, {"calls": 60})
    shop.call("small", BACKFILL, {"calls": 10})
    assert await shop.names() == ["before"], "twenty points are left, and they are saved for the takedown"
    await shop.clock.advance(4)
    assert await shop.names() == ["before", "takedown"]
    await shop.clock.advance(1)
    assert await shop.names() == ["before", "takedown", "small"]


async def test_who_waits_for_one_limit_does_not_hold_up_the_others(opened: list[Account]) -> None:
    shop = account(opened, window(1, 20, "feeds"), window(100, 1))
    shop.call("feed", units={"feeds": 1, "calls": 1})
    await shop.clock.advance(0)
    shop.call("takedown feed", TAKEDOWN, {"feeds": 1, "calls": 1})
    shop.call("status", BACKFILL)
    assert await shop.names() == ["feed", "status"]


async def test_a_wait_longer_than_patience_is_told_at_once_with_its_length(opened: list[Account]) -> None:
    shop = account(opened, window(1, 3600))
    shop.call("first")
    await shop.names()
    await shop.clock.advance(60)
    with pytest.raises(RateLimited) as refused:
        await shop.call("second")
    assert refused.value.retry_after == 3540
    assert shop.clock.next_wake() is None


async def test_patience_with_a_busy_account_ends_as_well(opened: list[Account]) -> None:
    shop = account(opened, AtOnce("calls", 1, SOURCE))
    shop.call("long", takes=100)
    await shop.clock.advance(0)
    second = shop.call("second")
    await shop.names()
    await shop.clock.advance(30)
    with pytest.raises(RateLimited, match="busy"):
        await second


async def test_a_hold_stops_all_or_what_it_names(opened: list[Account]) -> None:
    shop = account(opened, window(100, 1), window(100, 1, "feeds"))
    shop.limiter.hold(10, ["feeds"])
    shop.call("feed", units={"feeds": 1})
    shop.call("status")
    assert await shop.names() == ["status"]
    shop.limiter.hold(20)
    shop.call("another")
    await shop.clock.advance(10)
    assert await shop.names() == ["status"]
    await shop.clock.advance(10)
    assert await shop.names() == ["status", "feed", "another"]


async def test_what_the_system_tells_of_its_points_lets_waiting_calls_begin(opened: list[Account]) -> None:
    shop = account(opened, Points("points", 100, 1, SOURCE))
    shop.call("before", units={"points": 100})
    await shop.clock.advance(0)
    shop.call("next", units={"points": 20})
    assert await shop.names() == ["before"]
    shop.limiter.learn("points", available=90)
    assert await shop.names() == ["before", "next"]


async def test_one_that_gives_up_waiting_costs_nothing(opened: list[Account]) -> None:
    shop = account(opened, AtOnce("calls", 1, SOURCE))
    shop.call("first", takes=5)
    await shop.clock.advance(0)
    shop.call("gone", TAKEDOWN).cancel()
    shop.call("second")
    await shop.clock.advance(5)
    assert await shop.names() == ["first", "second"]


async def test_one_cancelled_at_the_instant_it_may_begin_gives_its_place_to_the_next(opened: list[Account]) -> None:
    shop = account(opened, AtOnce("calls", 1, SOURCE))
    first = shop.call("first", takes=5)
    await shop.clock.advance(0)
    second = shop.call("second")
    shop.call("third")
    await shop.clock.advance(0)
    first.cancel()
    for _ in range(3):
        await asyncio.sleep(0)  # the first one ends and lets the second begin, who does not know yet
    second.cancel()
    assert await shop.names() == ["first", "third"]


async def test_more_than_the_whole_limit_at_once_is_a_bug_and_no_wait(opened: list[Account]) -> None:
    shop = account(opened, window(10, 1))
    with pytest.raises(Bug, match="11 calls at once"):
        await shop.call("all", units={"calls": 11})


async def test_units_nobody_declared_cost_nothing(opened: list[Account]) -> None:
    shop = account(opened)
    for number in range(100):
        shop.call(str(number), units={"calls": 1, "unheard-of": 7})
    assert len(await shop.names()) == 100


async def test_the_next_owner_counts_what_was_spent(opened: list[Account]) -> None:
    before, after = account(opened, window(500, 3600)), account(opened, window(500, 3600))
    for number in range(400):
        before.call(str(number))
    await before.names()
    await before.clock.advance(600)
    after.limiter.restore(before.limiter.state(), age=60, unkept=15)
    with pytest.raises(RateLimited) as refused:
        await after.call("next")
    assert refused.value.retry_after == 3600 - 660, "a hundred may have been spent unkept, four hundred were 660 s ago"


async def test_nothing_is_assumed_of_scarce_units_for_they_are_kept_before_each_call(opened: list[Account]) -> None:
    before, after = account(opened, window(10, 3600)), account(opened, window(10, 3600))
    for number in range(4):
        before.call(str(number))
    await before.names()
    assert before.limiter.scarce({"calls": 1})
    after.limiter.restore(before.limiter.state(), age=60, unkept=15)
    for number in range(6):
        after.call(str(number))
    assert len(await after.names()) == 6
    with pytest.raises(RateLimited):
        await after.call("next")


async def test_limits_that_stay_the_same_keep_what_they_know(opened: list[Account]) -> None:
    shop = account(opened, window(2, 3600), window(100, 1))
    shop.call("first")
    await shop.names()
    shop.limiter.declare([window(2, 3600), window(1, 1)])
    shop.call("second")
    await shop.clock.advance(2)
    assert await shop.names() == ["first", "second"]
    with pytest.raises(RateLimited):
        await shop.call("third")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from(list(Urgency)), st.integers(1, 3), st.floats(0, 5)), max_size=30
    )
)
async def test_every_call_begins_in_the_end_and_no_limit_is_ever_broken(
    wanted: Sequence[tuple[float, Urgency, int, float]],
) -> None:
    shop = Account(window(3, 5), window(8, 60), AtOnce("calls", 3, SOURCE))
    under_way: list[tuple[float, int]] = []

    async def run(urgency: Urgency, units: int, takes: float) -> None:
        end = await shop.limiter.begin({"calls": units}, urgency, 1e9)
        under_way.append((shop.clock.monotonic(), units))
        await shop.clock.sleep(takes)
        end()

    tasks = []
    for pause, urgency, units, takes in wanted:
        await shop.clock.advance(pause)
        tasks.append(asyncio.create_task(run(urgency, units, takes)))
        await shop.clock.advance(0)
    await shop.clock.advance(len(wanted) * 61 + 1)
    await asyncio.gather(*tasks)
    assert len(under_way) == len(wanted)
    for per, most in ((5, 3), (60, 8)):
        for start, _ in under_way:
            assert sum(units for at, units in under_way if start <= at < start + per - 1e-9) <= most
    shop.limiter.close()
