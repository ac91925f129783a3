"""Time that tests move: everything in the daemon that waits, waits on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STALLED_SECONDS = 2.0
"""Real time after which a task that does not move counts as waiting for time to pass."""


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


class SocketClock(ManualClock):
    """A clock that another process moves through a Unix socket, and that moves only while the daemon is at rest.

    Requests and answers are JSON, one a line. A request is `{"do": NAME, …}`: `now`; `advance`, `leap` or `step_wall`
    by `seconds`; `idle` waits until nothing runs. Every answer holds `now` (ISO 8601), `running` (names of what is not
    at rest) and `next` (seconds until the next sleeper wakes, or null). Commands of the daemon under test are added by
    `command`.
    """

    def __init__(self, start: datetime, workers: Callable[[], Iterable[asyncio.Task[Any]]]) -> None:
        """
        Args:
            start: the wall clock's first instant.
            workers: the tasks that must be at rest before time moves.
        """
        super().__init__(start)
        self._workers = workers
        self._sleeping: set[asyncio.Future[None]] = set()
        self._commands: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._turn = asyncio.Lock()

    def command(self, name: str, answer: Callable[[dict[str, Any]], Any]) -> None:
        """Let `answer` add to the reply of a further command; it gets the request and may be a coroutine function."""
        self._commands[name] = answer

    async def serve(self, path: Path) -> asyncio.Server:
        """Listen for those who move this clock."""
        return await asyncio.start_unix_server(self._answer_all, path)

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
            await asyncio.sleep(0.001)
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

    # --- the socket ----------------------------------------------------------------------------------------------

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                async with self._turn:
                    answer = await self._answer(json.loads(line))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        found: Any = {}
        match request["do"]:
            case "advance":
                await self.advance(float(request["seconds"]))
            case "leap":
                self.leap(float(request["seconds"]))
                await self.rest()
            case "step_wall":
                self.step_wall(float(request["seconds"]))
            case "idle":
                await self.rest()
            case "now":
                pass
            case name:
                found = self._commands[name](request)
                found = await found if asyncio.iscoroutine(found) else found
        return {"now": self._wall.isoformat(), "running": self.running(), "next": self.next_wake(), **(found or {})}
