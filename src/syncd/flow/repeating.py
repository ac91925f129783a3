"""What people ask for is done again when PostgreSQL gave it up for another transaction, as workers do by themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from syncd.errors import TransientError
from syncd.ledger.conflicts import COUNTED, Commits, gave_up

T = TypeVar("T")
ATTEMPTS = 5
"""PostgreSQL gives up one of those that wait for each other, so the others go on: five in a row are not by chance."""


async def repeated(body: Callable[[], Awaitable[T]]) -> T:
    """Do something whose transaction may be given up for another, again if nothing of it was committed.

    Args:
        body: makes what to await; called up to ATTEMPTS times.

    Raises:
        TransientError: it was given up each time, or after a part of it had been committed.
    """
    commits = Commits()
    before = COUNTED.set(commits)
    try:
        attempts = 0
        while True:
            attempts += 1
            try:
                return await body()
            except DBAPIError as error:
                if not gave_up(error):
                    raise
                if commits.made or attempts == ATTEMPTS:
                    what = "The ledger gave this up for other work that waited for the same rows."
                    raise TransientError(what, remedy="Send the same request again.") from error
    finally:
        COUNTED.reset(before)
