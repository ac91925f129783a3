"""`/m/{name}`: public media under names every channel accepts: an extension, no query string, HEAD, short caching."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from aiohttp import hdrs, web

from syncd.clock import Clock
from syncd.web import conditional
from syncd.web.refusals import Gone, UnknownResource
from syncd.web.routing import PlainRoute

MAX_AGE = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}\.[a-z0-9]{2,5}", re.ASCII)
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublicMedia:
    """A file under a public name; `size` in bytes. Since `until`, or when `withdrawn`, it is gone."""

    sha256: str
    size: int
    media_type: str
    until: datetime | None = None
    withdrawn: bool = False


class MediaSource(Protocol):
    """Where public media come from."""

    async def find(self, name: str) -> PublicMedia | None:
        """What stands, or stood, under a public name."""
        ...

    def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the content's bytes from `start` up to, not including, `end`."""
        ...


class MediaPages:
    """Serves public media."""

    def __init__(self, source: MediaSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def routes(self) -> tuple[PlainRoute, ...]:
        """The routes to register."""
        return tuple(PlainRoute(method, "/m/{name}", self.serve, "A public media file") for method in ("GET", "HEAD"))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """200, 206, 304, or a problem with 404, 410 or 416."""
        name = request.match_info["name"]
        media = await self._source.find(name) if _NAME.fullmatch(name) else None
        if media is None:
            raise UnknownResource("There is no media file of this name.")
        seconds = self._seconds_left(media)
        if seconds is None:
            raise Gone("This media file is no longer published.")
        tag = conditional.etag(media.sha256)
        headers = {
            hdrs.ETAG: tag,
            hdrs.CACHE_CONTROL: f"public, max-age={seconds}",
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CONTENT_DISPOSITION: f'inline; filename="{name}"',
        }
        if conditional.unchanged(request, tag):
            return web.Response(status=304, headers=headers)
        part = conditional.wanted_range(request, media.size, tag) if request.method == "GET" else None
        start, end = part or (0, media.size)
        if part:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{media.size}"
        response = web.StreamResponse(status=206 if part else 200, headers=headers)
        response.content_type = media.media_type
        response.content_length = end - start
        return await self._send(request, response, media.sha256, start, end)

    def _seconds_left(self, media: PublicMedia) -> int | None:
        """How long it may be cached; None when it is gone."""
        if media.withdrawn:
            return None
        if media.until is None:
            return MAX_AGE
        left = (media.until - self._clock.now()).total_seconds()
        return min(MAX_AGE, int(left)) if left > 0 else None

    async def _send(
        self, request: web.Request, response: web.StreamResponse, sha256: str, start: int, end: int
    ) -> web.StreamResponse:
        if request.method == "HEAD" or start == end:
            await response.prepare(request)
            return response
        chunks = aiter(self._source.stream(sha256, start, end))
        chunk = await anext(chunks)  # before the headers: a missing file must not begin as a 200
        await response.prepare(request)
        try:
            await response.write(chunk)
            async for chunk in chunks:
                await response.write(chunk)
        except ConnectionError:
            raise
        except Exception as error:
            _log.error("media.broken-off", sha256=sha256, exc_info=error)
            raise ConnectionResetError("the media file broke off") from error
        return response
