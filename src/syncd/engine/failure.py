"""What happens to a key that failed: back off, wait, or stop and ask a person. Pure."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from syncd.errors import Bug, RateLimited, Reaction, SyncdError, TransientError
from syncd.ledger.conflicts import gave_up

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(hours=1)
LONGEST_STATED = 86_400.0
"""Seconds; a system that asks for a longer pause is asked again after a day."""

ATTEMPTS_UNTIL_TOLD = 8
"""A transient failure that lasts this many attempts is shown to a person; syncd goes on trying."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`not_before` None: parked until a person acts. `tell`: open an exception."""

    not_before: datetime | None
    tell: bool


def as_syncd_error(error: BaseException) -> SyncdError:
    """Give an unexpected error the shape of ours; its own type stays in the message."""
    if isinstance(error, SyncdError):
        return error
    if isinstance(error, TimeoutError | ConnectionError) or _is_passing(error):
        return TransientError(f"{type(error).__name__}: {error}")
    return Bug(f"{type(error).__name__}: {error}")


def _is_passing(error: BaseException) -> bool:
    """Whether the ledger gave up one of two transactions that waited for each other, was busy, or went away."""
    if not isinstance(error, DBAPIError):
        return False
    busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _BUSY
    return error.connection_invalidated or busy or gave_up(error)


def judge(error: SyncdError, attempts: int, now: datetime, jitter: float) -> Verdict:
    """Decide what a failed key does next.

    Args:
        attempts: how often it was tried, this one included (1 or more).
        jitter: a random number in [0, 1) that spreads retries over half the back-off.
    """
    if error.reaction is Reaction.WAIT and isinstance(error, RateLimited) and error.retry_after is not None:
        return Verdict(now + timedelta(seconds=min(error.retry_after, LONGEST_STATED)), False)
    if error.reaction in (Reaction.RETRY, Reaction.WAIT):
        pause = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_RETRY)
        return Verdict(now + pause * (0.5 + jitter / 2), attempts >= ATTEMPTS_UNTIL_TOLD)
    return Verdict(None, True)
