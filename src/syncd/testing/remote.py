"""Time from a socket: another process moves the clock of a daemon under test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.testing.rest import RestingClock


class SocketClock(RestingClock):
    """A clock that is moved through a Unix socket.

    Requests and answers are JSON, one a line. A request is `{"do": NAME, …}`: `now`; `advance`, `leap` or `step_wall`
    by `seconds`; `idle` waits until nothing runs. Every answer holds `now` (ISO 8601), `running` (names of what is not
    at rest) and `next` (seconds until the next sleeper wakes, or null). Commands of the daemon under test are added by
    `command`.
    """

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._commands: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._turn = asyncio.Lock()

    def command(self, name: str, answer: Callable[[dict[str, Any]], Any]) -> None:
        """Let `answer` add to the reply of a further command; it gets the request and may be a coroutine function."""
        self._commands[name] = answer

    async def serve(self, path: Path) -> asyncio.Server:
        """Listen for those who move this clock."""
        return await asyncio.start_unix_server(self._answer_all, path)

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
