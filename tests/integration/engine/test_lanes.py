"""Leases of lanes: one owner, known by its epoch; a loser writes nothing. On PostgreSQL, where there can be several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa

from syncd.engine import operations, work
from syncd.engine.doing import DOING, Doing
from syncd.engine.engine import Engine, LaneSpec
from syncd.engine.gate import LaneGate
from syncd.engine.handler import Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.operations import LeaseLost, Wish
from syncd.engine.work import Claim, Due, Finish, Urgency
from syncd.errors import RateLimited, TransientError
from syncd.ledger import store
from syncd.ledger.store import Ledger
from syncd.ledger.tables import Operation
from syncd.sdk.limits import Window
from syncd.telemetry.metrics import Metrics
from syncd.testing.clock import ManualClock
from tests.support.engine import Probe, subjects, told

WANTED = {"shop": ("acme", 10.0)}


@dataclass
class Process:
    """What one process has of the engine: its own clock, connections to the ledger, and leases."""

    clock: ManualClock
    ledger: Ledger
    lanes: Lanes

    async def claim(self, *, epoch: int) -> list[Claim]:
        async with self.ledger.write() as transaction:
            return await work.claim(transaction, self.ledger, "shop", "probe", Urgency.PUBLISH, 10, epoch)

    async def finish(self, claims: list[Claim]) -> int:
        async with self.ledger.write() as transaction:
            held = await work.still_held(transaction, claims)
            await work.finish(transaction, [Finish(claim) for claim in claims], held)
        return len(held)


@pytest.fixture
async def processes(postgres_url: str) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes on one ledger; the clock of one can stand still while the other's goes on."""
    made = []
    for _ in range(2):
        clock = ManualClock()
        ledger = Ledger(postgres_url, clock)
        await ledger.open()
        made.append(Process(clock, ledger, Lanes(ledger, clock)))
    yield made[0], made[1]
    for process in made:
        await process.ledger.close()


async def test_a_lane_has_one_owner(processes: tuple[Process, Process]) -> None:
    first, second = processes
    [lease] = await first.lanes.acquire(WANTED)
    assert (lease.lane, lease.epoch) == ("shop", 1)
    assert await second.lanes.acquire(WANTED) == []
    assert second.lanes.get("shop") is None


async def test_of_two_who_ask_at_once_one_gets_the_lane(processes: tuple[Process, Process]) -> None:
    first, second = processes
    await first.lanes.acquire(WANTED)
    await first.lanes.release()
    taken = await asyncio.gather(first.lanes.acquire(WANTED), second.lanes.acquire(WANTED))
    assert sorted(len(leases) for leases in taken) == [0, 1]


async def test_a_renewed_lease_is_kept_and_a_lapsed_one_is_free(processes: tuple[Process, Process]) -> None:
    first, second = processes
    await first.lanes.acquire(WANTED)
    for process in processes:
        await process.clock.advance(14)
    assert await first.lanes.renew() == []
    for process in processes:
        await process.clock.advance(14)
    assert await second.lanes.acquire(WANTED) == []
    for process in processes:
        await process.clock.advance(2)
    [stolen] = await second.lanes.acquire(WANTED)
    assert stolen.epoch == 2
    assert await first.lanes.renew() == ["shop"]
    assert first.lanes.get("shop") is None


async def test_a_lease_that_was_given_up_is_free_at_once(processes: tuple[Process, Process]) -> None:
    first, second = processes
    await first.lanes.acquire(WANTED)
    await first.lanes.release()
    [lease] = await second.lanes.acquire(WANTED)
    assert lease.epoch == 2


async def test_no_call_starts_that_could_outlive_the_lease(processes: tuple[Process, Process]) -> None:
    first, _ = processes
    await first.lanes.acquire(WANTED)
    assert first.lanes.may_call("shop", 10.0)
    await first.clock.advance(6)
    assert not first.lanes.may_call("shop", 10.0)
    assert first.lanes.may_call("shop", 8.0)


async def _stolen(first: Process, second: Process) -> list[Claim]:
    """Claims of the first, whose lane the second took over while the first stood still."""
    async with first.ledger.write() as transaction:
        await work.touch(transaction, [Due("acme", "shop", "probe", "a")])
    [lease] = await first.lanes.acquire(WANTED)
    claims = await first.claim(epoch=lease.epoch)
    await second.clock.advance(16)
    assert len(await second.lanes.acquire(WANTED)) == 1
    return claims


async def test_who_lost_the_lane_finishes_nothing(processes: tuple[Process, Process]) -> None:
    first, second = processes
    claims = await _stolen(first, second)
    assert await first.finish(claims) == 0
    again = await second.claim(epoch=2)
    assert [claim.key for claim in again] == ["a"]
    assert await second.finish(again) == 1


