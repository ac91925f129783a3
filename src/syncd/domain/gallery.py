"""What a listing's media should become: the difference between what is desired and what is seen, one step at a time.

Others' media are never dropped and keep their order. Replacing makes before it breaks: the old version leaves when the
new one has been seen, or in the same write where no position is free for both. A legal reason breaks first. All other
removals respect `at_least`, inferred ones the brake. Applied, observed and computed again, a listing comes to rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncd.domain import layout
from syncd.domain.placement import Desired, Placed, PlacementState, RemovalCause, Seen
from syncd.domain.recognise import recognise
from syncd.domain.rest import at_rest
from syncd.domain.step import Add, Confirm, Entry, Held, Hold, Removal, Slots, Step

_UNDERWAY = (PlacementState.SENT, PlacementState.ACCEPTED)
_STANDING = (PlacementState.LIVE, PlacementState.SHOWN)
_CLOSED = (PlacementState.GONE, PlacementState.REJECTED)


def reconcile(
    desired: Sequence[Desired],
    placed: Sequence[Placed],
    seen: Sequence[Seen],
    slots: Slots,
    causes: Mapping[str, RemovalCause],
    brake_allows: int,
    fresh: bool,
) -> Step:
    """Compute the next step of one listing.

    Args:
        desired: what should stand there and may now, one per key, in any order.
        placed: all rows the ledger has for the listing.
        seen: the listing's media in their order.
        causes: why keys are not desired (any more); for a desired key an urgent cause is that of its older versions.
        brake_allows: how many inferred removals the connection has left (see `brake.allowed`).
        fresh: the observation is recent enough to remove something on its word.
    """
    resting = at_rest(desired, placed, seen, slots)
    return resting or Draft(desired, placed, seen, slots, causes, brake_allows).step(fresh)


@dataclass(slots=True)
class _Leaver:
    """A row that is not desired as it is; `at` is where it was seen, `waits` why it has not been taken away."""

    row: Placed
    cause: RemovalCause
    at: int | None
    waits: Hold | None = None


class Draft:
    """The working state of one step. `count` is how many of ours the next gallery holds so far."""

    def __init__(
        self,
        desired: Sequence[Desired],
        placed: Sequence[Placed],
        seen: Sequence[Seen],
        slots: Slots,
        causes: Mapping[str, RemovalCause],
        brake_allows: int,
    ) -> None:
        self.held: list[Held] = []
        self.by_name = self._distinct(desired)
        self.wanted = list(self.by_name.values())
        self.keys = {one.key for one in self.wanted}
        self.placed, self.seen, self.slots, self.causes = placed, seen, slots, causes
        self.found = recognise(self.by_name, placed, seen)
        self.rows: dict[str, Placed] = {}
        self.brake, self.spare = brake_allows, len(seen) - slots.at_least
        self.count = len(seen) - len(self.found.foreign)
        self.leavers: list[_Leaver] = []
        self.waiting: list[_Leaver] = []  # leave when their place is needed, or later
        self.olds: dict[str, list[_Leaver]] = {}  # older versions of desired keys
        self.chosen: list[Desired] = []
        self.excess: list[_Leaver] = []  # rows of desired keys that are ranked too low, highest first
        self.adds: list[Add] = []
        self.removes: list[Removal] = []
        self.left: set[int] = set()  # indexes of `seen` the next gallery does not hold
        self.duplicates: list[Seen] = []
        self.gone: list[Placed] = []
        self.losses: list[Placed] = []
        self.added: set[str] = set()
        self.pending: set[str] = set()
        self.place_of: dict[str, int] = {}  # keys that take over a place: its index in `seen`

    def _distinct(self, desired: Sequence[Desired]) -> dict[str, Desired]:
        found: dict[str, Desired] = {}
        for one in sorted(desired, key=lambda one: one.order) if len(desired) > 1 else desired:
            if found.setdefault(one.fingerprint, one) is not one:
                self.held.append(Held(one.key, Hold.SAME_PICTURE))
        return found

    # --- removals -----------------------------------------------------------------------------------------------

    def take_away(self) -> None:
        """Decide on all that is not desired; older versions of desired keys wait for their replacement."""
        for row in self.placed:
            self._sort_out(row)
        self.leavers.sort(key=lambda leaver: not leaver.cause.urgent)
        for leaver in self.leavers:
            if leaver.row.key in self.keys and leaver.at is not None:
                self.place_of.setdefault(leaver.row.key, leaver.at)
            if leaver.row.key in self.keys and leaver.at is not None and not leaver.cause.urgent:
                self.olds.setdefault(leaver.row.key, []).append(leaver)
            elif not self._leave(leaver):
                self.waiting.append(leaver)
        for index in self.found.extras:
            if self.spare > 0:
                self.spare -= 1
                self.count -= 1
                self.left.add(index)
                self.duplicates.append(self.seen[index])

    def _sort_out(self, row: Placed) -> None:
        """Is it the row of something desired, one that leaves, or one that can be closed?"""
        wanted = self.by_name.get(row.fingerprint)
        if wanted is not None and wanted.key == row.key:
            known = self.rows.setdefault(row.key, row)
            if known.state == PlacementState.GONE:
                self.rows[row.key] = row
            return
        at = None if wanted else self.found.rows.get(row.id)
        if at is not None or (wanted is None and row.state in _UNDERWAY):
            self.leavers.append(_Leaver(row, self._cause(row), at))
            self.count += at is None
        elif row.state not in _CLOSED:
            self.gone.append(row)

    def _cause(self, row: Placed) -> RemovalCause:
        given = self.causes.get(row.key)
        for cause in (given, row.cause):
            if cause is not None and cause.urgent:
                return cause
        return RemovalCause.SUPERSEDED if row.key in self.keys else given or row.cause or RemovalCause.UNEXPLAINED

    def _leave(self, leaver: _Leaver, *, swapped: bool = False) -> bool:
        """Take it out of the next gallery, unless the brake or (if nothing comes in for it) `at_least` forbids."""
        removal = Removal(leaver.row, leaver.cause, None if leaver.at is None else self.seen[leaver.at])
        if removal.counted and self.brake <= 0:
            leaver.waits = Hold.BRAKE
            return False
        shortens = leaver.at is not None and not swapped
        if shortens and self.spare <= 0 and not leaver.cause.urgent:
            leaver.waits = Hold.AT_LEAST
            return False
        self.brake -= removal.counted
        self.spare -= shortens
        self.count -= 1
        self.removes.append(removal)
        if leaver.at is not None:
            self.left.add(leaver.at)
        return True

    # --- additions ----------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Choose the keys that get a position, best first, and let replaced versions go where the new one is seen."""
        self.room = self._room()
        limit = self.room - sum(leaver.waits is Hold.BRAKE for leaver in self.waiting)
        others_stand = len(self.found.foreign) >= self.slots.first - 1
        for one in self.wanted:
            row, at = self.rows.get(one.key), self.found.wanted.get(one.key)
            underway = row is not None and row.state in _UNDERWAY
            if row is not None and row.state == PlacementState.REJECTED and (at is None or not self.seen[at].ready):
                self._hold_back(one, Hold.REFUSED)
                self._drop_refused(at)
            elif len(self.chosen) < limit and (others_stand or at is not None or underway or one.key in self.olds):
                self.chosen.append(one)
                self._keep_or_replace(one, row, at, underway)
            else:
                self._exceed(one, row, at)

    def _room(self) -> int:
        """How many of ours the listing may hold: what others leave free, and never less than stands there already."""
        foreign, slots = len(self.found.foreign), self.slots
        free = slots.last - foreign if foreign >= slots.first - 1 else 0
        standing = len(self.found.wanted) + len(self.found.rows)
        return min(slots.last - slots.first + 1, max(free, standing))

    def _keep_or_replace(self, one: Desired, row: Placed | None, at: int | None, underway: bool) -> None:
        if at is not None and not self.seen[at].ready:
            self.held.append(Held(one.key, Hold.UNCONFIRMED))  # older versions stay until it is there for good
        elif at is not None:
            for old in self.olds.pop(one.key, ()):
                if not self._leave(old):
                    self.waiting.append(old)
        elif underway:
            self.pending.add(one.key)
            self.count += 1
            self.held.append(Held(one.key, Hold.UNCONFIRMED))
        elif row is not None and row.state in _STANDING:
            self.losses.append(row)

    def _hold_back(self, one: Desired, why: Hold) -> None:
        """Its older versions stay where they are."""
        self.held.append(Held(one.key, why))
        for old in self.olds.pop(one.key, ()):
            old.waits = Hold.REPLACEMENT
            self.waiting.append(old)

    def _drop_refused(self, at: int | None) -> None:
        """Leave out what the system keeps in its listing and will never show."""
        if at is not None and self.spare > 0:
            self.spare -= 1
            self.count -= 1
            self.left.add(at)
            self.duplicates.append(self.seen[at])

    def _exceed(self, one: Desired, row: Placed | None, at: int | None) -> None:
        """There is no position for this key: what stands of it may have to go."""
        self.held.append(Held(one.key, Hold.NO_SLOT))
        self.excess += [_Leaver(old.row, RemovalCause.NO_SLOT, old.at) for old in self.olds.pop(one.key, ())]
        if row is None:
            return
        if at is not None:
            self.excess.append(_Leaver(row, RemovalCause.NO_SLOT, at))
        elif row.state in _UNDERWAY:
            self.count += 1
            self._leave(_Leaver(row, RemovalCause.DISPLACED, None))
        elif row.state not in _CLOSED:
            self.gone.append(row)

    def bring_in(self) -> None:
        """Add what was chosen and is not there, into free positions first, else in the place of what leaves."""
        for one in self.chosen:
            if one.key in self.found.wanted or one.key in self.pending:
                continue
            if self.count >= self.room and not self._make_room(one):
                self.held.append(Held(one.key, Hold.NO_SLOT))
                continue
            self.count += 1
            self.added.add(one.key)
            self.adds.append(Add(one, self.rows.get(one.key)))
        for olds in self.olds.values():
            for old in olds:
                old.waits = old.waits or Hold.REPLACEMENT
                self.waiting.append(old)

    def _make_room(self, one: Desired) -> bool:
        """Let one leave in the same write: the key's own old version, else one that waits, else the lowest ranked."""
        for leavers in (self.olds.get(one.key, []), self.waiting, self.excess):
            for leaver in reversed(leavers):
                at = leaver.at
                if at is None or leaver.waits in (Hold.BRAKE, Hold.REPLACEMENT):
                    continue
                if leavers is self.excess:
                    leaver = replace(leaver, cause=RemovalCause.DISPLACED)
                if self._leave(leaver, swapped=True):
                    leavers[:] = [other for other in leavers if other.row is not leaver.row]
                    self.place_of.setdefault(one.key, at)
                    return True
        return False

    def clear_excess(self) -> None:
        """Where fewer positions may be used than before, the lowest ranked leave without a replacement."""
        for leaver in reversed(self.excess):
            if self.count <= self.room or not self._leave(leaver):
                self.waiting.append(leaver)
        for leaver in self.waiting:
            if leaver.waits is not None:
                self.held.append(Held(leaver.row.key, leaver.waits, leaver.row))

    # --- result -------------------------------------------------------------------------------------------------

    def step(self, fresh: bool) -> Step:
        """Work everything out, from removals to what is left of the gallery; once for each draft."""
        self.take_away()
        self.choose()
        self.bring_in()
        self.clear_excess()
        step = self._whole()
        if fresh or not (step.removes or step.duplicates or step.gone):
            return step
        return Step(self.present(), keeps=step.keeps, confirms=step.confirms, held=step.held, needs_fresh=True)

    def _whole(self) -> Step:
        keeps, confirms = self._report()
        gallery = self._gallery()
        copies_stay = len(self.duplicates) < len(self.found.extras)  # alike, they could change places for ever
        moves = () if self.pending or copies_stay else self._moves(gallery)
        return Step(
            gallery=gallery,
            adds=tuple(self.adds),
            removes=tuple(self.removes),
            duplicates=tuple(self.duplicates),
            moves=moves,
            keeps=keeps,
            confirms=confirms,
            losses=tuple(self.losses),
            gone=tuple(self.gone),
            held=tuple(self.held),
            write_needed=bool(self.adds or self.duplicates or moves or self._unasked()),
        )

    def _unasked(self) -> bool:
        """Whether something leaves that the system was not asked to take away yet."""
        return any(not removal.placed.awaited for removal in self.removes)

    def _report(self) -> tuple[tuple[Placed, ...], tuple[Confirm, ...]]:
        keeps: list[Placed] = []
        confirms: list[Confirm] = []
        for one in self.wanted:
            at = self.found.wanted.get(one.key)
            if at is None or at in self.left or not self.seen[at].ready:
                continue
            row, seen = self.rows.get(one.key), self.seen[at]
            if row is None or row.state not in _STANDING or (seen.external_id and seen.external_id != row.external_id):
                confirms.append(Confirm(one, row, seen))
            else:
                keeps.append(row)
        confirms += [
            Confirm(None, leaver.row, self.seen[leaver.at])
            for leaver in self.waiting
            if leaver.at is not None and leaver.row.fingerprint not in self.by_name and leaver.row.state in _UNDERWAY
        ]
        return tuple(keeps), tuple(confirms)

    def _gallery(self) -> tuple[Entry, ...]:
        ours = [
            layout.Ours(one, self.rows.get(one.key), self.found.wanted.get(one.key), self.place_of.get(one.key))
            for one in self.chosen
            if one.key in self.found.wanted or one.key in self.pending or one.key in self.added
        ]
        return layout.arrange(ours, self.seen, self.left, [(old.at, old.row) for old in self.waiting], self.slots)

    def _moves(self, gallery: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Ours that stand elsewhere among what stays; two others can never have changed places."""
        stayed = [one for index, one in enumerate(self.seen) if index not in self.left]
        standing = [entry for entry in gallery if entry.seen is not None]
        return tuple(entry for entry, was in zip(standing, stayed, strict=True) if entry.seen is not was and entry.ours)

    def present(self) -> tuple[Entry, ...]:
        """The gallery as it was seen."""
        owner = {
            self.found.wanted[one.key]: (one, self.rows.get(one.key))
            for one in self.wanted
            if one.key in self.found.wanted
        }
        rows = {self.found.rows[row.id]: row for row in self.placed if row.id in self.found.rows}
        return tuple(
            Entry(one, *owner[index]) if index in owner else Entry(one, placed=rows.get(index))
            for index, one in enumerate(self.seen)
        )
