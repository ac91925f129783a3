"""The facts a gallery is decided from: what should stand in a listing, what we placed there, what was seen."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from syncd.domain import rights

MAIN = "main"


class PlacementState(enum.StrEnum):
    """How far a placement is: `accepted` means the vendor took it, `live` that it was read back in the listing."""

    PLANNED = "planned"
    SENT = "sent"
    ACCEPTED = "accepted"
    LIVE = "live"
    SHOWN = "shown"
    REJECTED = "rejected"
    WITHDRAWING = "withdrawing"
    GONE = "gone"


class RemovalCause(enum.StrEnum):
    """Why a placement of ours should not stand any more."""

    GRANT_ENDED = "grant_ended"
    GRANT_REVOKED = "grant_revoked"
    CONSENT_ENDED = "consent_ended"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NARROWED_UNTIL = "narrowed_until"
    WITHDRAWN = "withdrawn"  # its creator or a person of ours took it back
    NARROWED = "narrowed"  # a reviewer's words leave this place out
    REJECTED = "rejected"  # the approval was taken back
    SUPERSEDED = "superseded"  # a newer version takes its place
    DISPLACED = "displaced"  # content ranked higher takes its slot
    NOT_GRANTED = "not_granted"  # the records show no right for this place
    UNMATCHED = "unmatched"
    MAPPING_CHANGED = "mapping_changed"
    SPEC_CHANGED = "spec_changed"
    PRODUCT_GONE = "product_gone"
    OUTDATED = "outdated"  # it shows another version of the product
    NO_SLOT = "no_slot"  # the connection may use fewer positions than before
    UNEXPLAINED = "unexplained"

    @property
    def urgent(self) -> bool:
        """A legal reason: breaks first; passes brake, `ask`, `pause` and `at_least`."""
        return self in _URGENT

    @property
    def inferred(self) -> bool:
        """Nobody said so, it follows from what was read or configured: counts against the brake."""
        return self in _INFERRED

    @classmethod
    def of_rights(cls, cause: rights.Cause) -> RemovalCause:
        """Name the removal that a denial of rights asks for; what is denied without an end is inferred."""
        if cause.dated or cause is rights.Cause.NARROWED:
            return cls(cause.value)
        return cls.NOT_GRANTED


_URGENT = frozenset(
    {
        RemovalCause.GRANT_ENDED,
        RemovalCause.GRANT_REVOKED,
        RemovalCause.CONSENT_ENDED,
        RemovalCause.CONSENT_WITHDRAWN,
        RemovalCause.NARROWED_UNTIL,
        RemovalCause.WITHDRAWN,
    }
)
_STATED = frozenset({RemovalCause.NARROWED, RemovalCause.REJECTED, RemovalCause.SUPERSEDED, RemovalCause.DISPLACED})
_INFERRED = frozenset(RemovalCause) - _URGENT - _STATED


class Desired(NamedTuple):
    """A rendition that should stand in the listing and may, by all that holds now.

    `key` names the placement across versions (asset, role and spec); `fingerprint` is the public name, which changes
    whenever the bytes do. Ours stand in the order of role (`main` first) and `rank`, a tuple that compares.
    """

    key: str
    asset: str
    version: int
    fingerprint: str
    role: str
    rank: tuple[Any, ...]

    @property
    def order(self) -> tuple[bool, str, tuple[Any, ...], str]:
        return self.role != MAIN, self.role, self.rank, self.key


class Placed(NamedTuple):
    """A placement of ours as the ledger knows it; `cause` is set once it is to go.

    `awaited`: the system took its removal, and may show it for a while yet.
    """

    id: str
    key: str
    version: int
    fingerprint: str
    state: PlacementState
    external_id: str = ""
    cause: RemovalCause | None = None
    awaited: bool = False


class Seen(NamedTuple):
    """One media item of a listing as observed; `name` is our public name or "", `position` counts from 1.

    `ready` is false while the system works on it, and where it will never show it.
    """

    external_id: str
    name: str
    position: int
    ready: bool = True
