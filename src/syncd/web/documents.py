"""`/feeds/{connection}.{extension}`: documents that connectors publish, such as a product feed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import hdrs, web

from syncd.web import conditional
from syncd.web.refusals import UnknownResource
from syncd.web.routing import PlainRoute

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_EXTENSION = re.compile(r"[a-z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """A published document; `changed_at` is when it became what it is, aware."""

    sha256: str
    media_type: str
    changed_at: datetime


class DocumentSource(Protocol):
    """Where published documents are kept."""

    async def find(self, connection: str, extension: str) -> Document | None:
        """The document a connection publishes under this extension now."""
        ...

    async def content(self, document: Document) -> bytes:
        """Its bytes."""
        ...


class Documents:
    """Serves published documents."""

    def __init__(self, source: DocumentSource) -> None:
        self._source = source

    def routes(self) -> tuple[PlainRoute, ...]:
        """The routes to register."""
        path = "/feeds/{connection}.{extension}"
        return tuple(
            PlainRoute(method, path, self.serve, "A document a connection publishes") for method in ("GET", "HEAD")
        )

    async def serve(self, request: web.Request) -> web.Response:
        """200, 304, or a problem with 404."""
        connection, extension = request.match_info["connection"], request.match_info["extension"]
        document = None
        if _NAME.fullmatch(connection) and _EXTENSION.fullmatch(extension):
            document = await self._source.find(connection, extension)
        if document is None:
            raise UnknownResource("There is no document of this name.")
        tag = conditional.etag(document.sha256)
        headers = {hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "public, no-cache"}
        if conditional.unchanged(request, tag, document.changed_at):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = document.media_type
        response = web.Response(body=await self._source.content(document), headers=headers)
        response.last_modified = document.changed_at
        return response
