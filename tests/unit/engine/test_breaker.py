"""The breaker opens after failures in a row, lets single probes through ever more rarely but never stops trying, closes
with the first success, and goes on in another process from what was kept of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.engine.breaker import FIRST_PAUSE, LONGEST_PAUSE, THRESHOLD, Breaker

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
histories = st.lists(st.tuples(st.floats(0, 86_400), st.one_of(st.none(), st.text())), max_size=60)
"""Seconds that pass, then a failure's reason or None for a success."""


def broken(failures: int = THRESHOLD) -> Breaker:
    breaker = Breaker()
    for number in range(failures):
        breaker.failed(NOW, f"no answer {number}")
    return breaker


def lived(history: Sequence[tuple[float, str | None]]) -> tuple[Breaker, datetime]:
    breaker, now = Breaker(), NOW
    for seconds, reason in history:
        now += timedelta(seconds=seconds)
        if reason is None:
            breaker.succeeded()
        else:
            breaker.failed(now, reason)
    return breaker, now


def test_a_new_breaker_admits_everything() -> None:
    assert Breaker().admits(NOW) is None
    assert not Breaker().is_open


def test_it_opens_with_the_last_of_enough_failures_in_a_row() -> None:
    breaker = broken(THRESHOLD - 1)
    assert (breaker.is_open, breaker.admits(NOW)) == (False, None)
    assert breaker.failed(NOW, "no answer")
    assert (breaker.is_open, breaker.admits(NOW), breaker.reason) == (True, 0, "no answer")


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = broken(THRESHOLD - 1)
    assert not breaker.succeeded()
    assert not breaker.failed(NOW, "no answer")
    assert breaker.admits(NOW) is None


def test_one_probe_passes_when_its_time_has_come() -> None:
    breaker = broken()
    assert breaker.admits(NOW + FIRST_PAUSE - INSTANT) == 0
    assert breaker.admits(NOW + FIRST_PAUSE) == 1


def test_a_failed_probe_keeps_it_open_since_the_first_time() -> None:
    breaker, later = broken(), NOW + FIRST_PAUSE
    assert not breaker.failed(later, "still no answer")
    assert (breaker.opened_at, breaker.reason) == (NOW, "still no answer")
    assert breaker.admits(later + 2 * FIRST_PAUSE - INSTANT) == 0
    assert breaker.admits(later + 2 * FIRST_PAUSE) == 1


def test_a_success_closes_it_and_forgets_what_was() -> None:
    breaker = broken(THRESHOLD + 3)
    assert breaker.succeeded()
    assert breaker == Breaker()
    assert not breaker.succeeded()


@pytest.mark.parametrize(("more", "seconds"), [(0, 10), (1, 20), (2, 40), (4, 160), (5, 300), (1000, 300)])
def test_pauses_double_up_to_the_longest(more: int, seconds: float) -> None:
    assert broken(THRESHOLD + more).probe_at == NOW + timedelta(seconds=seconds)


@given(histories)
def test_it_is_never_off_for_good(history: Sequence[tuple[float, str | None]]) -> None:
    breaker, now = lived(history)
    assert breaker.admits(now + LONGEST_PAUSE) == (1 if breaker.is_open else None)


@given(histories)
def test_it_opens_once_and_closes_once(history: Sequence[tuple[float, str | None]]) -> None:
    breaker, now = Breaker(), NOW
    for seconds, reason in history:
        now += timedelta(seconds=seconds)
        was_open = breaker.is_open
        told = breaker.succeeded() if reason is None else breaker.failed(now, reason)
        assert told is (breaker.is_open is not was_open)


@given(histories)
def test_it_comes_back_from_what_was_kept(history: Sequence[tuple[float, str | None]]) -> None:
    breaker, _ = lived(history)
    assert Breaker.from_state(json.loads(json.dumps(breaker.state()))) == breaker


def test_a_lane_that_never_had_one_has_a_new_one() -> None:
    assert Breaker.from_state({}) == Breaker()
