"""What a plan holds of one connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncd.flow.plan.lines import PlannedLine
from syncd.flow.standing import Standing


@dataclass(slots=True)
class ConnectionPlan:
    """What would be done on one connection.

    `standing` holds, as (listing, key), what stands there as it should; `others` counts media of others in the listings
    looked at; `renders` are the renditions to be made first, each with its kind; `unread`: its listings are not known
    yet, so nothing can be said; `seconds` is how long its calls take at the least, at the pace the account allows.
    """

    name: str
    brand: str
    roles: tuple[str, ...]
    writes: str
    state: Standing
    unread: bool = False
    lines: list[PlannedLine] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    standing: set[tuple[str, str]] = field(default_factory=set)
    renders: dict[str, str] = field(default_factory=dict)
    others: int = 0
    calls: int = 0
    seconds: float = 0.0
    brake_allows: int = 0

    @property
    def waits(self) -> bool:
        """Whether nothing at all is written before a plan of it is applied."""
        return self.writes != "off" and not (self.state.applied_at or (self.writes == "on" and not self.state.restored))

    @property
    def inferred(self) -> int:
        """How many of its removals nobody stated."""
        return sum(planned.inferred for planned in self.lines)
