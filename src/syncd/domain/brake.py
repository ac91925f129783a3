"""How much a connection may still lose by removals that nobody stated."""

from __future__ import annotations

_ROUNDING = 1e-9  # 0.29 * 100 is 28.999999999999996


def allowed(share: float, at_least: int, managed: int, removed_24h: int) -> int:
    """Say how many more inferred removals a connection may carry out now.

    Args:
        share: of the placements managed, 0 to 1 (`brake: 5 %` is 0.05).
        at_least: so many are always allowed in 24 hours.
        managed: placements of ours that stand in the connection now.
        removed_24h: inferred removals of the last 24 hours; together with `managed` they are what the share is of, so
            it does not shrink while it is used up.
    """
    limit = max(at_least, int(share * (managed + removed_24h) + _ROUNDING))
    return max(0, limit - removed_24h)
