"""The trusted clock believes a wall clock only while it keeps step with monotonic time; work under a deadline ends with
its result, its deadline or its caller, whichever comes first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.clock import TrustedClock, bounded
from syncd.testing.clock import START, ManualClock

DAY = 86_400
MOST = TrustedClock.LARGEST_STEP
moves = st.lists(st.tuples(st.floats(0, 10 * DAY), st.floats(-10 * DAY, 10 * DAY)), max_size=20)
"""Seconds that pass, then seconds by which the wall clock is put right or wrong."""


# --- a wall clock that jumps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, -1, 119, -119, 120, -120])
def test_a_small_step_is_believed(clock: ManualClock, seconds: float) -> None:
    trusted = TrustedClock(clock)
    clock.step_wall(seconds)
    assert trusted.now() == START + timedelta(seconds=seconds)
    assert not trusted.stepped


@pytest.mark.parametrize("seconds", [121, -121, DAY, -DAY])
def test_after_a_large_step_time_goes_on_by_monotonic_time(clock: ManualClock, seconds: float) -> None:
    trusted = TrustedClock(clock)
    clock.leap(60)
    clock.step_wall(seconds)
    assert trusted.now() == START + timedelta(seconds=60)
    clock.leap(DAY)
    assert trusted.now() == START + timedelta(seconds=60 + DAY)
    assert (trusted.stepped, trusted.step) == (True, timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [600, -600])
@pytest.mark.parametrize("remaining", [0, 119, -119])
def test_a_wall_clock_that_comes_back_is_believed_again(clock: ManualClock, seconds: float, remaining: float) -> None:
    trusted = TrustedClock(clock)
    clock.step_wall(seconds)
    assert trusted.stepped
    clock.leap(30)
    clock.step_wall(remaining - seconds)
    assert not trusted.stepped
    assert trusted.now() == clock.now() == START + timedelta(seconds=30 + remaining)


def test_many_small_steps_are_each_believed(clock: ManualClock) -> None:
    trusted = TrustedClock(clock)
    for _ in range(10):
        clock.step_wall(100)
        assert not trusted.stepped
    assert trusted.now() == START + timedelta(seconds=1000)


def test_a_jump_is_seen_at_the_next_look_however_late_that_is(clock: ManualClock) -> None:
    trusted = TrustedClock(clock)
    clock.leap(30 * DAY)
    clock.step_wall(-121)
    clock.leap(30 * DAY)
    assert trusted.stepped
    assert trusted.now() == START + timedelta(days=60)


def test_an_accepted_time_is_believed_from_then_on(clock: ManualClock) -> None:
    trusted = TrustedClock(clock)
    clock.step_wall(DAY)
    assert trusted.stepped
    trusted.accept()
    assert (trusted.stepped, trusted.step) == (False, timedelta())
    assert trusted.now() == START + timedelta(days=1)
    clock.step_wall(-DAY)
    assert trusted.stepped


@given(moves)
def test_time_as_told_never_jumps_by_more_than_the_largest_step(moved: Sequence[tuple[float, float]]) -> None:
    clock = ManualClock()
    trusted = TrustedClock(clock)
    before = trusted.now()
    for passed, step in moved:
        clock.leap(passed)
        clock.step_wall(step)
        now = trusted.now()
        assert abs(now - before - timedelta(seconds=passed)) <= MOST + timedelta(milliseconds=1)
        assert trusted.stepped is (abs(clock.now() - now) > MOST)
        before = now


# --- an instant that surely has passed -------------------------------------------------------------------------------


def test_a_start_before_the_instant_last_seen_goes_on_from_that_instant(clock: ManualClock) -> None:
    seen = START + timedelta(days=1)
    trusted = TrustedClock(clock, last_seen=seen)
    assert trusted.stepped
    assert trusted.step == timedelta(days=-1)
    clock.leap(60)
    assert trusted.now() == seen + timedelta(seconds=60)
    clock.step_wall(DAY)
    assert not trusted.stepped


@pytest.mark.parametrize("ago", [timedelta(minutes=-2), timedelta(), timedelta(days=400)])
def test_a_start_after_the_instant_last_seen_or_shortly_before_it_is_believed(
    clock: ManualClock, ago: timedelta
) -> None:
    trusted = TrustedClock(clock, last_seen=START - ago)
    assert not trusted.stepped
    assert trusted.now() == START


@given(moves, st.floats(-20 * DAY, 20 * DAY))
@example([(300.0, -DAY)], 60.0)
def test_learning_of_an_instant_never_takes_time_back(moved: Sequence[tuple[float, float]], at: float) -> None:
    clock = ManualClock()
    trusted = TrustedClock(clock)
    for passed, step in moved:
        clock.leap(passed)
        clock.step_wall(step)
        trusted.now()
    before = trusted.now()
    trusted.not_before(START + timedelta(seconds=at))
    assert trusted.now() >= before


# --- a database that keeps another time -----------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "believed"), [(0, True), (120, True), (-120, True), (121, False), (-DAY, False)])
def test_a_wall_clock_far_from_the_databases_is_not_believed(
    clock: ManualClock, seconds: float, believed: bool
) -> None:
    trusted = TrustedClock(clock)
    trusted.compare(START - timedelta(seconds=seconds))
    assert trusted.stepped is not believed
    assert trusted.apart == timedelta(seconds=0 if believed else seconds)
    assert trusted.now() == START, "which of the two is wrong is for a person to say"


def test_a_difference_ends_when_the_clocks_agree_or_a_person_accepts_it(clock: ManualClock) -> None:
    trusted = TrustedClock(clock)
    trusted.compare(START - timedelta(hours=1))
    trusted.compare(START - timedelta(seconds=30))
    assert not trusted.stepped
    trusted.compare(START - timedelta(hours=1))
    trusted.accept()
    assert not trusted.stepped
    trusted.compare(START - timedelta(hours=1, minutes=1))
    assert not trusted.stepped, "what was accepted stays so"
    trusted.compare(START)
    assert not trusted.stepped
    trusted.compare(START + timedelta(hours=1))
    assert trusted.stepped, "another difference is not"


# --- what it passes on -----------------------------------------------------------------------------------------------


async def test_waiting_and_monotonic_time_do_not_mind_a_jump(clock: ManualClock) -> None:
    trusted, event = TrustedClock(clock), asyncio.Event()
    sleeping = asyncio.create_task(trusted.sleep(10))
    waiting = asyncio.create_task(trusted.wait(event, 10))
    await asyncio.sleep(0)
    clock.step_wall(DAY)
    await clock.advance(9)
    assert not sleeping.done()
    event.set()
    assert await waiting
    await clock.advance(1)
    assert sleeping.done()
    assert trusted.monotonic() == clock.monotonic() == 10
    assert trusted.database_now() == clock.database_now()


# --- work under a deadline -------------------------------------------------------------------------------------------


class Work:
    """Waits to be ended, and tells how it ended."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.cancelled, self.clean = asyncio.Event(), asyncio.Event()
        self.ended = False

    async def run(self) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.clean.wait()
            if not self.answer:
                raise
        finally:
            self.ended = True
        return self.answer


