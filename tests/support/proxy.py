"""A proxy before a real server that records every request and disturbs those it is told to.

It stands between a daemon and a peer, or the other way round between a peer that posts events and a daemon. Requests
are handed on byte for byte, the Host header included, so that a peer which makes addresses from it names the proxy.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from syncd.clock import Clock, SystemClock
from tests.support.faults import Fault, Gone, Rule, by_chance
from tests.support.traffic import Answer, Exchange, Traffic

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
LARGEST_BODY = 512 * 1024 * 1024
ADDED_BY_AIOHTTP = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Passage:
    """One request on its way through the proxy: what a fault works on."""

    def __init__(self, proxy: FaultProxy, request: web.Request, exchange: Exchange) -> None:
        self._proxy, self._request = proxy, request
        self.exchange = exchange
        self.clock = proxy.clock

    async def forward(self) -> Answer:
        """Hand the request on once. It reaches the server even if the caller leaves meanwhile.

        Raises:
            Gone: there was no answer.
        """
        return await asyncio.shield(self.background(self._proxy.ask(self.exchange)))

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let work go on after the request is over; the proxy waits for it before it closes."""
        return self._proxy.background(work)

    async def caller_left(self) -> None:
        """Wait until the proxy closes; cancelled when the caller leaves."""
        await self._proxy.closing.wait()

    def hang_up(self) -> web.StreamResponse:
        """Break the connection without a word."""
        if self._request.transport:
            self._request.transport.abort()
        return web.Response()

    def give(self, answer: Answer) -> web.StreamResponse:
        """Hand an answer back as it came."""
        headers = _end_to_end(answer.headers)
        if answer.body:
            headers.pop("content-length", None)
        return web.Response(status=answer.status, headers=headers, body=answer.body or None)


class FaultProxy:
    """An HTTP server on loopback that hands everything on to another one."""

    def __init__(self, upstream: str = "", *, port: int = 0, clock: Clock | None = None) -> None:
        """
        Args:
            upstream: scheme, host and port of the server behind; without one everything is answered with 204.
            port: where to listen; 0 for any free port.
            clock: whose time exchanges carry and delays take.
        """
        self.upstream, self.port, self.clock = upstream, port, clock or SystemClock()
        self.traffic = Traffic()
        self.closing = asyncio.Event()
        self._rules: list[Rule] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- scripting -----------------------------------------------------------------------------------------------

    def disturb(self, fault: Fault, times: int = 1, *, method: str = "", path: str = "") -> Rule:
        """Let the next `times` requests meet a fault; of several rules that fit the earliest counts.

        Args:
            method: only requests with this method.
            path: only requests with a path that this regular expression matches as a whole.
        """
        return self._add(Rule(_fits(method, path), times, lambda: fault))

    def disturb_at_random(
        self, seed: int, faults: list[Fault], times: int, *, share: float = 0.3, method: str = "", path: str = ""
    ) -> Rule:
        """Let `times` requests meet a fault drawn from `faults`, each request with the probability `share`."""
        return self._add(Rule(_fits(method, path), times, by_chance(seed, faults, share)))

    def calm(self) -> None:
        """Let no request meet a fault any more."""
        self._rules.clear()

    def _add(self, rule: Rule) -> Rule:
        self._rules.append(rule)
        return rule

    def _draw(self, exchange: Exchange) -> Fault | None:
        drawn = (rule.draw(exchange) for rule in self._rules)
        return next((fault for fault in drawn if fault is not None), None)

    # --- serving -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FaultProxy]:
        """Listen while the context lasts; when it ends, so does all that is under way."""
        connector = aiohttp.TCPConnector(force_close=True)  # a kept connection may break just as it is used again
        self._client = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            self.closing.set()
            await runner.cleanup()
            await self.settled()
            await self._client.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        address = request.rel_url
        exchange = Exchange(
            request.method, address.raw_path, address.raw_query_string, request.headers, self.clock.monotonic()
        )
        self.traffic.begin(exchange)
        try:
            exchange.body = await request.read()
            response = await self._treat(Passage(self, request, exchange))
            if request.transport and not request.transport.is_closing():
                exchange.status = response.status
            return response
        finally:
            await self.traffic.end(exchange, self.clock.monotonic())

    async def _treat(self, passage: Passage) -> web.StreamResponse:
        fault = self._draw(passage.exchange)
        try:
            if fault is None:
                return passage.give(await passage.forward())
            passage.exchange.fault = repr(fault)
            return await fault(passage)
        except Gone:
            return passage.hang_up()

    async def ask(self, exchange: Exchange) -> Answer:
        """Send a recorded request to the server behind, and note what it answers.

        Raises:
            Gone: there was no answer.
        """
        answer = await self._ask(exchange) if self.upstream else Answer(204)
        exchange.answers.append(answer)
        return answer

    async def _ask(self, exchange: Exchange) -> Answer:
        url = URL(self.upstream + exchange.address, encoded=True)
        try:
            async with self._client.request(
                exchange.method,
                url,
                headers=_end_to_end(exchange.headers),
                data=exchange.body or None,
                allow_redirects=False,
                skip_auto_headers=ADDED_BY_AIOHTTP,
            ) as answer:
                return Answer(answer.status, CIMultiDict(answer.headers), await answer.read())
        except aiohttp.ClientError as error:
            raise Gone(str(error)) from error

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that `settled` waits for."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and not isinstance(task.exception(), Gone | None):
            task.get_loop().call_exception_handler(
                {"message": "the proxy's work failed", "exception": task.exception()}
            )

    async def settled(self) -> None:
        """Wait until nothing goes on in the background: restarts, and requests whose caller left."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


def _fits(method: str, path: str) -> Callable[[Exchange], bool]:
    return lambda exchange: (
        exchange.method == (method or exchange.method) and re.fullmatch(path or ".*", exchange.path) is not None
    )


def _end_to_end(headers: Any) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)