async def test_who_lost_the_lane_prepares_no_call(processes: tuple[Process, Process]) -> None:
    first, second = processes
    claims = await _stolen(first, second)
    with pytest.raises(LeaseLost):
        async with first.ledger.write() as transaction:
            await operations.prepare(transaction, claims, [Wish("a", "f")], "r")
    async with second.ledger.read() as reading:
        count = sa.select(sa.func.count()).select_from(Operation)
        assert (await reading.execute(count)).scalar_one() == 0


async def test_of_two_engines_only_the_new_owner_writes(processes: tuple[Process, Process]) -> None:
    first, second = processes
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def frozen(claim: Claim) -> Outcome:
        entered.set()
        await go_on.wait()
        return Outcome(claim, effects=told(claim))

    engines = [
        _engine(first, Probe(answer=frozen)),
        _engine(second, Probe()),
    ]
    async with first.ledger.write() as transaction:
        await work.touch(transaction, [Due("acme", "shop", "probe", "a")])
    await engines[0].refresh_leases()
    await entered.wait()
    await second.clock.advance(16)
    await engines[1].refresh_leases()
    async with asyncio.timeout(20):
        while await subjects(second.ledger) != ["a"]:
            await asyncio.sleep(0.005)
    go_on.set()
    await first.clock.advance(16)
    await engines[0].drain(5)
    await engines[1].drain(5)
    assert await subjects(second.ledger) == ["a"]


FEEDS = (Window("feeds", 10, timedelta(hours=1), "the vendor's page, 2026-11-01"),)


async def _spend(process: Process, feeds: int) -> None:
    gate = LaneGate("shop", process.lanes, FEEDS)
    for _ in range(feeds):
        (await gate.begin({"feeds": 1}, 10.0))()


async def test_what_a_killed_owner_spent_of_scarce_calls_is_known_to_the_next(
    processes: tuple[Process, Process],
) -> None:
    first, second = processes
    await first.lanes.acquire(WANTED)
    await _spend(first, 4)
    await second.clock.advance(16)
    await second.lanes.acquire(WANTED)
    await _spend(second, 6)
    with pytest.raises(RateLimited) as refused:
        await _spend(second, 1)
    assert refused.value.retry_after == pytest.approx(3600 - 16, abs=1)


async def test_a_call_begins_only_under_a_lease_that_outlives_it(processes: tuple[Process, Process]) -> None:
    first, _ = processes
    await first.lanes.acquire(WANTED)
    DOING.set(Doing("shop", Urgency.PUBLISH))
    await _spend(first, 1)
    await first.clock.advance(6)
    with pytest.raises(TransientError, match="lease"):
        await _spend(first, 1)


async def test_keys_wait_for_others_where_calls_are_scarce(processes: tuple[Process, Process]) -> None:
    first, _ = processes
    probe = Probe()
    probe.lingers = True
    engine = _engine(first, probe)
    engine.serve({"shop": LaneSpec("acme", "dana@acme.example", linger=timedelta(seconds=20), fill=3)})
    running = asyncio.create_task(engine.run())

    async def touch(*keys: str) -> None:
        async with first.ledger.write() as transaction:
            await work.touch(transaction, [Due("acme", "shop", "probe", key) for key in keys])

    async def until_done(*keys: str) -> None:
        async with asyncio.timeout(20):
            while sorted(await subjects(first.ledger)) != sorted(keys):
                await asyncio.sleep(0.01)
                await first.clock.advance(0.1)

    await touch("a")
    for _ in range(19):
        await asyncio.sleep(0.01)
        await first.clock.advance(1)
    assert probe.seen == []
    await until_done("a")
    await touch("b", "c", "d")  # as many as a call takes
    began = first.clock.monotonic()
    await until_done("a", "b", "c", "d")
    assert first.clock.monotonic() - began < 15
    await engine.drain(5)
    await first.clock.advance(2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _engine(process: Process, probe: Probe) -> Engine:
    engine = Engine(
        process.ledger, process.clock, process.lanes, local=[], connection=[probe],
        owner_of=lambda *_: "dana@acme.example", metrics=Metrics(),
    )  # fmt: skip
    engine.serve({"shop": LaneSpec("acme", "dana@acme.example")})
    return engine


async def test_a_process_frozen_inside_a_transaction_holds_up_nobody_for_long(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tables = Ledger(postgres_url, ManualClock())
    await with_tables.open()
    await with_tables.close()
    monkeypatch.setattr(store, "ABANDONED_MS", 1_000)
    frozen, other = Ledger(postgres_url, ManualClock()), Ledger(postgres_url, ManualClock())
    key = [Due("acme", "shop", "probe", "a")]

    async def freeze_while_another_writes() -> None:
        async with frozen.write() as transaction:
            await work.touch(transaction, key)
            async with asyncio.timeout(20), other.write() as through:
                await work.touch(through, key)
            await work.touch(transaction, key)

    with pytest.raises(sa.exc.DBAPIError):
        await freeze_while_another_writes()
    async with frozen.write() as transaction:
        await work.touch(transaction, key)
    await frozen.close()
    await other.close()
