"""What went over the wire during one call, without its secrets: shown to whoever tries a connection, and recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx

from syncd.sdk.redact import MASK, Redactor

LONGEST = 1024 * 1024
"""Characters of a body that are kept."""
_WORDS = "token|secret|password|passwd|credential|signature|authorization|cookie|api[-_]?key|access[-_]?key"
_HEADER = re.compile(rf"(?i){_WORDS}|\bkey\b|-key$|auth|hmac")
_MEMBER = re.compile(rf'(?i)("[^"\\]*(?:{_WORDS})[^"\\]*"\s*:\s*)"(?:[^"\\]|\\.)*"')
_TEXT = re.compile(r"(?i)^(text/|application/([\w.+-]*\b)?(json|xml|x-www-form-urlencoded|graphql|yaml))")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back. `status` 0: nothing came back.

    A body that is no text, or was streamed, stands as `<what it was>`.
    """

    method: str
    url: str
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    status: int = 0
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""
    seconds: float = 0.0


_TRACE: ContextVar[list[Exchange] | None] = ContextVar("TRACE", default=None)


@contextmanager
def tracing() -> Iterator[list[Exchange]]:
    """Every exchange of the calls made inside, by whatever client, in the order in which they ended."""
    exchanges: list[Exchange] = []
    before = _TRACE.set(exchanges)
    try:
        yield exchanges
    finally:
        _TRACE.reset(before)


def note(request: httpx.Request, response: httpx.Response | None, redactor: Redactor, seconds: float) -> None:
    """Keep an exchange, where somebody traces; `response` None: none came."""
    kept = _TRACE.get()
    if kept is None:
        return
    kept.append(
        Exchange(
            method=request.method,
            url=redactor.text(str(request.url)),
            request_headers=_headers(request.headers, redactor),
            request=_body(_sent(request), request.headers, redactor),
            status=response.status_code if response else 0,
            answer_headers=_headers(response.headers, redactor) if response else {},
            answer=_body(_received(response), response.headers, redactor) if response else "",
            seconds=round(seconds, 3),
        )
    )


def _headers(headers: httpx.Headers, redactor: Redactor) -> dict[str, str]:
    return {name: MASK if _HEADER.search(name) else redactor.text(value) for name, value in headers.items()}


def _sent(request: httpx.Request) -> bytes | None:
    try:
        return request.content
    except httpx.RequestNotRead:
        return None


def _received(response: httpx.Response) -> bytes | None:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _body(content: bytes | None, headers: httpx.Headers, redactor: Redactor) -> str:
    kind = headers.get("content-type", "")
    if content is None:
        return f"<streamed {kind or 'bytes'}, {headers.get('content-length', 'unknown')} bytes>"
    if content and not _TEXT.match(kind):
        return f"<{kind or 'bytes'}, {len(content)} bytes>"
    text = content.decode("utf-8", "replace")[:LONGEST]
    if "urlencoded" in kind:
        return redactor.text(f"&{text}")[1:]  # its first field is marked by nothing
    return redactor.text(_MEMBER.sub(rf'\g<1>"{MASK}"', text))
