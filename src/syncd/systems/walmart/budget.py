"""What Walmart's answers say of the allowance of the API that was called. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from syncd.sdk import faults

_LEFT = "x-current-token-count"
_RESUMES = ("x-next-replenishment-time", "x-next-replenish-time")  # both spellings stand in Walmart's documents
_LONGEST = 3600.0
_MILLISECONDS = 10**11  # epochs above this are no seconds until the year 5138


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls that are left just now, and seconds until there are more; None where the answer does not tell."""

    left: float | None = None
    resumes_in: float | None = None


def told(headers: httpx.Headers, now: datetime) -> Allowance:
    """The allowance an answer tells, in Walmart's own headers or by Retry-After.

    Args:
        headers: of the answer.
        now: the present instant, aware.
    """
    left = _number(headers.get(_LEFT, ""))
    moment = next((found for name in _RESUMES if (found := _instant(headers.get(name, "")))), None)
    if moment is None:
        return Allowance(left, faults.retry_after(headers, now))
    return Allowance(left, min(max(0.0, (moment - now).total_seconds()), _LONGEST))


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _instant(text: str) -> datetime | None:
    """An instant written as milliseconds or seconds since the epoch, or in ISO 8601."""
    number = _number(text)
    try:
        if number is not None:
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
