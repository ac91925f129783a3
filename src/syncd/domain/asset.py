"""What a version of an asset may do next, and which version of an asset is current."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class VersionStatus(enum.StrEnum):
    """How a version stands; only an `approved` one may be published."""

    RECEIVED = "received"
    HELD = "held"
    IN_REVIEW = "in_review"
    CHANGES = "changes"
    REJECTED = "rejected"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class VersionEvent(enum.StrEnum):
    """What happens to a version.

    `take_up` begins the gates anew: a withdrawn version was delivered again, an expired one has a grant again.
    `hold` waits for something outside (a grant, a check, a brief); `ask` opens a round of review, also on a version
    already decided; `supersede` says that another version of the asset is current now.
    """

    TAKE_UP = "take_up"
    HOLD = "hold"
    ASK = "ask"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    APPROVE = "approve"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


LEADS_TO: dict[VersionEvent, VersionStatus] = {
    VersionEvent.TAKE_UP: VersionStatus.RECEIVED,
    VersionEvent.HOLD: VersionStatus.HELD,
    VersionEvent.ASK: VersionStatus.IN_REVIEW,
    VersionEvent.REQUEST_CHANGES: VersionStatus.CHANGES,
    VersionEvent.REJECT: VersionStatus.REJECTED,
    VersionEvent.APPROVE: VersionStatus.APPROVED,
    VersionEvent.SUPERSEDE: VersionStatus.SUPERSEDED,
    VersionEvent.WITHDRAW: VersionStatus.WITHDRAWN,
    VersionEvent.EXPIRE: VersionStatus.EXPIRED,
}

_E = VersionEvent
_ENDS = frozenset({_E.SUPERSEDE, _E.WITHDRAW, _E.EXPIRE})

ALLOWED: dict[VersionStatus, frozenset[VersionEvent]] = {
    # approve without a round: an approval taken in from elsewhere; reject: a check that cannot be mended
    VersionStatus.RECEIVED: _ENDS | {_E.HOLD, _E.ASK, _E.APPROVE, _E.REJECT},
    VersionStatus.HELD: _ENDS | {_E.ASK, _E.APPROVE, _E.REJECT},
    VersionStatus.IN_REVIEW: _ENDS | {_E.HOLD, _E.REQUEST_CHANGES, _E.REJECT, _E.APPROVE},
    VersionStatus.CHANGES: _ENDS | {_E.ASK, _E.REJECT},
    VersionStatus.REJECTED: _ENDS | {_E.ASK},
    VersionStatus.APPROVED: _ENDS | {_E.ASK, _E.REQUEST_CHANGES, _E.REJECT},
    VersionStatus.SUPERSEDED: frozenset({_E.WITHDRAW}),
    VersionStatus.WITHDRAWN: frozenset({_E.TAKE_UP, _E.SUPERSEDE}),
    VersionStatus.EXPIRED: frozenset({_E.TAKE_UP, _E.SUPERSEDE, _E.WITHDRAW}),
}


class IllegalTransition(ValueError):
    """A version cannot do this from where it stands; `status` and `event` say which."""

    def __init__(self, status: VersionStatus, event: VersionEvent) -> None:
        super().__init__(f"a version that is {status} cannot {event.replace('_', ' ')}")
        self.status = status
        self.event = event


def advance(status: VersionStatus, event: VersionEvent) -> VersionStatus:
    """Return the status after `event`; an event that leads where the version already is changes nothing.

    Raises:
        IllegalTransition: the event is not possible in this status.
    """
    after = LEADS_TO[event]
    if after != status and event not in ALLOWED[status]:
        raise IllegalTransition(status, event)
    return after


@dataclass(frozen=True, slots=True)
class VersionFact:
    """What decides which version is current.

    `sequence` is the source's own order (None if it declares none), `arrival` ours: any number that grows.
    """

    id: str
    sequence: int | None
    arrival: int

    @property
    def order(self) -> tuple[int, int, int]:
        """Sorts versions from oldest to newest; what a source numbers outranks what it does not."""
        return (0, 0, self.arrival) if self.sequence is None else (1, self.sequence, self.arrival)


def current_of(versions: Iterable[VersionFact]) -> VersionFact:
    """Return the one current version of an asset; where the source numbers its statements, however they arrived.

    Raises:
        ValueError: an asset has at least one version.
    """
    return max(versions, key=lambda version: version.order)
