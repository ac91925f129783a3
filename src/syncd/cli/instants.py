"""Instants as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.errors import RejectedError


class NotAnInstant(RejectedError):
    """Write it as 2026-11-22, 2026-11-22T14:00 or 2026-11-22T14:00+01:00."""

    code = "cli.instant"


def parse(text: str) -> str:
    """The instant in UTC as the API takes it; without an offset it is meant in the reader's own zone.

    Raises:
        NotAnInstant: it cannot be read.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotAnInstant(f"{text!r} is no instant.") from None
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC).isoformat()
