"""A request and its answer, as far as a contract speaks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def media_type(headers: Mapping[str, str]) -> str:
    """The media type that these headers state, without parameters and in lower case; "" if none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire; `headers` are found by lower-case names."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", self.method.upper())
        object.__setattr__(self, "headers", _lowered(self.headers))

    @classmethod
    def of(cls, request: httpx.Request) -> Request:
        """From httpx; its body must be in memory (`request.read()`, `await request.aread()`)."""
        return cls(request.method, str(request.url), request.headers, request.content)

    @property
    def path(self) -> str:
        """The URL's path, still percent-encoded."""
        return urlsplit(self.url).path

    @property
    def query(self) -> str:
        """The URL's query, still percent-encoded."""
        return urlsplit(self.url).query


@dataclass(frozen=True)
class Answer:
    """What came back, or what a fake is about to give."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", _lowered(self.headers))

    @classmethod
    def of(cls, response: httpx.Response) -> Answer:
        """From httpx; its body must be in memory (`response.read()`, `await response.aread()`)."""
        return cls(response.status_code, response.headers, response.content)
