"""Usage plans: a token bucket per operation, kept by the vendor's own clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncd.clock import Clock

PLANS: dict[str, tuple[float, float]] = {
    "getListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
    "patchListingsItem": (5, 5),
    "searchCatalogItems": (2, 2),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeedDocument": (0.0222, 10),
    "getDestinations": (1, 5),
    "createDestination": (1, 5),
    "getSubscription": (1, 5),
    "createSubscription": (1, 5),
}
"""Rate (a second) and burst of each operation: models of 2026-08-05."""


@dataclass
class Buckets:
    """Every operation's tokens. `refused` says of every call that came too often."""

    clock: Clock
    plans: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(PLANS))
    refused: list[str] = field(default_factory=list)
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, operation: str) -> bool:
        """Whether there is a token for a call; it is spent."""
        rate, burst = self.plans[operation]
        now = self.clock.monotonic()
        level, at = self._levels.get(operation, (burst, now))
        level = min(burst, level + (now - at) * rate)
        enough = level >= 1 - 1e-9
        self._levels[operation] = (level - 1 if enough else level, now)
        if not enough:
            self.refused.append(f"{operation} came too often at {now:g}")
        return enough
