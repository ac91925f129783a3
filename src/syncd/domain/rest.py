"""A listing at rest: all of ours stand as they should. Most looks at most listings find this, so it is told first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from syncd.domain.layout import fit
from syncd.domain.placement import MAIN, Desired, Placed, PlacementState, Seen
from syncd.domain.step import Entry, Slots, Step

_STANDING = (PlacementState.LIVE, PlacementState.SHOWN)


def at_rest(desired: Sequence[Desired], placed: Sequence[Placed], seen: Sequence[Seen], slots: Slots) -> Step | None:
    """The step of a listing that shows all that is desired, and nothing else of ours, as the ledger knows it.

    Returns:
        what `gallery.reconcile` would work out: a step that only keeps. None where something may be to be done.
    """
    pairs = _pairs(desired, placed)
    if pairs is None:
        return None
    names = {row.external_id: row.fingerprint for row in placed if row.external_id}
    gallery: list[Entry] = []
    ours: list[Desired] = []
    keeps: list[Placed] = []
    offsets: list[int] = []  # per one of ours: how many of others' stand before it
    aims: list[int] = []  # and how many should if all positions were allowed
    for one in seen:
        pair = pairs.get(one.name) or pairs.get(names.get(one.external_id, ""))
        if pair is None:
            gallery.append(Entry(one))
            continue
        wanted, row = pair
        offset = len(gallery) - len(ours)
        if one.external_id not in ("", row.external_id):
            return None
        gallery.append(Entry(one, wanted, row))
        ours.append(wanted)
        keeps.append(row)
        offsets.append(offset)
        aims.append(0 if wanted.role == MAIN else offset)
    if len(ours) < len(desired) or not _in_order(ours) or not _in_slots(offsets, aims, len(seen), slots):
        return None
    return Step(tuple(gallery), keeps=tuple(keeps))


def _pairs(desired: Sequence[Desired], placed: Sequence[Placed]) -> dict[str, tuple[Desired, Placed]] | None:
    """Each desired rendition with its row, by fingerprint; None unless that is all there is and every row stands."""
    if len(desired) != len(placed):
        return None
    wanted = {one.fingerprint: one for one in desired}
    pairs: dict[str, tuple[Desired, Placed]] = {}
    for row in placed:
        one = wanted.get(row.fingerprint)
        if one is None or one.key != row.key or row.state not in _STANDING:
            return None
        pairs[row.fingerprint] = one, row
    return pairs if len(pairs) == len(desired) else None


def _in_order(ours: Sequence[Desired]) -> bool:
    """Whether they stand in the order they should, each once."""
    return all(one.order < next_one.order for one, next_one in pairwise(ours))


def _in_slots(offsets: list[int], aims: list[int], seen: int, slots: Slots) -> bool:
    """Whether all stand where they aim to, as near as the positions allow that the connection may use."""
    if slots.first == 1 and seen <= slots.last:
        return offsets == aims
    room = slots.last - slots.first + 1
    return len(aims) <= room and fit(sorted(aims), seen - len(aims), slots.first, slots.last) == offsets
