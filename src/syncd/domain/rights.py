"""Whether a version may be shown somewhere now, which clause says so, and when that changes.

Legal use is what the grants allow together (each territory by at least one of them), within the consent of every
person shown and within what reviewers narrowed an approval to. Every clause that time can open or close is a window;
clauses that no passing of time mends (nothing granted, out of scope) block for good. The answer then is simple: every
need has an open window.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

NO_LEAD = timedelta()


class Basis(enum.StrEnum):
    """What a grant rests on; `owned` needs no paper."""

    LICENCE = "licence"
    OWNED = "owned"


class Cause(enum.StrEnum):
    """Why the answer is what it is."""

    ALLOWED = "allowed"
    NO_GRANT = "no_grant"
    NOT_COVERED = "not_covered"
    NOT_YET = "not_yet"
    GRANT_ENDED = "grant_ended"
    GRANT_REVOKED = "grant_revoked"
    NO_CONSENT = "no_consent"
    CONSENT_ENDED = "consent_ended"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NARROWED = "narrowed"
    NARROWED_UNTIL = "narrowed_until"

    @property
    def dated(self) -> bool:
        """A right that was there has ended: passes brake, `ask` and `pause`."""
        return self in _DATED


_DATED = frozenset(
    {Cause.GRANT_ENDED, Cause.GRANT_REVOKED, Cause.CONSENT_ENDED, Cause.CONSENT_WITHDRAWN, Cause.NARROWED_UNTIL}
)


@dataclass(frozen=True, slots=True)
class GrantFact:
    """One grant; `None` for territories, media, uses or channels (connection names) means any, for `ends` no end.

    It is in force from `starts` (included) to `ends` or `revoked_at` (excluded), all aware instants.
    """

    id: str
    basis: Basis
    territories: frozenset[str] | None
    media: frozenset[str] | None
    uses: frozenset[str] | None
    channels: frozenset[str] | None
    starts: datetime
    ends: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One consent of one person shown; consents without a `person` count as different people."""

    id: str
    person: str
    starts: datetime
    ends: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a reviewer narrowed an approval to; `None` leaves that side as wide as the grants."""

    channels: frozenset[str] | None = None
    uses: frozenset[str] | None = None
    territories: frozenset[str] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placing:
    """Where and how a version would be shown: all `territories` must be covered.

    A place the public does not see (DAM, PIM) names no territory, medium or use: any grant in force suffices there.
    In a public one what is not named can be anything: only a grant for any territory, medium or use covers it.
    """

    connection: str
    territories: frozenset[str] = frozenset()
    medium: str = ""
    use: str = ""

    @property
    def internal(self) -> bool:
        return not (self.territories or self.medium or self.use)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer at one instant.

    `clause` is the id of what allows it, or the blocking clause in plain words. `next_change` is the earliest later
    instant at which `allowed` flips, if no fact changes before; None if it never does.
    """

    allowed: bool
    cause: Cause
    clause: str
    next_change: datetime | None


class _Window(NamedTuple):
    """A clause holds from `opens` (None: always did) to `shuts` (excluded; None: for ever)."""

    opens: datetime | None
    shuts: datetime | None
    clause: GrantFact | ConsentFact | Narrowing
    cut: bool = False  # shut by a revocation or withdrawal, not by its end


_Need: TypeAlias = list[_Window]  # met while one of its windows is open


class _Block(NamedTuple):
    cause: Cause
    clause: str


