"""What would be written, as a person reads it before it is: lines, their sums, and how one plan differs from another.

Two plans are the same when the same would be written for the same cause; the wording of `why` does not count.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass


class PlanAction(enum.StrEnum):
    """What would be done with one placement; `held` is shown like the others, never left out."""

    ADD = "add"
    REPLACE = "replace"
    MOVE = "move"
    REMOVE = "remove"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One placement of one listing.

    `cause` is the stable name of the reason, `why` its wording; `before` and `after` name what stands there (a public
    name, version or position; "" for nothing).
    """

    connection: str
    listing: str
    action: PlanAction
    key: str
    cause: str = ""
    why: str = ""
    before: str = ""
    after: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        return self.connection, self.listing, self.key

    @property
    def substance(self) -> tuple[str, str, str, str]:
        return self.action.value, self.cause, self.before, self.after


@dataclass(slots=True)
class Counts:
    """How many lines of each action a connection has."""

    add: int = 0
    replace: int = 0
    move: int = 0
    remove: int = 0
    held: int = 0

    @property
    def writes(self) -> int:
        return self.add + self.replace + self.move + self.remove


@dataclass(frozen=True, slots=True)
class Difference:
    """A placement for which two plans say different things; a side is empty where its plan says nothing."""

    connection: str
    listing: str
    key: str
    planned: tuple[PlanLine, ...]
    now: tuple[PlanLine, ...]

    @property
    def words(self) -> str:
        """In a person's words, such as `add → held (no_grant)`."""
        return f"{_said(self.planned)} → {_said(self.now)}"


def summarise(lines: Iterable[PlanLine]) -> dict[str, Counts]:
    """Return the counts of each connection, by its name in order."""
    found: dict[str, Counts] = {}
    for line in lines:
        counts = found.setdefault(line.connection, Counts())
        setattr(counts, line.action.value, getattr(counts, line.action.value) + 1)
    return dict(sorted(found.items()))


def fingerprint(lines: Iterable[PlanLine]) -> str:
    """Return the SHA-256 (64 hex digits) of what would be written, whatever the order of the lines."""
    content = sorted(line.place + line.substance for line in lines)
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def drift(planned: Iterable[PlanLine], now: Iterable[PlanLine]) -> list[Difference]:
    """Return where a plan made now differs from the one a person saw, by connection, listing and key."""
    before, after = _by_place(planned), _by_place(now)
    differences = []
    for place in sorted(before.keys() | after.keys()):
        old, new = before.get(place, ()), after.get(place, ())
        if [line.substance for line in old] != [line.substance for line in new]:
            differences.append(Difference(*place, planned=old, now=new))
    return differences


def _by_place(lines: Iterable[PlanLine]) -> dict[tuple[str, str, str], tuple[PlanLine, ...]]:
    found: dict[tuple[str, str, str], list[PlanLine]] = {}
    for line in lines:
        found.setdefault(line.place, []).append(line)
    return {place: tuple(sorted(those, key=lambda line: line.substance)) for place, those in found.items()}


def _said(lines: tuple[PlanLine, ...]) -> str:
    return ", ".join(_said_one(line) for line in lines) or "nothing"


def _said_one(line: PlanLine) -> str:
    change = " → ".join(side for side in (line.before, line.after) if side)
    return " ".join(word for word in (line.action.value, change, f"({line.cause})" if line.cause else "") if word)