async def _of(answer: str | Exception) -> str:
    if isinstance(answer, Exception):
        raise answer
    return answer


async def test_work_that_ends_in_time_gives_its_result_and_leaves_no_alarm(clock: ManualClock) -> None:
    assert await bounded(clock, _of("done"), 5) == "done"
    await asyncio.sleep(0)
    assert clock.next_wake() is None


async def test_the_error_of_work_is_its_callers(clock: ManualClock) -> None:
    with pytest.raises(LookupError, match="lost"):
        await bounded(clock, _of(LookupError("lost")), 5)


async def test_work_that_ends_before_the_deadline_is_not_cut_off(clock: ManualClock) -> None:
    running = asyncio.create_task(bounded(clock, clock.sleep(4), 5))
    await clock.advance(0)
    await clock.advance(4)
    assert running.done()
    assert running.exception() is None


async def test_a_deadline_cancels_the_work_and_waits_for_its_end(clock: ManualClock) -> None:
    work = Work()
    running = asyncio.create_task(bounded(clock, work.run(), 5))
    await clock.advance(0)
    await clock.advance(4.9)
    assert not work.cancelled.is_set()
    await clock.advance(0.1)
    assert work.cancelled.is_set()
    assert not running.done()
    work.clean.set()
    with pytest.raises(TimeoutError, match="within 5 s"):
        await running
    assert work.ended


async def test_a_result_that_comes_with_the_deadline_is_not_thrown_away(clock: ManualClock) -> None:
    work = Work(answer="just in time")
    work.clean.set()
    running = asyncio.create_task(bounded(clock, work.run(), 5))
    await clock.advance(0)
    await clock.advance(5)
    assert await running == "just in time"


async def test_a_callers_cancellation_cancels_the_work(clock: ManualClock) -> None:
    work = Work()
    work.clean.set()
    running = asyncio.create_task(bounded(clock, work.run(), 5))
    await clock.advance(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await clock.advance(0)
    assert work.ended
    assert clock.next_wake() is None
