"""Conditional and partial requests (RFC 9110, sections 13 and 14): what of a file a client still needs."""

from __future__ import annotations

import re
from datetime import datetime

from aiohttp import hdrs, web

from syncd.web.refusals import RangeRefused

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


def etag(sha256: str) -> str:
    """The strong entity tag of content with this hash."""
    return f'"{sha256}"'


def unchanged(request: web.BaseRequest, tag: str, changed_at: datetime | None = None) -> bool:
    """Whether the client has the content already (304). If-None-Match decides where it is there."""
    given = request.headers.get(hdrs.IF_NONE_MATCH)
    if given is not None:
        return given.strip() == "*" or tag in _TAG.findall(given)
    since = request.if_modified_since
    return changed_at is not None and since is not None and changed_at.replace(microsecond=0) <= since


def wanted_range(request: web.BaseRequest, size: int, tag: str) -> tuple[int, int] | None:
    """The one range asked for as `(start, end)` in bytes, end excluded; None for the whole.

    Several ranges, other units and a stale If-Range get the whole, as RFC 9110 allows.

    Raises:
        RangeRefused: the range lies outside the content (416).
    """
    match = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, "").replace(" ", ""))
    if match is None or match[0] == "bytes=-" or request.headers.get(hdrs.IF_RANGE, tag) != tag:
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size:
        raise RangeRefused(f"The content has {size} bytes.", headers={hdrs.CONTENT_RANGE: f"bytes */{size}"}, size=size)
    return start, end
