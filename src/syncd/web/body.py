"""Reading what a client sends: bytes under a limit and a deadline, and JSON without traps."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from syncd.web import problem
from syncd.web.refusals import (
    BodyTooLarge,
    ContentTypeRefused,
    ExpectationRefused,
    MalformedRequest,
    RequestTooSlow,
)

SECONDS = 30.0
DEPTH = 32
INT64 = 2**63
_EXACT = 2**53


def single_header(request: web.BaseRequest, name: str) -> str | None:
    """The value of a header that must not be repeated.

    Raises:
        MalformedRequest: it is there twice.
    """
    values = request.headers.getall(name, ())
    if len(values) > 1:
        raise MalformedRequest(f"The header {name} is there {len(values)} times.")
    return values[0] if values else None


async def read_body(request: web.BaseRequest, limit: int, seconds: float = SECONDS) -> bytes:
    """The raw body, at most `limit` bytes of it and within `seconds` (of the network's time, not the Clock's).

    Raises:
        BodyTooLarge: it is announced or turns out longer; no more than the limit was kept.
        RequestTooSlow: it was not complete in time.
        ContentTypeRefused: it is compressed.
        MalformedRequest: its framing is broken.
        ConnectionError: the client left before the end.
    """
    if hdrs.CONTENT_ENCODING in request.headers:
        raise ContentTypeRefused("The body has a Content-Encoding.")
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    content = request.content
    try:
        if content.is_eof():
            body = content.read_nowait()
        else:
            await _invite(request)
            async with asyncio.timeout(seconds):
                body = await _read(content, limit)
    except TimeoutError:
        raise RequestTooSlow(f"The body was not complete after {seconds:g} seconds.") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise MalformedRequest("The body breaks off or its framing is broken.") from None
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read(content: Any, limit: int) -> bytes:
    body = bytearray()
    while len(body) <= limit:
        chunk = await content.readany()
        if not chunk:
            break
        body += chunk
    return bytes(body)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is longer than {limit} bytes.", limit=limit)


async def expect(request: web.Request) -> web.StreamResponse | None:
    """Answer an Expect header (aiohttp's expect handler of a route); the 100 is sent when the body is asked for."""
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        return None
    return problem.response(ExpectationRefused("This expectation cannot be met."), request)


async def _invite(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def require_json(request: web.BaseRequest) -> None:
    """
    Raises:
        ContentTypeRefused: the body is not declared as JSON in UTF-8.
    """
    declared = single_header(request, hdrs.CONTENT_TYPE)
    if declared is None or request.content_type.lower() != "application/json":
        raise ContentTypeRefused("The body is not declared as application/json.")
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise ContentTypeRefused("The body is not declared as UTF-8.")


def parse_json(raw: bytes) -> Any:
    """Read JSON that every reader understands alike and every store can hold (compare RFC 7493).

    Returns:
        the value; a number such as 2.0 is the integer 2, as it is to JSON Schema.

    Raises:
        MalformedRequest: not UTF-8 or not JSON; duplicate keys; NaN or infinities; integers beyond 64 bits; nesting
            deeper than 32; NUL or lone surrogates in text.
    """
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_int64
        )
    except RecursionError:
        raise MalformedRequest(f"The JSON is nested deeper than {DEPTH}.") from None
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        what = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise MalformedRequest(what) from None
    for part in _texts(value):
        check_text(part)
    return value


def check_text(text: str) -> None:
    """
    Raises:
        MalformedRequest: the text holds NUL or a lone surrogate.
    """
    if "\0" in text:
        raise MalformedRequest("A text holds the character NUL.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise MalformedRequest("A text holds a lone surrogate.")


def _texts(value: Any) -> Iterator[str]:
    level: list[Any] = [value]
    for _ in range(DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                yield from item.keys()
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
    if level:
        raise MalformedRequest(f"The JSON is nested deeper than {DEPTH}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedRequest("An object of the JSON has the same key twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise MalformedRequest(f"The JSON holds {name}, which is not a number of JSON.")


def _finite(text: str) -> float | int:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedRequest("A number of the JSON is too large.")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _int64(text: str) -> int:
    if len(text) > 20 or not -INT64 <= (number := int(text)) < INT64:
        raise MalformedRequest("An integer of the JSON is beyond 64 bits.")
    return number
