"""Which slot each of our images takes, with others' where they are and as little of ours moved as can be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from syncd.systems.amazon.locators import MAIN, SLOTS

_PLACE = {slot: place for place, slot in enumerate(SLOTS)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One position of the gallery that is wanted. `slot` is where it stands ("": nowhere yet); others' never move."""

    ours: bool
    slot: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The slots of ours, in their order; "" for those that find none, with the reason."""

    slots: Sequence[str]
    refusals: Sequence[str]


def arrange(entries: Sequence[Entry], taken: Collection[str], avoid: Collection[str] = ()) -> Arrangement:
    """Choose slots.

    The main slot is for a first image whose role is main, and for no other. Among the choices that keep ours in order,
    the one counts that has least out of order with others', then moves least, then leaves alone the slots to avoid.

    Args:
        entries: the gallery, in order.
        taken: slots that are not ours to fill, those of others' in `entries` included.
        avoid: slots whose last image Amazon refused: its verdict may still stand there.
    """
    ours = [index for index, entry in enumerate(entries) if entry.ours]
    leads = bool(ours) and entries[ours[0]].main
    refusals = dict.fromkeys(ours, "")
    chosen: dict[int, str] = {}
    if leads and MAIN in taken:
        refusals[ours[0]] = "MAIN holds an image that others placed; syncd does not replace it."
    elif leads:
        chosen[ours[0]] = MAIN
    rest = ours[1:] if leads else ours
    free = [slot for slot in SLOTS if slot != MAIN and slot not in taken]
    for index in rest[len(free) :]:
        refusals[index] = f"No locator is free: others hold {len(SLOTS) - 1 - len(free)} of the eight beside MAIN."
    rest = rest[: len(free)]
    best = min(combinations(free, len(rest)), key=lambda slots: _cost(entries, rest, slots, avoid))
    chosen |= zip(rest, best, strict=True)
    return Arrangement([chosen.get(index, "") for index in ours], [refusals[index] for index in ours])


def _cost(
    entries: Sequence[Entry], rest: Sequence[int], slots: Sequence[str], avoid: Collection[str]
) -> tuple[int, int, int, tuple[int, ...]]:
    moved = risky = 0
    for index, slot in zip(rest, slots, strict=True):
        stands = entries[index].slot
        moved += bool(stands) and stands != slot
        risky += not stands and slot in avoid
    return sum(_disorder(entries, rest, slots)), moved, risky, tuple(_PLACE[slot] for slot in slots)


def _disorder(entries: Sequence[Entry], rest: Sequence[int], slots: Sequence[str]) -> Iterator[bool]:
    """For each pair of ours and others': whether their slots are in another order than they are wanted."""
    for index, slot in zip(rest, slots, strict=True):
        for other, entry in enumerate(entries):
            if not entry.ours and entry.slot in _PLACE:
                yield (other < index) != (_PLACE[entry.slot] < _PLACE[slot])
