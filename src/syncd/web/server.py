"""The HTTP server: applications made from route tables, listening and draining."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import hdrs, web
from pydantic import RootModel

from syncd.clock import Clock
from syncd.telemetry.metrics import Metrics
from syncd.web import openapi, problem, routing
from syncd.web.auth import Authenticator
from syncd.web.body import expect
from syncd.web.endpoint import Endpoint
from syncd.web.models import NoQuery
from syncd.web.refusals import MalformedRequest
from syncd.web.routing import AnyRoute, Call, PlainRoute, Route

HEADER_SECONDS = 75.0
LINGER_SECONDS = 1.0
DRAIN_SECONDS = 15.0

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}


class ApiDocument(RootModel[dict[str, Any]]):
    """The description of this API in OpenAPI 3.1."""


def application(
    routes: Sequence[AnyRoute],
    plain: Sequence[PlainRoute],
    *,
    authenticator: Authenticator,
    clock: Clock,
    metrics: Metrics,
) -> web.Application:
    """Make an aiohttp application that serves exactly these routes, nothing undocumented among the first.

    Args:
        routes: operations of the API; with any, `described` adds the one that serves their description.
        plain: routes whose handlers speak HTTP themselves.
    """
    routing.check(routes)
    app = web.Application(middlewares=[problem.problems])
    app.on_response_prepare.append(_harden)
    for route in routes:
        endpoint = Endpoint(route, authenticator, clock, metrics)
        app.router.add_route(route.method, route.path, endpoint.serve, expect_handler=expect)
    for other in plain:
        app.router.add_route(other.method, other.path, other.handler, expect_handler=expect)
    return app


def described(routes: Sequence[AnyRoute], *, title: str = "syncd", version: str) -> tuple[AnyRoute, ...]:
    """The same routes and `/api/openapi.json`, which describes all of them and itself."""

    async def describe_api(call: Call[NoQuery, None]) -> ApiDocument:
        return described_as

    summary = "This description"
    own = Route("GET", "/api/openapi.json", describe_api, summary, None, {200: ApiDocument}, tags=["api"])
    table = (*routes, own)
    described_as = ApiDocument(openapi.document(table, title=title, version=version))
    return table


class WebServer:
    """One application on one address."""

    def __init__(self, app: web.Application) -> None:
        self._runner = _Runner(
            app,
            handle_signals=False,
            access_log=None,
            keepalive_timeout=HEADER_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=DRAIN_SECONDS,
            auto_decompress=False,
        )

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chose if 0 was given.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, backlog=1024).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, let the requests under way finish for DRAIN_SECONDS, then close every connection."""
        await self._runner.cleanup()


async def _harden(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Say nothing of the software, and leave browsers no room."""
    headers = response.headers
    headers.popall(hdrs.SERVER, None)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)


class _Protocol(web.RequestHandler):
    """Answers what never reaches the application, such as broken HTTP, in the one problem shape."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionError("there is nobody to answer, or half an answer is sent") from exc
        error = exc if status == 500 and exc else MalformedRequest("This is not a request in well-formed HTTP.")
        answer = problem.response(error, request)
        answer.headers.update({**SECURITY_HEADERS, hdrs.SERVER: "syncd"})  # else aiohttp names itself: no signal runs
        answer.force_close()
        return answer


class _Server(web.Server):
    """Makes a _Protocol per connection."""

    def __init__(self, app: web.Server, **options: Any) -> None:
        super().__init__(app.request_handler, request_factory=app.request_factory, **options)
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=asyncio.get_running_loop(), **self._options)


class _Runner(web.AppRunner):
    """Runs an application on a _Server."""

    async def _make_server(self) -> web.Server:
        options = {name: value for name, value in self._kwargs.items() if name != "access_log_class"}
        return _Server(await super()._make_server(), **options)
