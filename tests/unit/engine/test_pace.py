"""How long work takes at an account's pace, held against the limiter that keeps it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.engine.limiter import Limiter
from syncd.engine.pace import ANSWER, seconds_for
from syncd.engine.work import Urgency
from syncd.sdk.limits import AtOnce, Points, Window
from syncd.testing.clock import ManualClock

SOURCE = "the vendor's page, 2026-11-01"
FEEDS = Window("feeds", 10, timedelta(hours=1), SOURCE, reserve=1)


@pytest.mark.parametrize(
    ("units", "seconds"),
    [
        ({"feeds": 9}, 0), ({"feeds": 10}, 3600), ({"feeds": 19}, 7200), ({"points": 1000}, 0), ({"points": 1100}, 2),
        ({"calls": 40}, 40 * ANSWER / 4), ({"unheard-of": 1e9}, 0), ({"feeds": 10, "points": 1100}, 3600),
    ],
)  # fmt: skip
def test_the_tightest_limit_tells(units: dict[str, float], seconds: float) -> None:
    limits = [FEEDS, Points("points", 1000, 50, SOURCE), AtOnce("calls", 4, SOURCE)]
    assert seconds_for(limits, units) == pytest.approx(seconds)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 5))
async def test_it_is_what_the_limiter_takes(calls: int, most: int, seconds: int) -> None:
    clock, limits = ManualClock(), [Window("calls", most, timedelta(seconds=seconds), SOURCE)]
    limiter, began = Limiter("shop", clock, limits), list[float]()

    async def call() -> None:
        (await limiter.begin({"calls": 1}, Urgency.PUBLISH, 1e9))()
        began.append(clock.monotonic())

    tasks = [asyncio.create_task(call()) for _ in range(calls)]
    await clock.advance(0)
    await clock.advance(calls * seconds + 1)
    await asyncio.gather(*tasks)
    limiter.close()
    assert max(began) == pytest.approx(seconds_for(limits, {"calls": calls}), abs=0.1)
