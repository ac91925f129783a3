"""How long work takes at the pace an account allows: what a plan tells before it is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.sdk.limits import AtOnce, Limit, Window

ANSWER = 0.5
"""Seconds a call takes where nothing else is known."""


def seconds_for(limits: Sequence[Limit], units: Mapping[str, float]) -> float:
    """How long spending units takes at the least, from a rested account.

    Args:
        limits: what the account allows.
        units: name of a limit → units of all the calls together; names that nobody declared cost nothing.

    Returns:
        seconds: of the limit that is the tightest.
    """
    return max((_seconds(limit, units[limit.name]) for limit in limits if limit.name in units), default=0.0)


def _seconds(limit: Limit, units: float) -> float:
    if isinstance(limit, AtOnce):
        return units * ANSWER / limit.most
    if isinstance(limit, Window):  # the last units may begin when those before them have left the window
        most = limit.most - limit.reserve
        return max(0.0, -(-units // most) - 1) * limit.per.total_seconds()
    return max(0.0, units - (limit.most - limit.reserve)) / limit.restore
