"""A system opened on its fake vendor: connector, client and limits as in production, time in the test's hand."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import respx
import structlog

from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.sdk.context import Context
from syncd.sdk.http import open_client
from syncd.sdk.limits import CALLS
from syncd.sdk.media import Media
from syncd.sdk.oauth.declaration import Authorization, declared_by
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.sdk.system import System, WriteSafety
from syncd.testing.clock import ManualClock
from syncd.testing.logins import logged_in
from syncd.testing.vendor import Vendor

T = TypeVar("T")
V = TypeVar("V", bound=Vendor)
PUBLIC = "https://media.acme.example"
LONGEST = 3 * 3600.0
"""Virtual seconds after which work that has not ended never will."""


class Account(Generic[V]):
    """One account at a fake vendor, and everything a connector is handed."""

    def __init__(self, system: type[System], options: Mapping[str, Any], role: Role, vendor: V, clock: ManualClock):
        self.system_class, self.role, self.vendor, self.clock = system, role, vendor, clock
        self.options = system.options.model_validate(options)
        self.secrets = [text for text in secrets_of(self.options) if len(text) >= 4]
        self.bytes: dict[str, bytes] = {}
        self.system: Any = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        """A new instance, as after a restart; the vendor remembers."""
        limiter = Limiter("conformance", self.clock, self.system_class.limits(self.options))
        http = open_client(
            "conformance", self.clock, self.secrets, deadline=self.system_class.call_deadline,
            overrides=self.system_class.faults, gate=_Gate(limiter),
            repeatable=self.system_class.write_safety is WriteSafety.IDEMPOTENT,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as root:
            async with http, logged_in(self._declared, http, self.clock) as credentials:
                context = replace(self._context(http, limiter, Path(root)), credentials=credentials)
                self.system = self.system_class(context, self.options, self.role)
                yield self.system
                await self.system.close()
        limiter.close()

    def _declared(self) -> Mapping[str, Authorization]:
        return declared_by(self.system_class, self.options)

    def _context(self, http: Any, limiter: Limiter, root: Path) -> Context:
        return Context(
            connection="conformance", brand="acme", owner="dana@acme.example", root=root, public_url=PUBLIC,
            clock=self.clock, http=http, limits=_Gate(limiter), fetch=self._fetch, documents=_NoDocuments(),
            media=self._media, log=structlog.get_logger("syncd.connection"),
        )  # fmt: skip

    async def _media(self, media: Media) -> AsyncIterator[bytes]:
        yield self.bytes[media.sha256]

    async def _fetch(self, url: str) -> AsyncIterator[bytes]:
        yield self.bytes[url.rsplit("/", 1)[-1].partition("-")[0]]

    def medium(self, content: str, *, placement: str = "", role: str = "lifestyle", version: int = 1) -> Media:
        """A picture of ours; its bytes are a small JPEG's, told apart by `content`."""
        data = b"\xff\xd8\xff\xe0" + content.encode() + b"\xff\xd9"
        digest = hashlib.sha256(data).hexdigest()
        self.bytes[digest] = self.bytes[digest[:20]] = data
        name = f"{digest[:20]}-{digest[20:36]}.jpg"
        return Media(
            placement or f"P{digest[:11].upper()}", name, f"{PUBLIC}/m/{name}", digest, len(data), "image/jpeg", role,
            asset=f"A{digest[:11].upper()}", version=version, alt=f"Alt of {content}", width=2000, height=2000,
        )  # fmt: skip

    async def run(self, work: Awaitable[T]) -> T:
        """The result of work while time passes as it needs."""
        task = asyncio.ensure_future(work)
        began = self.clock.monotonic()
        try:
            while not task.done() and self.clock.monotonic() - began < LONGEST:
                await asyncio.sleep(0)
                await self.clock.advance(min(self.clock.next_wake() or 0.0, 60.0))
        finally:
            if not task.done():
                task.cancel()
        return await task


class _Gate:
    """Every call passes the declared limits."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self.learn, self.hold = limiter.learn, limiter.hold

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        return await self._limiter.begin({CALLS: 1.0, **spend}, Urgency.PUBLISH, 2 * 3600.0)


class _NoDocuments:
    """Systems of vendors publish no documents of ours."""

    async def publish(self, documents: Mapping[str, tuple[str, bytes]]) -> None:
        raise AssertionError("a vendor's system publishes no documents")

    async def current(self, extension: str) -> bytes | None:
        return None

    def url(self, extension: str) -> str:
        return f"{PUBLIC}/feeds/conformance.{extension}"


@asynccontextmanager
async def exchanges(account: Account[Any]) -> AsyncIterator[respx.MockRouter]:
    """All HTTP goes to the fake, but for our own public media, which answer."""
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.route(host=PUBLIC.removeprefix("https://")).mock(side_effect=_serve(account))
        router.route().mock(side_effect=account.vendor)
        yield router


def _serve(account: Account[Any]) -> Callable[[Any], Any]:
    import httpx

    async def serve(request: httpx.Request) -> httpx.Response:
        data = account.bytes.get(request.url.path.rsplit("/", 1)[-1].partition("-")[0])
        if data is None:
            return httpx.Response(404)
        return httpx.Response(200, content=data, headers={"content-type": "image/jpeg"})

    return serve


def tasks() -> Sequence[asyncio.Task[Any]]:
    """What else runs in this loop."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
