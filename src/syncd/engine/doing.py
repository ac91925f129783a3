"""Whose work a task does: set by the engine around a batch, asked by what has to know deep below it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from syncd.engine.work import Urgency


@dataclass(frozen=True, slots=True)
class Doing:
    """The lane a batch belongs to, and how urgent it is."""

    lane: str
    urgency: Urgency


DOING: ContextVar[Doing | None] = ContextVar("doing", default=None)
"""None outside the engine's work: admin calls, the command line."""
