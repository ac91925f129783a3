"""One step of a listing towards what it should hold: what to write, what to record, what waits and why."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from typing import NamedTuple

from syncd.domain.placement import Desired, Placed, PlacementState, RemovalCause, Seen

UNBOUNDED = sys.maxsize


@dataclass(frozen=True, slots=True)
class Slots:
    """Positions a connection may use, counted from 1 over the whole gallery, and how many media must remain.

    `first` leaves that many less one to others: while they have not filled them, nothing new of ours is added. `last`
    ends the gallery: nothing of others' is pushed beyond it to make room for more of ours.
    """

    first: int = 1
    last: int = UNBOUNDED
    at_least: int = 0


class Hold(enum.StrEnum):
    """Why something is not done now."""

    NO_SLOT = "no_slot"  # an addition: no position is free
    UNCONFIRMED = "unconfirmed"  # an addition: sent, not seen yet
    REFUSED = "refused"  # an addition: the system rejected these bytes
    SAME_PICTURE = "same_picture"  # an addition: the listing gets these bytes under another key
    REPLACEMENT = "replacement"  # a removal: the new version has not been seen yet
    AT_LEAST = "at_least"  # a removal: too few media would remain
    BRAKE = "brake"  # a removal: inferred, and no more of those are allowed


@dataclass(frozen=True, slots=True)
class Held:
    """What waits; with `placed` its removal does, without the addition of `key`."""

    key: str
    why: Hold
    placed: Placed | None = None


class Entry(NamedTuple):
    """One position of the next gallery: ours if `desired` or `placed` is set, else others'.

    `seen` is set where it stands in the listing already; ours without `desired` only waits for its removal.
    """

    seen: Seen | None = None
    desired: Desired | None = None
    placed: Placed | None = None

    @property
    def ours(self) -> bool:
        return self.desired is not None or self.placed is not None


@dataclass(frozen=True, slots=True)
class Add:
    """A rendition to put up; `placed` is its row if the ledger has one (planned, lost, or gone before)."""

    desired: Desired
    placed: Placed | None


@dataclass(frozen=True, slots=True)
class Removal:
    """A placement to take down; `seen` is None if it was sent but never seen."""

    placed: Placed
    cause: RemovalCause
    seen: Seen | None = None

    @property
    def counted(self) -> bool:
        """It uses up the brake; what was being removed already does not do so twice."""
        return self.cause.inferred and self.placed.state not in (
            PlacementState.WITHDRAWING,
            PlacementState.GONE,
        )


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ours was seen and the ledger does not know yet, or knows another external id.

    `desired` is None for a version on its way out, `placed` is None where the ledger has no row for what it sees.
    """

    desired: Desired | None
    placed: Placed | None
    seen: Seen


@dataclass(frozen=True, slots=True)
class Step:
    """What to write and what to record.

    `gallery` is the whole result in order. `losses` are live ones that others removed (they are in `adds` too unless
    no position is free). `gone` can be closed: not wanted and not there. `duplicates` are further copies of ours that
    `gallery` leaves out. `moves` are those of ours whose place among the rest changes.
    With `needs_fresh` the step waits for a new observation, because it would remove; only what was seen is reported.
    """

    gallery: tuple[Entry, ...]
    adds: tuple[Add, ...] = ()
    removes: tuple[Removal, ...] = ()
    duplicates: tuple[Seen, ...] = ()
    moves: tuple[Entry, ...] = ()
    keeps: tuple[Placed, ...] = ()
    confirms: tuple[Confirm, ...] = ()
    losses: tuple[Placed, ...] = ()
    gone: tuple[Placed, ...] = ()
    held: tuple[Held, ...] = ()
    needs_fresh: bool = False
    write_needed: bool = False

    @property
    def brake_used(self) -> int:
        """How many of the inferred removals allowed to the connection this step uses."""
        return sum(removal.counted for removal in self.removes)
