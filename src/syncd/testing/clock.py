"""Time that tests move: everything in the daemon that waits, waits on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until `advance` is called; sleepers wake in order of their instants."""

    def __init__(self, start: datetime = START) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def database_now(self) -> datetime | None:
        return self._wall

    def step_wall(self, seconds: float) -> None:
        """Move the wall clock alone, as an operator or a bad time server would."""
        self._wall += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), future))
        await future

    async def wait(self, event: asyncio.Event, timeout: float) -> bool:
        if event.is_set():
            return True
        setting = asyncio.ensure_future(event.wait())
        alarm = asyncio.ensure_future(self.sleep(timeout))
        try:
            await asyncio.wait({setting, alarm}, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            setting.cancel()
            alarm.cancel()

    def next_wake(self) -> float | None:
        """Seconds from now until the earliest sleeper wakes."""
        self._drop_cancelled()
        return max(0.0, self._sleepers[0][0] - self._monotonic) if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking each sleeper at its instant and letting it run."""
        target = self._monotonic + seconds
        while (wake := self.next_wake()) is not None and self._monotonic + wake <= target:
            self._move(wake)
            self._wake_due()
            await _settle()
        self._move(target - self._monotonic)
        await _settle()

    def leap(self, seconds: float) -> None:
        """Let `seconds` pass at once, as for a process that stood still: all sleepers that are due wake together."""
        self._move(seconds)
        self._wake_due()

    def _move(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += timedelta(seconds=seconds)

    def _wake_due(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._monotonic + 1e-9:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    def _drop_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


async def _settle() -> None:
    """Give woken tasks a few turns of the loop."""
    for _ in range(20):
        await asyncio.sleep(0)
