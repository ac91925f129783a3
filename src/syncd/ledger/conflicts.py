"""Transactions that PostgreSQL gave up because they and others waited for each other: nothing of them was written."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

_GIVEN_UP = frozenset({"40001", "40P01"})  # serialization failure, deadlock (PostgreSQL, appendix A)


@dataclass(slots=True)
class Commits:
    """How many transactions were committed since somebody began to count."""

    made: int = 0


COUNTED: ContextVar[Commits | None] = ContextVar("COUNTED", default=None)
"""Where the ledger counts the commits of what is done just now, if somebody asked for it."""


def gave_up(error: BaseException) -> bool:
    """Whether this tells that a transaction was given up, so that it may be done again as it was."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _GIVEN_UP


def committed() -> None:
    """Count a commit, where somebody counts."""
    if (counted := COUNTED.get()) is not None:
        counted.made += 1
