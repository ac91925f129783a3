"""Cancels what runs at awaits counted from its start, so that every place where it can be interrupted is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class CancelledAt:
    """Work that is cancelled as it begins to wait for the n-th time (from 0), for each n given."""

    def __init__(self, work: Coroutine[Any, Any, object], *points: int) -> None:
        self._work = work
        self._points = frozenset(points)
        self.awaits = 0
        """How often it began to wait so far."""

    async def run(self) -> bool:
        """Whether the work ended as cancelled; an error of its own is raised."""
        task = asyncio.create_task(self._counted())
        await asyncio.wait({task})
        return task.cancelled() or bool(task.result())

    async def _counted(self) -> None:
        await self

    def __await__(self) -> Generator[Any, None, None]:
        task, steps, error = asyncio.current_task(), self._work.__await__(), None
        assert task is not None
        while True:
            try:
                waited = next(steps) if error is None else steps.throw(error)
            except StopIteration:
                return
            if self.awaits in self._points:
                task.cancel()
            self.awaits += 1
            try:
                yield waited
                error = None
            except BaseException as thrown:
                error = thrown
