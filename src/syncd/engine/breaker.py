"""A circuit breaker per connection: after repeated transient failures its work waits, and single probes find out when
the system is back. Never off for good. Pure, apart from the state it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

THRESHOLD = 5
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=5)


@dataclass
class Breaker:
    """`failures` in a row; `opened_at` since when the connection is unavailable; `probe_at` when it is tried next."""

    failures: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    def admits(self, now: datetime) -> int | None:
        """How many keys may be taken now: None is no limit, 1 a probe, 0 none."""
        if self.probe_at is None:
            return None
        return 1 if now >= self.probe_at else 0

    def failed(self, now: datetime, reason: str) -> bool:
        """Note a transient failure; True if this one opened the breaker."""
        self.failures += 1
        self.reason = reason
        if self.failures < THRESHOLD:
            return False
        opened = self.opened_at is None
        self.opened_at = self.opened_at or now
        self.probe_at = now + min(FIRST_PAUSE * 2 ** min(self.failures - THRESHOLD, 20), LONGEST_PAUSE)
        return opened

    def succeeded(self) -> bool:
        """Note a success; True if it closed an open breaker."""
        closed = self.is_open
        self.failures, self.opened_at, self.probe_at, self.reason = 0, None, None, ""
        return closed

    def state(self) -> dict[str, object]:
        """As kept in the lane's row for the next owner and for people."""
        return {
            "failures": self.failures,
            "opened_at": self.opened_at.isoformat() if self.opened_at else None,
            "probe_at": self.probe_at.isoformat() if self.probe_at else None,
            "reason": self.reason,
        }

    @classmethod
    def from_state(cls, state: dict[str, object]) -> Breaker:
        opened, probe = state.get("opened_at"), state.get("probe_at")
        return cls(
            failures=int(str(state.get("failures") or 0)),
            opened_at=datetime.fromisoformat(str(opened)) if opened else None,
            probe_at=datetime.fromisoformat(str(probe)) if probe else None,
            reason=str(state.get("reason") or ""),
        )
