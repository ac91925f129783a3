"""The one source of time: wall, monotonic and waiting. Everything that waits or asks the hour goes through a Clock,
so that a test can run a fortnight in a second (`syncd.testing.clock`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
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
