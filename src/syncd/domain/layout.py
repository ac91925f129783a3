"""In which positions of a gallery ours stand, with as little moved as possible.

What is not ours keeps its order and is called fixed. Where one of ours stands is told by its offset: how many fixed
ones stand before it. The i-th of ours (from 0) with offset o has position o + i + 1, so offsets that never fall say
everything, and staying within the slots is a bound on each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from syncd.domain.placement import MAIN, Desired, Placed, Seen
from syncd.domain.step import Entry, Slots


class Ours(NamedTuple):
    """A rendition the gallery is to hold: `at` is where it was seen, `place` whose place it takes over (indexes)."""

    desired: Desired
    placed: Placed | None
    at: int | None
    place: int | None


def arrange(
    ours: Sequence[Ours],
    seen: Sequence[Seen],
    left: Collection[int],
    leaving: Sequence[tuple[int | None, Placed]],
    slots: Slots,
) -> tuple[Entry, ...]:
    """Return the whole gallery: fixed ones in the order seen, ours in theirs, on the places they hold together.

    What comes new stands behind all, unless it takes over a place; `main` leads.

    Args:
        ours: in the order they are to stand.
        left: indexes of `seen` that the gallery holds no more.
        leaving: rows that are not desired but stay for now, with their index (None: sent, not seen).
    """
    standing = {one.at for one in ours}
    rows = dict(leaving)
    fixed: list[Entry] = []
    before: list[int] = []  # per index of `seen`: how many fixed ones stand before it
    for index, one in enumerate(seen):
        before.append(len(fixed))
        if index not in standing and index not in left:
            fixed.append(Entry(seen=one, placed=rows.get(index)))
    fixed += [Entry(placed=row) for at, row in leaving if at is None]
    offsets = sorted(_offset(one, before) for one in ours)
    return _merge(ours, seen, fit(offsets, len(fixed), slots.first, slots.last), fixed)


def _offset(one: Ours, before: Sequence[int]) -> int:
    if one.desired.role == MAIN:
        return 0
    at = one.place if one.at is None else one.at
    return len(before) if at is None else before[at]


def _merge(ours: Sequence[Ours], seen: Sequence[Seen], offsets: list[int], fixed: list[Entry]) -> tuple[Entry, ...]:
    gallery: list[Entry] = []
    done = 0
    for one, offset in zip(ours, offsets, strict=True):
        gallery += fixed[done:offset]
        done = offset
        gallery.append(Entry(None if one.at is None else seen[one.at], one.desired, one.placed))
    return (*gallery, *fixed[done:])


def fit(offsets: Sequence[int], fixed: int, first: int, last: int) -> list[int]:
    """Return offsets that never fall, nearest to the given ones within positions `first` to `last`.

    Where that cannot be (fewer than `first - 1` fixed ones to stand behind, more of ours than positions), the order
    still holds and ours stand as near to their positions as they can. Fitting twice changes nothing more.

    Args:
        offsets: one for each of ours, in their order.
        fixed: how many media stand in the listing that are not moved.
    """
    fitted: list[int] = []
    floor = 0
    for index, offset in enumerate(offsets):
        floor = min(fixed, max(floor, offset, first - 1 - index))
        fitted.append(floor)
    ceiling = fixed
    for index in range(len(fitted) - 1, -1, -1):
        ceiling = max(0, min(fitted[index], ceiling, last - 1 - index))
        fitted[index] = ceiling
    return fitted