def answer(
    grants: Sequence[GrantFact],
    consents: Sequence[ConsentFact],
    narrowings: Sequence[Narrowing],
    people_shown: bool,
    placing: Placing,
    now: datetime,
    lead: timedelta = NO_LEAD,
) -> Answer:
    """Say whether a version may be shown at `placing` at the instant `now`.

    Args:
        grants, consents: those of the version's asset.
        narrowings: those of all approvals of the version.
        people_shown: without any consent, showing people is refused.
        now: an aware instant.
        lead: how much earlier than agreed an end counts (a channel's known delay); revocation and withdrawal count
            at once.
    """
    for_good: list[_Block] = []
    needs = _grant_needs(grants, placing, lead, for_good)
    if consents:
        needs += _consent_needs(consents, lead)
    elif people_shown:
        for_good.append(_Block(Cause.NO_CONSENT, "people are shown and no consent is recorded"))
    if narrowings:
        needs += _narrowing_needs(narrowings, placing, lead, for_good)
    if not for_good and _all_open(needs, now):
        return Answer(True, Cause.ALLOWED, _allowing(needs, now), _flip(needs, now, allowed=True))
    blocks = for_good + [_explain(need, now) for need in needs if not _is_open(need, now)]
    block = next((block for block in blocks if block.cause.dated), blocks[0])
    return Answer(False, block.cause, block.clause, None if for_good else _flip(needs, now, allowed=False))


def _grant_needs(grants: Sequence[GrantFact], placing: Placing, lead: timedelta, for_good: list[_Block]) -> list[_Need]:
    """One need per territory, or a single one where every grant in scope covers all of them alike."""
    if not grants:
        for_good.append(_Block(Cause.NO_GRANT, "no grant is recorded"))
        return []
    if placing.internal:
        return [[_grant_window(grant, lead) for grant in grants]]
    scoped = [grant for grant in grants if _in_scope(grant, placing)]
    wanted = placing.territories
    if all(grant.territories is None or (wanted and wanted <= grant.territories) for grant in scoped):
        groups = {"": scoped}
    else:
        groups = {place: [g for g in scoped if g.territories is None or place in g.territories] for place in wanted}
        groups = groups or {"any territory": [grant for grant in scoped if grant.territories is None]}
    needs = []
    for place in sorted(groups):
        if groups[place]:
            needs.append([_grant_window(grant, lead) for grant in groups[place]])
        else:
            for_good.append(_Block(Cause.NOT_COVERED, _not_covered(placing, place)))
    return needs


def _in_scope(grant: GrantFact, placing: Placing) -> bool:
    return (
        (grant.media is None or placing.medium in grant.media)
        and (grant.uses is None or placing.use in grant.uses)
        and (grant.channels is None or placing.connection in grant.channels)
    )


def _not_covered(placing: Placing, place: str) -> str:
    wanted = [place or " ".join(sorted(placing.territories)), placing.medium, placing.use, placing.connection]
    return f"no grant covers {' · '.join(word for word in wanted if word)}"


def _grant_window(grant: GrantFact, lead: timedelta) -> _Window:
    return _window(grant, grant.revoked_at, lead)


def _window(clause: GrantFact | ConsentFact, broken: datetime | None, lead: timedelta) -> _Window:
    """From its start to its end (`lead` earlier), or to where it was broken off if that is not later."""
    shuts = _led(clause.ends, lead)
    if broken is not None and (shuts is None or broken <= shuts):
        return _Window(clause.starts, broken, clause, cut=True)
    return _Window(clause.starts, shuts, clause)


def _consent_needs(consents: Sequence[ConsentFact], lead: timedelta) -> list[_Need]:
    """One need per person: a consent in force that was not withdrawn, nor given before that person withdrew."""
    if len(consents) == 1:
        return [[_window(consents[0], consents[0].withdrawn_at, lead)]]
    people: dict[str, list[ConsentFact]] = {}
    for consent in consents:
        people.setdefault(consent.person or f"\0{consent.id}", []).append(consent)
    return [[_window(one, _withdrawn(one, same), lead) for one in same] for same in people.values()]


def _withdrawn(consent: ConsentFact, of_same_person: Sequence[ConsentFact]) -> datetime | None:
    """When the person first took it back: itself, or with another consent after this one was given."""
    return min(
        (
            other.withdrawn_at
            for other in of_same_person
            if other.withdrawn_at is not None and (other is consent or consent.starts <= other.withdrawn_at)
        ),
        default=None,
    )


