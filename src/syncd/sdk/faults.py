"""Which error a system's answer is: one table from status to error, of which a connector may override rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from syncd.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    NotFoundError,
    RateLimited,
    RejectedError,
    SyncdError,
    TransientError,
)

FaultTable = Mapping[int, type[SyncdError]]

# RFC 9110 and, for 425, 429 and 451, RFC 8470, RFC 6585 and RFC 7725.
FAULTS: FaultTable = {
    401: AuthError,
    403: AuthError,
    404: NotFoundError,
    408: TransientError,
    409: ConflictError,
    410: NotFoundError,
    412: ConflictError,
    425: TransientError,
    429: RateLimited,
    501: RejectedError,
    505: RejectedError,
}
NOT_MODIFIED = 304
_MOVED = "Correct the address in the connection's options."


def of_status(status: int, overrides: FaultTable) -> type[SyncdError] | None:
    """The error a status stands for, None for success.

    Args:
        status: of the answer.
        overrides: rows of the connector, which win.
    """
    if status in overrides:
        return overrides[status]
    if status < 300 or status == NOT_MODIFIED:
        return None
    if status < 400:
        return ConfigError
    return FAULTS.get(status, TransientError if status >= 500 else RejectedError)


def retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds until the system takes calls again, from `Retry-After` (RFC 9110: seconds or a date), if it says so.

    Args:
        headers: of the answer; a date is judged by the answer's own `Date` where it has one.
        now: the present instant.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        until = _date(text)
        seconds = (until - (_date(headers.get("date", "")) or now)).total_seconds() if until else math.nan
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def of_response(
    response: httpx.Response, overrides: FaultTable, call: str, excerpt: str, now: datetime
) -> SyncdError | None:
    """The error an answer is, None for success.

    Args:
        response: as received.
        overrides: the connector's rows.
        call: connection, method and URL, without secrets.
        excerpt: the beginning of the body, without secrets.
        now: the present instant.
    """
    fault = of_status(response.status_code, overrides)
    if fault is None:
        return None
    what = f"{call} was answered {response.status_code}{f': {excerpt}' if excerpt else ''}."
    wait = retry_after(response.headers, now)
    if issubclass(fault, RateLimited) or (fault is TransientError and wait is not None):
        return RateLimited(what, retry_after=wait, status=response.status_code)
    if fault is ConfigError and 300 <= response.status_code < 400:
        what = f"{call} has moved ({response.status_code})."
        return ConfigError(what, remedy=_MOVED, status=response.status_code)
    return fault(what, status=response.status_code)


def of_exception(error: Exception, call: str, detail: str) -> SyncdError:
    """The error a failed exchange is.

    A name that cannot be resolved arrives as a connect time-out, as do broken connections: all are transient.

    Args:
        error: as raised by the transport.
        call: connection, method and URL, without secrets.
        detail: the error's text, without secrets.
    """
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ConfigError(f"{call} cannot be called: {detail}.", remedy=_MOVED)
    if isinstance(error, httpx.TooManyRedirects):
        return ConfigError(f"{call} redirects without end.", remedy=_MOVED)
    return TransientError(f"{call} failed: {type(error).__name__}{f': {detail}' if detail else ''}.")
