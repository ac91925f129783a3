"""Time that moves only while the daemon is at rest: nothing runs ahead of work that is still being done."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from syncd.testing.clock import START, ManualClock

STALLED_SECONDS = 2.0
"""Real time after which a task that does not move counts as waiting for time to pass."""


def engine_tasks() -> Iterator[asyncio.Task[Any]]:
    """The tasks that carry out work: lane loops, batches, leases, heartbeats, following the configuration."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "").startswith(("Engine.", "App._")):
            yield task


class RestingClock(ManualClock):
    """A clock that knows who waits on it, and lets time pass once everybody does."""

    def __init__(
        self, start: datetime = START, workers: Callable[[], Iterable[asyncio.Task[Any]]] = engine_tasks
    ) -> None:
        """
        Args:
            start: the wall clock's first instant.
            workers: the tasks that must be at rest before time moves.
        """
        super().__init__(start)
        self._workers = workers
        self._sleeping: set[asyncio.Future[None]] = set()

    # --- waiting -------------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._sleep(asyncio.get_running_loop().create_future(), seconds)

    async def wait(self, event: asyncio.Event, timeout: float) -> bool:
        if event.is_set():
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        setting = asyncio.ensure_future(event.wait())
        setting.add_done_callback(lambda _: None if future.done() else future.set_result(None))
        try:
            await self._sleep(future, timeout)
        finally:
            setting.cancel()
        return event.is_set()

    async def _sleep(self, future: asyncio.Future[None], seconds: float) -> None:
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), future))
        self._sleeping.add(future)
        try:
            await future
        finally:
            self._sleeping.discard(future)

    # --- rest ----------------------------------------------------------------------------------------------------

    def running(self) -> list[str]:
        """The names of workers that wait for something else than this clock."""
        return sorted(task.get_name() for task in self._workers() if not task.done() and not self._rests(task))

    def _rests(self, awaited: Any) -> bool:
        if isinstance(awaited, asyncio.Future) and not isinstance(awaited, asyncio.Task):
            children = [child for child in getattr(awaited, "_children", ()) if not child.done()]
            if children:
                return all(self._rests(child) for child in children)
            return awaited in self._sleeping and not awaited.done()
        return self._rests(awaited._fut_waiter) if getattr(awaited, "_fut_waiter", None) is not None else False

    async def rest(self) -> None:
        """Return when every worker waits for time to pass, or has not moved for STALLED_SECONDS of real time."""
        loop = asyncio.get_running_loop()
        seen, since = self._traces(), loop.time()
        while True:
            for _ in range(3):
                await asyncio.sleep(0)
                if self.running():
                    break
            else:
                return
            await asyncio.sleep(0.002)
            traces = self._traces()
            if traces != seen:
                seen, since = traces, loop.time()
            elif loop.time() - since > STALLED_SECONDS and self.next_wake() is not None:
                return

    def _traces(self) -> list[tuple[str, int]]:
        """What each worker waits for, so that one that moves can be told from one that does not."""
        return sorted((task.get_name(), id(getattr(task, "_fut_waiter", None))) for task in self._workers())

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking each sleeper at its instant and letting what it starts come to rest."""
        target = self._monotonic + seconds
        await self.rest()
        while (wake := self.next_wake()) is not None and self._monotonic + wake <= target:
            self._move(wake)
            self._wake_due()
            await self.rest()
        self._move(max(0.0, target - self._monotonic))
