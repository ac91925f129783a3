"""What the framework hands to a connector: its connection, HTTP, time, log, published documents and media bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from syncd.clock import Clock
from syncd.sdk.credentials import Credential
from syncd.sdk.http import HttpClient
from syncd.sdk.limits import Limits
from syncd.sdk.media import Media


class Fetch(Protocol):
    """Streams a file from a URL somebody else chose, guarded against private addresses and endless answers."""

    def __call__(self, url: str) -> AsyncIterator[bytes]: ...


class Documents(Protocol):
    """Documents the daemon serves under `/feeds/{connection}.{extension}`; one publish replaces all at once."""

    async def publish(self, documents: Mapping[str, tuple[str, bytes]]) -> None:
        """Args: documents: extension → (media type, content)."""
        ...

    async def current(self, extension: str) -> bytes | None:
        """What was last published under this extension, from the store itself; None before the first publish."""
        ...

    def url(self, extension: str) -> str:
        """The public URL of a document of this connection."""
        ...


class MediaBytes(Protocol):
    """Reads the bytes of a media item of ours."""

    def __call__(self, media: Media) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True)
class Context:
    """One connection's surroundings. `root` is SYNCD_ROOT: relative paths in options are below it.

    `credentials` are by the names that the system's `authorization` declares; `http` uses the main one by itself.
    """

    connection: str
    brand: str
    owner: str
    root: Path
    public_url: str
    clock: Clock
    http: HttpClient
    limits: Limits
    fetch: Fetch
    documents: Documents
    media: MediaBytes
    log: structlog.stdlib.BoundLogger
    credentials: Mapping[str, Credential] = field(default_factory=dict)
