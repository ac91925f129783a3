"""Whether a version is approved: who was asked, what they said on this very version, whose word is missing."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """What one person says about one version."""

    APPROVE = "approve"
    CHANGES = "changes"
    REJECT = "reject"


class ReviewStatus(enum.StrEnum):
    """Where a round stands."""

    PENDING = "pending"
    APPROVED = "approved"
    CHANGES = "changes"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Route:
    """Who decides: one person of each role in `ask`, in parallel, and the final approver.

    `people` are the mail addresses of those who have each role; `rule` and `location` say where it was declared.
    """

    ask: tuple[str, ...]
    people: Mapping[str, tuple[str, ...]]
    approver: str
    rule: str
    location: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on one version; of several by one person on a version the last counts."""

    person: str
    verdict: Verdict
    version: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A word that is missing: by one of `people`. `role` is empty for the final approver; no people: nobody may."""

    role: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a round stands; `waiting_for` is empty unless pending; `by` are those whose word decided."""

    status: ReviewStatus
    waiting_for: tuple[Waiting, ...] = ()
    by: tuple[str, ...] = ()


def outcome(route: Route, decisions: Iterable[Decision], version: str, *, submitter: str = "") -> Outcome:
    """Judge a round.

    Approved when one person of each asked role approved and the final approver did; one person may speak for several
    roles. One rejection by anybody asked ends it, else one wish for changes.

    Args:
        decisions: in the order they were made; those on other versions do not count.
        version: the version that is judged.
        submitter: mail address of who delivered it; their word never counts.
    """
    last = {each.person: each.verdict for each in decisions if each.version == version}
    needed = [
        *(Waiting(role, _others(route.people.get(role, ()), submitter)) for role in route.ask),
        Waiting("", _others((route.approver,), submitter)),
    ]
    entitled = {person for each in needed for person in each.people}
    for verdict, status in ((Verdict.REJECT, ReviewStatus.REJECTED), (Verdict.CHANGES, ReviewStatus.CHANGES)):
        if by := tuple(sorted(person for person in entitled if last.get(person) is verdict)):
            return Outcome(status, by=by)
    approving = {person for person in entitled if last.get(person) is Verdict.APPROVE}
    waiting = tuple(each for each in needed if not approving & set(each.people))
    if waiting:
        return Outcome(ReviewStatus.PENDING, waiting_for=waiting)
    return Outcome(ReviewStatus.APPROVED, by=tuple(sorted(approving)))


def may_decide(route: Route, person: str, *, submitter: str = "") -> bool:
    """Whether a person's word counts in this round."""
    asked = (*(mail for role in route.ask for mail in route.people.get(role, ())), route.approver)
    return person in _others(asked, submitter)


def _others(people: tuple[str, ...], submitter: str) -> tuple[str, ...]:
    return tuple(person for person in people if person.lower() != submitter.lower())
