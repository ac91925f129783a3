"""Surroundings for systems under test: contexts with real files, and a loopback host for documents and media."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from syncd.sdk.context import Context
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.limits import Open
from syncd.sdk.media import Media
from syncd.testing.clock import ManualClock


class Host:
    """A loopback web server whose answers a test sets: path → bytes, or a handler."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.handlers: dict[str, object] = {}
        self.calls: list[tuple[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((request.method, request.path))
        handler = self.handlers.get(request.path)
        if handler is not None:
            return await handler(request)  # type: ignore[operator]
        body = self.pages.get(request.path)
        if body is None:
            return web.Response(status=404)
        tag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        if request.headers.get("if-none-match") == tag:
            return web.Response(status=304, headers={"etag": tag})
        return web.Response(body=body, headers={"etag": tag})


@asynccontextmanager
async def host() -> AsyncIterator[Host]:
    served = Host()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        await runner.cleanup()


class HostedDocuments:
    """Published documents of one connection, served by a host."""

    def __init__(self, served: Host, connection: str) -> None:
        self._host, self._connection = served, connection
        self.publishes = 0

    async def publish(self, documents: Mapping[str, tuple[str, bytes]]) -> None:
        self.publishes += 1
        for extension, (_, content) in documents.items():
            self._host.pages[f"/feeds/{self._connection}.{extension}"] = content

    async def current(self, extension: str) -> bytes | None:
        return self._host.pages.get(f"/feeds/{self._connection}.{extension}")

    def url(self, extension: str) -> str:
        return f"{self._host.url}/feeds/{self._connection}.{extension}"


def context(
    root: Path,
    clock: ManualClock,
    *,
    http: HttpClient | None = None,
    served: Host | None = None,
    media: Mapping[str, bytes] | None = None,
) -> Context:
    """A context named `test`; `media` holds bytes by their hash."""
    served = served or Host()

    async def read(item: Media) -> AsyncIterator[bytes]:
        content = (media or {})[item.sha256]
        for start in range(0, len(content), 3):
            yield content[start : start + 3]

    async def fetch(url: str) -> AsyncIterator[bytes]:
        yield served.pages[url]

    return Context(
        connection="test",
        brand="acme",
        owner="dana@acme.example",
        root=root,
        public_url=served.url,
        clock=clock,
        http=http or open_client("test", clock),
        limits=Open(),
        fetch=fetch,
        documents=HostedDocuments(served, "test"),
        media=read,
        log=structlog.get_logger(),
    )


def media(
    content: bytes,
    *,
    placement: str = "P1",
    asset: str = "A1",
    version: int = 1,
    url: str = "",
    name: str = "",
    media_type: str = "image/jpeg",
) -> Media:
    """A media item with these bytes."""
    digest = hashlib.sha256(content).hexdigest()
    name = name or f"{digest[:12]}-tok.{'mp4' if media_type.startswith('video') else 'jpg'}"
    return Media(
        placement,
        name,
        url or f"http://media.example/m/{name}",
        digest,
        len(content),
        media_type,
        "lifestyle",
        asset,
        version,
    )


@asynccontextmanager
async def token_server(port: int, tokens: Mapping[str, str]) -> AsyncIterator[None]:
    """A server that says whose an OAuth token is: token → user."""

    async def info(request: web.Request) -> web.Response:
        user = tokens.get(request.query.get("access_token", ""))
        return web.json_response({"active": "true", "username": user} if user else {"active": "false"})

    app = web.Application()
    app.router.add_get("/tokeninfo", info)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
