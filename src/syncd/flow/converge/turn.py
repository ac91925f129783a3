"""One place in one run: its claim, what was decided, what was observed."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.domain.step import Hold
from syncd.engine.operations import OpenItem
from syncd.engine.work import Claim
from syncd.flow.converge.decision import Decision
from syncd.flow.converge.situation import PlaceFacts
from syncd.sdk.channel import ObservedGallery


@dataclass(slots=True)
class Turn:
    """One place in this run: its claim, decision, and what was observed now."""

    claim: Claim
    place: PlaceFacts
    decision: Decision
    observed: ObservedGallery | None = None
    open_item: OpenItem | None = None

    @property
    def braked(self) -> bool:
        """Whether the brake holds something back here."""
        return any(held.why is Hold.BRAKE for held in self.decision.step.held)

    @property
    def can_be_written(self) -> bool:
        """A listing that is not there is told about, not written to."""
        return self.place.exists or not self.place.place.startswith("listing:")
