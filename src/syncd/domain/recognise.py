"""Which of the media seen in a listing are ours. What cannot be shown to be ours was placed by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from syncd.domain.placement import Desired, Placed, PlacementState, Seen


@dataclass(slots=True)
class Recognised:
    """What was seen, by its index in the observation.

    `wanted` maps keys of desired renditions, `rows` ids of placements that are not desired (any more), `extras` are
    further copies of either, `foreign` is everything else.
    """

    wanted: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    extras: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)


def recognise(by_name: dict[str, Desired], placed: Sequence[Placed], seen: Sequence[Seen]) -> Recognised:
    """Tell ours from others' by public name, else by the id the system once gave.

    Args:
        by_name: what is desired, by fingerprint; a medium of that name belongs to it whatever row brought it there
            (a changed role changes the key, not the picture).
        placed: all rows of the listing, finished ones included.
        seen: the observation in its order.
    """
    names: dict[str, Placed] = {}
    ids: dict[str, Placed] = {}
    for known in placed:
        _prefer_active(names, known.fingerprint, known)
        if known.external_id:
            _prefer_active(ids, known.external_id, known)
    found = Recognised()
    for index, one in enumerate(seen):
        wanted = by_name.get(one.name) if one.name else None
        row: Placed | None = None
        if wanted is None:
            row = (names.get(one.name) if one.name else None) or ids.get(one.external_id)
        if row is not None:
            wanted = by_name.get(row.fingerprint)
        if wanted is not None:
            own = names.get(wanted.fingerprint)
            _count(found, found.wanted, wanted.key, index, seen, own.external_id if own else "")
        elif row is not None:
            _count(found, found.rows, row.id, index, seen, row.external_id)
        else:
            found.foreign.append(index)
    return found


def _prefer_active(rows: dict[str, Placed], name: str, row: Placed) -> None:
    """Of several rows under one name the active one counts, of two active ones the newer version."""
    known = rows.setdefault(name, row)
    if known is not row and (known.state == PlacementState.GONE, row.version) > (
        row.state == PlacementState.GONE,
        known.version,
    ):
        rows[name] = row


def _count(
    found: Recognised, owners: dict[str, int], owner: str, index: int, seen: Sequence[Seen], external_id: str
) -> None:
    """Keep one copy: the one the ledger knows by the system's id, else the first."""
    first = owners.setdefault(owner, index)
    if first == index:
        return
    if external_id and seen[index].external_id == external_id != seen[first].external_id:
        owners[owner], index = index, first
    found.extras.append(index)
