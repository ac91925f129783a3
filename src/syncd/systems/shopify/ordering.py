"""The order of a gallery and the moves that make it. Only ours are moved: others keep their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_THEIRS = None
Place = str | None
"""One position of a gallery that should be: the id of a media item of ours, or None for one of others'."""


def wanted(gallery: Sequence[Place], current: Sequence[str]) -> list[str]:
    """The ids in the order they should have, of those that stand in the product now.

    Args:
        gallery: the positions, in order. Which of others' stands where was decided a while ago, so it is not said.
        current: the ids as they stand.
    """
    standing = set(current)
    ours = {place for place in gallery if place in standing}
    others = [identifier for identifier in current if identifier not in ours]
    order: list[str] = []
    for place in gallery:
        if place is _THEIRS and others:
            order.append(others.pop(0))
        elif place is not _THEIRS and place in ours and place not in order:
            order.append(place)
    return order + others


def moves(current: Sequence[str], order: Sequence[str], ours: Collection[str]) -> list[tuple[str, int]]:
    """Moves (id, new position from 0) that lead from one order to the other, each counted after those before it.

    Args:
        current, order: the same ids.
        ours: those that may be moved; the others stand in the same order in both.
    """
    standing, made = list(current), []
    for place, identifier in enumerate(order):
        while standing[place] != identifier:
            # One of others' stands too far behind only because of ours before it, which then go to the end.
            moved, to = (identifier, place) if identifier in ours else (standing[place], len(standing) - 1)
            standing.remove(moved)
            standing.insert(to, moved)
            made.append((moved, to))
    return made
