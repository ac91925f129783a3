"""Servers on loopback ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import aiohttp
import pytest

from syncd.telemetry.metrics import Metrics
from syncd.testing.clock import ManualClock
from syncd.web.auth import Authenticator
from syncd.web.routing import AnyRoute, PlainRoute
from syncd.web.server import WebServer, application
from tests.support.web import MemoryTokens, Running, Serve


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def serve(clock: ManualClock, metrics: Metrics) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(routes: Sequence[AnyRoute] = (), plain: Sequence[PlainRoute] = ()) -> Running:
            tokens = MemoryTokens()
            authenticator = Authenticator(tokens, clock, metrics)
            server = WebServer(application(routes, plain, authenticator=authenticator, clock=clock, metrics=metrics))
            port = await server.start("127.0.0.1", 0)
            stack.push_async_callback(server.stop)
            session = aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(10))
            await stack.enter_async_context(session)
            return Running(server, port, session, clock, metrics, tokens)

        yield start
