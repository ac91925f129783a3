"""The engine while time passes: heartbeats, the breaker, lapsed leases of its own, draining."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from syncd.engine import work
from syncd.engine.engine import Engine, LaneSpec
from syncd.engine.handler import Handler, Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.work import LOCAL, Claim, Due, Urgency
from syncd.errors import TransientError
from syncd.ledger.store import Ledger
from syncd.ledger.tables import Lane, Work
from syncd.telemetry.metrics import Metrics
from syncd.testing.rest import RestingClock
from tests.support.engine import Probe, count_work, subjects, told


@pytest.fixture
def clock() -> RestingClock:
    """A clock that waits until the engine is at rest before it moves on."""
    return RestingClock()


class Running:
    """An engine that serves the lanes `local` and `shop`."""

    def __init__(self, ledger: Ledger, clock: RestingClock, *, local: list[Handler], shop: list[Handler]) -> None:
        self.ledger, self.clock = ledger, clock
        self.lanes = Lanes(ledger, clock)
        self.engine = Engine(
            ledger, clock, self.lanes, local=local, connection=shop,
            owner_of=lambda *_: "dana@acme.example", metrics=Metrics(),
        )  # fmt: skip
        self.engine.serve({"shop": LaneSpec("acme", "dana@acme.example")})

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.engine.run())
        await self.clock.advance(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.drain(5)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def touch(ledger: Ledger, lane: str, *keys: str, urgency: Urgency = Urgency.PUBLISH) -> None:
    async with ledger.write() as transaction:
        await work.touch(transaction, [Due("acme", lane, "probe", key, urgency) for key in keys])


async def attempts(ledger: Ledger) -> list[int]:
    async with ledger.read() as reading:
        return sorted((await reading.execute(sa.select(Work.attempts))).scalars())


class Shop:
    """A system that can be down; counts the calls made to it."""

    def __init__(self) -> None:
        self.down, self.calls = False, 0

    async def __call__(self, claim: Claim) -> Outcome:
        self.calls += 1
        if self.down:
            return Outcome(claim, error=TransientError("the shop does not answer."))
        return Outcome(claim, effects=told(claim))


async def test_heartbeats_keep_the_claims_of_work_that_takes_long(ledger: Ledger, clock: RestingClock) -> None:
    async def slow(claim: Claim) -> Outcome:
        await clock.sleep(60)
        return Outcome(claim, effects=told(claim))

    probe = Probe(answer=slow, parallel=3)
    async with Running(ledger, clock, local=[probe], shop=[]):
        await touch(ledger, LOCAL, "a")
        await clock.advance(59)
        assert len(probe.seen) == 1
        await clock.advance(2)
        assert await subjects(ledger) == ["a"]
    assert len(probe.seen) == 1


async def test_an_outage_of_ten_minutes_costs_few_calls_no_key_and_no_hand(ledger: Ledger, clock: RestingClock) -> None:
    shop = Shop()
    shop.down = True
    keys = [f"k{number:03}" for number in range(100)]
    async with Running(ledger, clock, local=[], shop=[Probe(answer=shop, batch=5)]) as running:
        await touch(ledger, "shop", *keys)
        await clock.advance(600)
        calls_while_down = shop.calls
        lease = running.lanes.get("shop")
        assert lease is not None
        assert lease.breaker.is_open
        assert len(await attempts(ledger)) == 100
        assert sum(await attempts(ledger)) == calls_while_down
        shop.down = False
        await clock.advance(310)
        assert not lease.breaker.is_open
        assert sorted(await subjects(ledger)) == keys
    # five failed calls of five keys open it; then single probes after 10, 20, 40 … seconds, at most five minutes apart
    assert calls_while_down <= 5 * 5 + 8


async def test_an_open_breaker_holds_up_no_other_lane(ledger: Ledger, clock: RestingClock) -> None:
    shop = Shop()
    shop.down = True
    async with Running(ledger, clock, local=[Probe()], shop=[Probe(answer=shop, batch=1)]):
        await touch(ledger, "shop", *[f"k{number}" for number in range(10)])
        await clock.advance(30)
        await touch(ledger, LOCAL, "a")
        await clock.advance(0)
        assert await subjects(ledger) == ["a"]


async def test_the_next_owner_knows_that_the_system_is_down(ledger: Ledger, clock: RestingClock) -> None:
    shop = Shop()
    shop.down = True
    async with Running(ledger, clock, local=[], shop=[Probe(answer=shop, batch=1)]):
        await touch(ledger, "shop", *[f"k{number}" for number in range(10)])
        await clock.advance(30)
    again = Lanes(ledger, clock)
    [lease] = await again.acquire({"shop": ("acme", 10.0)})
    assert lease.breaker.is_open
    assert lease.breaker.reason == "the shop does not answer."


async def test_takedowns_go_first_when_a_system_is_back(ledger: Ledger, clock: RestingClock) -> None:
    shop = Shop()
    shop.down = True
    async with Running(ledger, clock, local=[], shop=[Probe(answer=shop, batch=5)]):
        await touch(ledger, "shop", *[f"p{number}" for number in range(20)])
        await clock.advance(60)
        await touch(ledger, "shop", "t", urgency=Urgency.TAKEDOWN)
        shop.down = False
        await clock.advance(400)
        done = await subjects(ledger)
    assert done[0] == "t"
    assert len(done) == 21


async def test_a_lane_goes_on_after_its_own_lease_lapsed(ledger: Ledger, clock: RestingClock) -> None:
    """A process that stood still for a minute finds its lease lapsed and nobody else there."""
    async with Running(ledger, clock, local=[], shop=[Probe()]):
        await touch(ledger, "shop", "a")
        await clock.advance(5)
        clock.leap(60)
        await clock.advance(5)
        await touch(ledger, "shop", "b")
        await clock.advance(5)
        assert await subjects(ledger) == ["a", "b"]


async def test_draining_finishes_what_runs_takes_nothing_new_and_gives_the_lanes_up(
    ledger: Ledger, clock: RestingClock
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(claim: Claim) -> Outcome:
        entered.set()
        await go_on.wait()
        return Outcome(claim, effects=told(claim))

    running = Running(ledger, clock, local=[], shop=[Probe(answer=slow, batch=1)])
    await touch(ledger, "shop", "a", "b")
    async with running:
        await entered.wait()
        draining = asyncio.create_task(running.engine.drain(20))
        await asyncio.sleep(0)
        go_on.set()
        await draining
    assert await subjects(ledger) == ["a"]
    assert await count_work(ledger) == 1
    async with ledger.read() as reading:
        assert (await reading.execute(sa.select(Lane.owner))).scalars().all() == [""]


async def test_what_does_not_end_in_time_is_left_to_the_next_process(ledger: Ledger, clock: RestingClock) -> None:
    async def endless(claim: Claim) -> Outcome:
        await asyncio.Event().wait()
        return Outcome(claim)

    running = Running(ledger, clock, local=[Probe(answer=endless)], shop=[])
    await touch(ledger, LOCAL, "a")
    running.task = asyncio.create_task(running.engine.run())
    async with asyncio.timeout(20):
        while not running.engine.busy:
            await asyncio.sleep(0.005)
    await running.engine.drain(0.05)
    running.task.cancel()
    await asyncio.gather(running.task, return_exceptions=True)
    assert await count_work(ledger) == 1
