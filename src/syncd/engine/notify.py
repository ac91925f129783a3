"""Tells the other processes on PostgreSQL that lanes got work. Only a hint that saves waiting: polling is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import asyncpg
import sqlalchemy as sa
import structlog

from syncd.clock import Clock

CHANNEL = "syncd_work"
AGAIN = 5.0
_LONGEST = 7_000  # bytes; PostgreSQL takes payloads of less than 8000

log = structlog.get_logger("syncd.notify")


class Notifier:
    """Sends NOTIFY after commits on a connection of its own, many commits in one, and hears the others'."""

    def __init__(self, url: sa.URL, clock: Clock, wake: Callable[[Collection[str]], None]) -> None:
        self._url, self._clock, self._wake = url, clock, wake
        self._lanes: set[str] = set()
        self._some = asyncio.Event()

    def committed(self, lanes: Collection[str]) -> None:
        """Note lanes to tell the others of; returns at once."""
        self._lanes.update(lanes)
        self._some.set()

    async def run(self) -> None:
        """Send and listen until cancelled; a lost connection is made again."""
        while True:
            try:
                await self._serve()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                log.warning("cannot notify other processes; they poll", event_id="notify.down", error=str(error))
            await self._clock.sleep(AGAIN)

    async def _serve(self) -> None:
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(dsn)
        try:
            connection.add_termination_listener(lambda _: self._some.set())
            await connection.add_listener(CHANNEL, self._heard)
            while not connection.is_closed():
                await self._some.wait()
                self._some.clear()
                lanes, self._lanes = sorted(self._lanes), set()
                payload = " ".join(lanes)
                hint = payload if len(payload) < _LONGEST else "*"
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, hint)
        finally:
            await connection.close()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        self._wake(str(payload).split())
