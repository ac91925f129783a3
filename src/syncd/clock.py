"""The one source of time: wall, monotonic and waiting. Everything that waits or asks the hour goes through a Clock,
so that a test can run a fortnight in a second (`syncd.testing.clock`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Time as the daemon sees it."""

    def now(self) -> datetime:
        """The wall clock: an aware instant in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back; only differences mean anything."""
        ...

    def database_now(self) -> datetime | None:
        """What a database must take as its own time, or None to let it use its own clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        ...

    async def wait(self, event: asyncio.Event, timeout: float) -> bool:
        """Wait for `event` at most `timeout` seconds of monotonic time; True if it was set."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def database_now(self) -> datetime | None:
        return None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout: float) -> bool:
        try:
            await asyncio.wait_for(event.wait(), timeout)
        except TimeoutError:
            return False
        return True


async def bounded(clock: Clock, work: Awaitable[T], timeout: float) -> T:
    """Run `work` under a deadline of `timeout` seconds of the clock's time.

    Raises:
        TimeoutError: the deadline passed; `work` was cancelled and has ended.
    """
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.sleep(timeout))
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None:
            return task.result()
        raise TimeoutError(f"no result within {timeout:g} s")
    finally:
        alarm.cancel()
        task.cancel()


class TrustedClock:
    """A clock that does not believe a wall clock which jumps: after a step of more than two minutes against monotonic
    time it goes on from the last trusted instant, and says so, until a person accepts the new time or it comes back. It
    says so as well while the database's time is further away than that.
    """

    LARGEST_STEP = timedelta(minutes=2)

    def __init__(self, inner: Clock, *, last_seen: datetime | None = None) -> None:
        """
        Args:
            last_seen: an instant that surely has passed, from before the process was started.
        """
        self._inner = inner
        self._wall, self._monotonic = inner.now(), inner.monotonic()
        self.step = timedelta()
        self._apart = self._accepted = timedelta()
        if last_seen is not None:
            self.not_before(last_seen)

    def not_before(self, instant: datetime) -> None:
        """Take an instant as passed: a wall clock that says less by more than the largest step is not believed."""
        if max(self._inner.now(), self.now()) < instant - self.LARGEST_STEP:
            self._wall, self._monotonic = instant, self._inner.monotonic()

    def compare(self, database: datetime) -> None:
        """Take note of the database's time, read just now. Which of the two is wrong only a person can tell."""
        self._apart = self._inner.now() - database

    @property
    def apart(self) -> timedelta:
        """How far the wall clock is ahead of the database's time; zero where they agree or a person accepted it."""
        off = min(abs(self._apart), abs(self._apart - self._accepted))
        return self._apart if off > self.LARGEST_STEP else timedelta()

    @property
    def stepped(self) -> bool:
        """Whether the wall clock is not believed at present; `step` or `apart` is how far off it is."""
        self.now()
        return bool(self.step or self.apart)

    def now(self) -> datetime:
        wall, monotonic = self._inner.now(), self._inner.monotonic()
        expected = self._wall + timedelta(seconds=monotonic - self._monotonic)
        if abs(wall - expected) > self.LARGEST_STEP:
            self.step = wall - expected
            return expected
        self.step = timedelta()
        self._wall, self._monotonic = wall, monotonic
        return wall

    def accept(self) -> None:
        """Believe the wall clock as it is now."""
        self._wall, self._monotonic, self.step = self._inner.now(), self._inner.monotonic(), timedelta()
        self._accepted = self._apart

    def monotonic(self) -> float:
        return self._inner.monotonic()

    def database_now(self) -> datetime | None:
        return self._inner.database_now()

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout: float) -> bool:
        return await self._inner.wait(event, timeout)