def _narrowing_needs(
    narrowings: Sequence[Narrowing], placing: Placing, lead: timedelta, for_good: list[_Block]
) -> list[_Need]:
    """`until` holds everywhere, the rest only where the public looks."""
    for narrowing in narrowings:
        if not placing.internal:
            for_good.extend(_Block(Cause.NARROWED, words) for words in _outside(narrowing, placing))
    return [[_Window(None, _led(one.until, lead), one)] for one in narrowings if one.until is not None]


def _outside(narrowing: Narrowing, placing: Placing) -> Iterator[str]:
    if narrowing.uses is not None and placing.use not in narrowing.uses:
        yield f"approved for {_listed(narrowing.uses)} use only, not {placing.use or 'any'}"
    if narrowing.channels is not None and placing.connection not in narrowing.channels:
        yield f"approved for {_listed(narrowing.channels)} only, not {placing.connection}"
    allowed = narrowing.territories
    if allowed is not None and not (placing.territories and placing.territories <= allowed):
        beyond = placing.territories - allowed
        yield f"approved for {_listed(allowed)} only, not {_listed(beyond) if beyond else 'any territory'}"


def _listed(names: frozenset[str]) -> str:
    return " ".join(sorted(names)) or "no"


def _led(ends: datetime | None, lead: timedelta) -> datetime | None:
    return ends - lead if ends is not None and lead else ends


def _is_open(need: _Need, at: datetime) -> bool:
    return any((opens is None or opens <= at) and (shuts is None or at < shuts) for opens, shuts, _, _ in need)


def _all_open(needs: list[_Need], at: datetime) -> bool:
    return all(_is_open(need, at) for need in needs)


def _flip(needs: list[_Need], now: datetime, *, allowed: bool) -> datetime | None:
    """The first later instant at which the needs, taken together, change from what they are now."""
    if allowed and all(len(need) == 1 for need in needs):
        return min([need[0].shuts for need in needs if need[0].shuts is not None], default=None)
    instants = {at for need in needs for window in need for at in window[:2] if at is not None and at > now}
    return next((at for at in sorted(instants) if _all_open(needs, at) is not allowed), None)


def _allowing(needs: list[_Need], now: datetime) -> str:
    """The ids of the grants that carry the answer, the first in force of each territory."""
    ids: dict[str, None] = {}
    for need in needs:
        grant = next((window.clause for window in need if _is_open([window], now)), None)
        if isinstance(grant, GrantFact):
            ids[grant.id] = None
    return ", ".join(ids)


def _explain(need: _Need, now: datetime) -> _Block:
    """The clause that ended last, else the one that will begin first."""
    over = [window for window in need if window.shuts is not None and window.shuts <= now]
    if not over:
        window = min(need, key=lambda window: window.opens or now)
        return _Block(Cause.NOT_YET, f"{_named(window.clause)} begins {_written(window.opens)}")
    return _ended(max(over, key=lambda window: window.shuts or now), now)


def _ended(window: _Window, now: datetime) -> _Block:
    clause, name = window.clause, _named(window.clause)
    if isinstance(clause, Narrowing):
        return _Block(Cause.NARROWED_UNTIL, f"approved until {_written(clause.until)} only")
    grant = isinstance(clause, GrantFact)
    if window.cut:
        cause, verb = (Cause.GRANT_REVOKED, "revoked") if grant else (Cause.CONSENT_WITHDRAWN, "withdrawn")
        return _Block(cause, f"{name} was {verb} {_written(window.shuts)}")
    words = f"{name} ended {_written(clause.ends)}"
    if clause.ends is not None and clause.ends > now:
        words = f"{name} ends {_written(clause.ends)}, counted here from {_written(window.shuts)}"
    return _Block(Cause.GRANT_ENDED if grant else Cause.CONSENT_ENDED, words)


def _named(clause: GrantFact | ConsentFact | Narrowing) -> str:
    if isinstance(clause, GrantFact):
        return f"{clause.basis} {clause.id}"
    if isinstance(clause, ConsentFact):
        return f"consent {clause.id} of {clause.person or 'a person shown'}"
    return "the approval"


def _written(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M} {instant.tzname()}" if instant else ""
