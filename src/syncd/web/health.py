"""Whether the daemon lives (`/healthz`), whether it can work (`/readyz`), and its metrics (`/metrics`)."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from aiohttp import hdrs, web

from syncd.telemetry import metrics
from syncd.web.models import NoQuery, View
from syncd.web.routing import AnyRoute, Call, PlainRoute, Reply, Route


class Readiness(Protocol):
    """What keeps the daemon from working."""

    async def problems(self) -> list[str]:
        """One sentence each; empty while it can work, also when vendors are down. Returns within a second."""
        ...


class Alive(View):
    """The event loop answers."""

    status: Literal["ok"] = "ok"


class Ready(View):
    """Whether the daemon can work; `problems` says in sentences why not."""

    ready: bool
    problems: list[str]


class Health:
    """Answers supervisors and scrapers, without a token."""

    def __init__(self, readiness: Readiness, measured: metrics.Metrics) -> None:
        self._readiness = readiness
        self._metrics = measured

    def routes(self) -> tuple[AnyRoute, ...]:
        """The routes of the table."""
        ready: dict[int, Any] = {200: Ready, 503: Ready}
        return (
            Route("GET", "/healthz", self.is_alive, "Whether the process answers", None, {200: Alive}, tags=["health"]),
            Route("GET", "/readyz", self.is_ready, "Whether the daemon can work", None, ready, tags=["health"]),
        )

    def plain_routes(self) -> tuple[PlainRoute, ...]:
        """The routes beside it."""
        return (PlainRoute("GET", "/metrics", self.exposition, "Metrics for Prometheus"),)

    async def is_alive(self, call: Call[NoQuery, None]) -> Alive:
        """The event loop answers."""
        return Alive()

    async def is_ready(self, call: Call[NoQuery, None]) -> Reply:
        """200 when nothing is in the way, else 503 with what is."""
        problems = await self._readiness.problems()
        return Reply(503 if problems else 200, Ready(ready=not problems, problems=problems))

    async def exposition(self, request: web.Request) -> web.Response:
        """All metrics as text."""
        headers = {hdrs.CONTENT_TYPE: metrics.CONTENT_TYPE, hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=self._metrics.exposition(), headers=headers)
