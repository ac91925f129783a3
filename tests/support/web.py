"""A server that runs for a test, and a client that speaks to its socket byte by byte where it must."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from syncd.telemetry.metrics import Metrics
from syncd.testing.clock import ManualClock
from syncd.web.auth import Principal, Scope, StoredToken, mint
from syncd.web.routing import AnyRoute, PlainRoute
from syncd.web.server import WebServer


class MemoryTokens:
    """Tokens of each scope."""

    def __init__(self) -> None:
        self._stored: dict[str, StoredToken] = {}
        self.texts: dict[Scope, str] = {}
        for scope in Scope:
            token = mint()
            self.texts[scope] = token.text
            self._stored[token.digest] = StoredToken(token.digest, Principal(f"a {scope} token", scope))

    async def find(self, digest: str) -> StoredToken | None:
        return self._stored.get(digest)


@dataclass
class Running:
    """A server that listens."""

    server: WebServer
    port: int
    session: aiohttp.ClientSession
    clock: ManualClock
    metrics: Metrics
    tokens: MemoryTokens

    def bearer(self, scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.texts[scope]}"}

    async def raw(self, *parts: bytes) -> bytes:
        """Send bytes as they are on a connection of their own; all that comes back until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()


class Serve(Protocol):
    def __call__(self, routes: Sequence[AnyRoute] = (), plain: Sequence[PlainRoute] = ()) -> Awaitable[Running]: ...


async def problem_of(response: aiohttp.ClientResponse) -> str:
    """Check that an answer has the problem shape in full; its code."""
    assert response.content_type == "application/problem+json"
    problem = await response.json(content_type=None)
    assert problem["status"] == response.status
    assert problem["type"] == f"urn:syncd:error:{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    return str(problem["code"])
