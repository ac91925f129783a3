"""Whatever the order in which a system notices calls, no limit of it is broken, and none is left unused for good."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.engine.budgets import UNTIL_AN_ANSWER, AtOnceBudget, Budget, PointsBudget, WindowBudget, budget_of
from syncd.sdk.limits import AtOnce, Limit, Points, Window

SOURCE = "the vendor's page, 2026-11-01"
WINDOW = Window("calls", 5, timedelta(seconds=10), SOURCE)

POINTS = Points("points", 100, 10, SOURCE)
EPSILON = 1e-6

Call = tuple[float, float, float, float]
"""Seconds before it is wanted, units, seconds it takes, and at which part of them the system notices it."""
calls = st.lists(
    st.tuples(st.floats(0, 8), st.integers(1, 4).map(float), st.floats(0, 30), st.floats(0, 1)), max_size=40
)


def noticed(
    budget: Budget, wanted: list[Call], urgent: Callable[[int], bool] = lambda _: True
) -> Iterator[tuple[float, float]]:
    """When a system notices the units of calls that each begin as soon as the budget allows."""
    now, under_way = 0.0, list[tuple[float, float]]()

    def answer_until(instant: float) -> None:
        while under_way and min(under_way)[0] <= instant:
            ended, units = min(under_way)
            under_way.remove((ended, units))
            budget.end(ended, units)

    for number, (pause, units, takes, part) in enumerate(wanted):
        now += pause
        answer_until(now)
        while (wait := budget.wait(now, units, urgent=urgent(number))) > 0:
            now = min(under_way)[0] if wait == UNTIL_AN_ANSWER else now + wait + EPSILON
            answer_until(now)
        budget.begin(now, units)
        under_way.append((now + takes, units))
        yield now + takes * part, units


@given(calls)
def test_no_stretch_of_time_holds_more_than_a_window_allows(wanted: list[Call]) -> None:
    seen = sorted(noticed(WindowBudget(WINDOW), wanted))
    for start, _ in seen:
        assert sum(units for at, units in seen if start <= at < start + 10) <= WINDOW.most


@given(calls)
def test_no_points_are_spent_that_the_system_does_not_have(wanted: list[Call]) -> None:
    wanted = [(pause, units * 20, takes, part) for pause, units, takes, part in wanted]
    left, at = POINTS.most, 0.0
    for instant, units in sorted(noticed(PointsBudget(POINTS), wanted)):
        left, at = min(POINTS.most, left + (instant - at) * POINTS.restore) - units, instant
        assert left >= -EPSILON * POINTS.restore * 10


@pytest.mark.parametrize("limit", [WINDOW, POINTS, AtOnce("calls", 5, SOURCE)], ids=lambda limit: type(limit).__name__)
def test_what_has_been_answered_long_ago_costs_nothing(limit: Limit) -> None:
    budget = budget_of(limit)
    for number in range(5):
        assert budget.wait(float(number), 1, urgent=False) == 0
        budget.begin(float(number), 1)
        budget.end(float(number), 1)
    assert budget.wait(1_000, 5, urgent=False) == 0


def test_a_window_tells_the_instant_from_which_enough_is_free() -> None:
    budget = WindowBudget(WINDOW)
    for answered in (0.0, 1.0, 2.0, 3.0, 4.0):
        budget.begin(answered, 1)
        budget.end(answered, 1)
    assert budget.wait(5, 1, urgent=False) == 5.0
    assert budget.wait(5, 3, urgent=False) == 7.0


def test_a_call_without_an_answer_counts_until_it_has_one() -> None:
    budget = WindowBudget(WINDOW)
    budget.begin(0, 5)
    assert budget.wait(1_000, 1, urgent=False) == UNTIL_AN_ANSWER
    budget.end(1_000, 5)
    assert budget.wait(1_000, 1, urgent=False) == 10.0


def test_what_is_kept_in_reserve_is_for_takedowns_alone() -> None:
    budget = WindowBudget(Window("feeds", 3, timedelta(hours=1), SOURCE, reserve=1))
    budget.begin(0, 2)
    budget.end(0, 2)
    assert budget.wait(1, 1, urgent=False) == 3_599.0
    assert budget.wait(1, 1, urgent=True) == 0.0


def test_points_are_what_the_system_says_they_are() -> None:
    budget = PointsBudget(POINTS)
    budget.learn(0, 20, most=200, restore=50)
    assert budget.wait(0, 20, urgent=False) == 0
    assert budget.wait(0, 120, urgent=False) == 2.0
    budget.begin(0, 10)
    budget.learn(0, 20, most=None, restore=None)
    assert budget.wait(0, 20, urgent=False) == 0.2, "the system may not have noticed the call under way"


def test_a_rate_that_is_told_alone_changes_nothing_of_what_was_counted() -> None:
    budget = PointsBudget(Points("patches", 5, 5, "x"))
    for _ in range(5):
        budget.begin(0, 1)
        budget.end(0, 1)
    budget.learn(0.2, None, most=None, restore=0.5)  # one had come back by then, at the rate that was believed
    assert budget.wait(0.2, 1, urgent=False) == 0
    assert budget.wait(0.2, 2, urgent=False) == pytest.approx(2)


@pytest.mark.parametrize("limit", [WINDOW, POINTS, AtOnce("calls", 5, SOURCE)], ids=lambda limit: type(limit).__name__)
def test_what_can_never_be_is_an_error_and_no_endless_wait(limit: Limit) -> None:
    with pytest.raises(ValueError, match="more than"):
        budget_of(limit).wait(0, 101, urgent=True)


def test_at_once_counts_only_what_is_under_way() -> None:
    budget = AtOnceBudget(AtOnce("calls", 2, SOURCE))
    budget.begin(0, 1)
    budget.begin(0, 1)
    assert budget.wait(0, 1, urgent=True) == UNTIL_AN_ANSWER
    budget.end(1, 1)
    assert budget.wait(1, 1, urgent=False) == 0


@given(calls, calls, st.floats(0, 20))
def test_two_owners_one_after_the_other_keep_a_window_together(
    first: list[Call], then: list[Call], unkept: float
) -> None:
    """The first one's state is kept at some instant, and it goes on for a while before the second takes over."""
    before, kept_at = WindowBudget(WINDOW), 0.0
    kept = before.state(kept_at)
    seen = []
    now = 0.0
    for _, units, _, _ in first:
        wait = before.wait(now, units, urgent=True)
        now += 0 if wait == math.inf else wait + (EPSILON if wait else 0)
        before.begin(now, units)
        before.end(now, units)
        seen.append((now, units))
        if now < unkept:
            kept_at, kept = now, before.state(now)
    after = WindowBudget(WINDOW)
    after.restore(now, kept, now - kept_at, now - kept_at + 1)
    seen += [(now + at, units) for at, units in noticed(_Shifted(after, now), then)]
    for start, _ in seen:
        assert sum(units for at, units in seen if start <= at < start + 10) <= WINDOW.most


class _Shifted:
    """A budget whose time begins at another instant."""

    def __init__(self, budget: Budget, start: float) -> None:
        self._budget, self._start = budget, start

    def wait(self, now: float, units: float, *, urgent: bool) -> float:
        return self._budget.wait(self._start + now, units, urgent=urgent)

    def begin(self, now: float, units: float) -> None:
        self._budget.begin(self._start + now, units)

    def end(self, now: float, units: float) -> None:
        self._budget.end(self._start + now, units)
