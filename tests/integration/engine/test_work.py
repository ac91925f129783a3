"""Work keys on both stores: touching, claiming, finishing, and what happens when those overlap."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from syncd.engine import work
from syncd.engine.handler import Outcome
from syncd.engine.work import LOCAL, Claim, Due, Finish, Urgency
from syncd.errors import RejectedError, TransientError
from syncd.ledger.store import Ledger
from syncd.ledger.tables import ExceptionRecord, Work
from syncd.testing.clock import ManualClock
from tests.support.engine import Probe, count_work, make_engine, subjects, told, until


async def touch(ledger: Ledger, *keys: str, **options: object) -> None:
    async with ledger.write() as transaction:
        await work.touch(transaction, [Due("acme", LOCAL, "probe", key, **options) for key in keys])  # type: ignore[arg-type]


async def take(ledger: Ledger, limit: int = 10, urgency: Urgency = Urgency.PUBLISH) -> list[Claim]:
    async with ledger.write() as transaction:
        return await work.claim(transaction, ledger, LOCAL, "probe", urgency, limit)


async def end(ledger: Ledger, *finishes: Finish) -> int:
    async with ledger.write() as transaction:
        held = await work.still_held(transaction, [f.claim for f in finishes])
        await work.finish(transaction, finishes, held)
    return len(held)


async def row(ledger: Ledger, key: str) -> sa.Row[tuple[object, ...]]:
    async with ledger.read() as connection:
        return (await connection.execute(sa.select(work.work).where(Work.key == key))).one()


async def test_a_claimed_key_is_given_to_nobody_else(ledger: Ledger) -> None:
    await touch(ledger, "a", "b")
    assert len(await take(ledger, 1)) == 1
    assert [claim.key for claim in await take(ledger)] != []
    assert await take(ledger) == []


async def test_a_finished_key_is_gone(ledger: Ledger) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    await end(ledger, Finish(claim))
    assert await count_work(ledger) == 0


async def test_a_touch_during_a_claim_runs_the_key_again(ledger: Ledger) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    await touch(ledger, "a")
    assert await take(ledger) == []
    await end(ledger, Finish(claim))
    [again] = await take(ledger)
    assert again.generation > claim.generation


async def test_a_key_that_was_mended_while_it_failed_for_good_runs_again(ledger: Ledger) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    await touch(ledger, "a", replay=True)
    await end(ledger, Finish(claim, parked=True, error="not connected"))
    [again] = await take(ledger)
    assert again.failed_before
    await end(ledger, Finish(again, parked=True, error="not connected"))
    assert await take(ledger) == []


async def test_a_key_finished_and_touched_again_is_not_finished_by_the_old_worker(
    ledger: Ledger, clock: ManualClock
) -> None:
    await touch(ledger, "a")
    [old] = await take(ledger)
    await clock.advance(11)
    [new] = await take(ledger)
    await end(ledger, Finish(new))
    await touch(ledger, "a")
    assert await end(ledger, Finish(old)) == 0
    [third] = await take(ledger)
    assert third.generation not in (old.generation, new.generation)


async def test_a_lapsed_claim_is_taken_by_another_and_the_first_may_not_finish(
    ledger: Ledger, clock: ManualClock
) -> None:
    await touch(ledger, "a")
    [first] = await take(ledger)
    await clock.advance(9)
    assert await take(ledger) == []
    await clock.advance(2)
    [second] = await take(ledger)
    assert await end(ledger, Finish(first)) == 0
    assert await end(ledger, Finish(second)) == 1


async def test_a_heartbeat_keeps_a_claim(ledger: Ledger, clock: ManualClock) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    await clock.advance(9)
    async with ledger.write() as transaction:
        await work.heartbeat(transaction, ledger, [claim.token])
    await clock.advance(9)
    assert await take(ledger) == []


async def test_touch_keeps_the_earlier_instant_and_the_more_urgent_class(ledger: Ledger, clock: ManualClock) -> None:
    later = clock.now() + timedelta(hours=1)
    await touch(ledger, "a", at=later, urgency=Urgency.BACKFILL)
    await touch(ledger, "a", at=clock.now())
    await touch(ledger, "a", at=later, urgency=Urgency.TAKEDOWN)
    found = await row(ledger, "a")
    assert (found.due_at, found.urgency) == (clock.now(), 0)


@pytest.mark.parametrize(("replay", "urgency", "runs"), [
    (False, Urgency.PUBLISH, False), (True, Urgency.PUBLISH, True), (False, Urgency.TAKEDOWN, True),
])  # fmt: skip
async def test_only_takedown_and_replay_end_a_back_off(
    ledger: Ledger, clock: ManualClock, replay: bool, urgency: Urgency, runs: bool
) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    later = clock.now() + timedelta(minutes=5)
    await end(ledger, Finish(claim, not_before=later, due_at=later, error="down"))
    await touch(ledger, "a", replay=replay, urgency=urgency)
    assert bool(await take(ledger, urgency=urgency)) is runs


async def test_a_key_runs_again_at_the_instant_its_decision_named(ledger: Ledger, clock: ManualClock) -> None:
    await touch(ledger, "a")
    [claim] = await take(ledger)
    await end(ledger, Finish(claim, due_at=clock.now() + timedelta(days=2)))
    assert await take(ledger) == []
    await clock.advance(2 * 86_400)
    assert len(await take(ledger)) == 1


async def test_two_claimers_at_once_never_share_a_key(ledger: Ledger) -> None:
    await touch(ledger, *[f"k{n}" for n in range(200)])
    batches = await asyncio.gather(*(take(ledger, 30) for _ in range(8)))
    keys = [claim.key for batch in batches for claim in batch]
    assert len(keys) == len(set(keys)) == 200


async def test_the_engine_does_what_is_due_and_takes_takedowns_first(ledger: Ledger, clock: ManualClock) -> None:
    await touch(ledger, *[f"b{n}" for n in range(20)], urgency=Urgency.BACKFILL)
    await touch(ledger, *[f"p{n}" for n in range(20)])
    await touch(ledger, *[f"t{n}" for n in range(20)], urgency=Urgency.TAKEDOWN)
    engine = make_engine(ledger, clock, Probe(batch=5))
    running = asyncio.create_task(engine.run())
    await until(lambda: _drained(ledger))
    done = await subjects(ledger)
    await _stop(engine, running, clock)
    assert [name[0] for name in done] == ["t"] * 20 + ["p"] * 20 + ["b"] * 20


async def test_transient_failures_back_off_and_a_success_closes_what_was_told(
    ledger: Ledger, clock: ManualClock
) -> None:
    fails = 9

    async def answer(claim: Claim) -> Outcome:
        if len(probe.seen) <= fails:
            return Outcome(claim, error=TransientError("the shop does not answer."))
        return Outcome(claim, effects=told(claim))

    probe = Probe(answer=answer)
    await touch(ledger, "a")
    engine = make_engine(ledger, clock, probe)
    running = asyncio.create_task(engine.run())
    for number in range(1, fails + 2):
        await until(lambda number=number: _seen(probe, number))
        await until(lambda: _unclaimed(ledger))
        await clock.advance(3700)
    await until(lambda: _drained(ledger))
    async with ledger.read() as connection:
        [told_of] = (await connection.execute(sa.select(ExceptionRecord.closed_by, ExceptionRecord.times))).all()
    await _stop(engine, running, clock)
    assert told_of.closed_by == "success"
    assert await subjects(ledger) == ["a"]


async def test_a_permanent_failure_parks_the_key_with_its_payload_until_replayed(
    ledger: Ledger, clock: ManualClock
) -> None:
    broken = True

    async def answer(claim: Claim) -> Outcome:
        if broken:
            return Outcome(claim, error=RejectedError("no such brief."), payload={"body": "all of it"})
        return Outcome(claim, effects=told(claim))

    probe = Probe(answer=answer)
    await touch(ledger, "a")
    engine = make_engine(ledger, clock, probe)
    running = asyncio.create_task(engine.run())
    await until(lambda: _exceptions(ledger, 1))
    await clock.advance(3_600)
    assert len(probe.seen) == 1
    async with ledger.read() as connection:
        [letter] = (await connection.execute(sa.select(ExceptionRecord.payload, ExceptionRecord.kind))).all()
    assert (letter.payload["body"], letter.kind) == ("all of it", "dead-letter")
    broken = False
    await touch(ledger, "a", replay=True)
    await until(lambda: _drained(ledger))
    await until(lambda: _exceptions(ledger, 0))
    await _stop(engine, running, clock)


async def test_one_poisonous_key_does_not_hold_up_its_batch(ledger: Ledger, clock: ManualClock) -> None:
    async def answer(claim: Claim) -> Outcome:
        if claim.key == "k3":
            raise RejectedError("poison.")
        return Outcome(claim, effects=told(claim))

    await touch(ledger, *[f"k{n}" for n in range(8)])
    engine = make_engine(ledger, clock, Probe(batch=8, answer=answer))
    running = asyncio.create_task(engine.run())
    await until(lambda: _exceptions(ledger, 1))
    await until(lambda: _work_left(ledger, 1))
    await _stop(engine, running, clock)
    assert sorted(await subjects(ledger)) == [f"k{n}" for n in range(8) if n != 3]


async def test_an_effect_that_cannot_be_written_fails_alone(ledger: Ledger, clock: ManualClock) -> None:
    async def answer(claim: Claim) -> Outcome:
        async def effects(transaction: object) -> None:
            if claim.key == "k3":
                raise RejectedError("cannot be written.")
            await told(claim)(transaction)  # type: ignore[arg-type]

        return Outcome(claim, effects=effects)

    await touch(ledger, *[f"k{n}" for n in range(8)])
    engine = make_engine(ledger, clock, Probe(batch=8, answer=answer))
    running = asyncio.create_task(engine.run())
    await until(lambda: _exceptions(ledger, 1))
    await until(lambda: _work_left(ledger, 1))
    await _stop(engine, running, clock)
    assert sorted(await subjects(ledger)) == [f"k{n}" for n in range(8) if n != 3]


async def _stop(engine: object, running: asyncio.Task[None], clock: ManualClock) -> None:
    await engine.drain(5)  # type: ignore[attr-defined]
    await clock.advance(2)
    await running


async def _drained(ledger: Ledger) -> bool:
    return await count_work(ledger) == 0


async def _work_left(ledger: Ledger, number: int) -> bool:
    return await count_work(ledger) == number


async def _seen(probe: Probe, number: int) -> bool:
    return len(probe.seen) >= number


async def _unclaimed(ledger: Ledger) -> bool:
    async with ledger.read() as connection:
        claimed = sa.select(sa.func.count()).select_from(Work).where(Work.claim_token.is_not(None))  # type: ignore[union-attr]
        return not (await connection.execute(claimed)).scalar_one()


async def _exceptions(ledger: Ledger, number: int) -> bool:
    async with ledger.read() as connection:
        open_ones = sa.select(sa.func.count()).select_from(ExceptionRecord).where(ExceptionRecord.closed_at.is_(None))  # type: ignore[union-attr]
        return (await connection.execute(open_ones)).scalar_one() == number
