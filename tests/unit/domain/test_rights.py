"""The rights answer by example, and by law against a model that asks every clause at every instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.rights import (
    Answer,
    Basis,
    Cause,
    ConsentFact,
    GrantFact,
    Narrowing,
    Placing,
    answer,
)

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
WEB_US = Placing("shopify-us", frozenset({"US"}), "web", "organic")
LIBRARY = Placing("bynder")


def day(number: int) -> datetime:
    return START + number * DAY


def grant(
    id: str = "G-1",
    starts: int = 0,
    ends: int | None = None,
    revoked: int | None = None,
    *,
    territories: set[str] | None = None,
    media: set[str] | None = None,
    uses: set[str] | None = None,
    channels: set[str] | None = None,
) -> GrantFact:
    scope = [None if side is None else frozenset(side) for side in (territories, media, uses, channels)]
    revoked_at = None if revoked is None else day(revoked)
    return GrantFact(id, Basis.LICENCE, *scope, day(starts), None if ends is None else day(ends), revoked_at)


def consent(
    person: str = "Mia", starts: int = 0, ends: int | None = None, withdrawn: int | None = None, id: str = "C-1"
) -> ConsentFact:
    return ConsentFact(
        id, person, day(starts), None if ends is None else day(ends), None if withdrawn is None else day(withdrawn)
    )


def ask(
    grants: Sequence[GrantFact],
    at: int,
    *,
    consents: Sequence[ConsentFact] = (),
    narrowings: Sequence[Narrowing] = (),
    people: bool = False,
    placing: Placing = WEB_US,
    lead: timedelta = timedelta(),
) -> Answer:
    return answer(grants, consents, narrowings, people, placing, day(at), lead)


def test_a_grant_in_force_allows_and_names_itself_and_its_end():
    assert ask([grant("G-118", ends=9)], 3) == Answer(True, Cause.ALLOWED, "G-118", day(9))


def test_nothing_granted_is_never_allowed():
    assert ask([], 3) == Answer(False, Cause.NO_GRANT, "no grant is recorded", None)


@pytest.mark.parametrize(
    "scope",
    [{"territories": {"DE"}}, {"media": {"social"}}, {"uses": {"paid"}}, {"channels": {"shopify-de"}}],
)
def test_a_grant_of_another_scope_does_not_cover(scope: dict[str, set[str]]):
    found = ask([grant(**scope)], 3)
    assert (found.cause, found.next_change) == (Cause.NOT_COVERED, None)
    assert found.clause == "no grant covers US · web · organic · shopify-us"


def test_territories_may_be_covered_by_different_grants():
    placing = Placing("amazon-na", frozenset({"US", "CA"}), "web", "organic")
    us, canada = grant("G-US", ends=9, territories={"US"}), grant("G-CA", ends=5, territories={"CA"})
    assert ask([us, canada], 3, placing=placing) == Answer(True, Cause.ALLOWED, "G-CA, G-US", day(5))
    assert ask([us], 3, placing=placing).clause == "no grant covers CA · web · organic · amazon-na"


def test_a_renewal_carries_on_where_the_first_grant_ends():
    found = ask([grant("G-1", ends=5), grant("G-2", starts=5, ends=8)], 3)
    assert found == Answer(True, Cause.ALLOWED, "G-1", day(8))


@pytest.mark.parametrize(
    ("facts", "cause", "clause"),
    [
        (grant(ends=3), Cause.GRANT_ENDED, "licence G-1 ended 2026-01-04 00:00 UTC"),
        (grant(ends=9, revoked=2), Cause.GRANT_REVOKED, "licence G-1 was revoked 2026-01-03 00:00 UTC"),
        (grant(ends=2, revoked=3), Cause.GRANT_ENDED, "licence G-1 ended 2026-01-03 00:00 UTC"),
        (grant(ends=3, revoked=3), Cause.GRANT_REVOKED, "licence G-1 was revoked 2026-01-04 00:00 UTC"),
        (grant(starts=6), Cause.NOT_YET, "licence G-1 begins 2026-01-07 00:00 UTC"),
    ],
)
def test_a_denial_names_the_clause_in_words(facts: GrantFact, cause: Cause, clause: str):
    found = ask([facts], 3)
    assert (found.allowed, found.cause, found.clause) == (False, cause, clause)
    assert found.next_change == (day(6) if cause is Cause.NOT_YET else None)


def test_an_end_counts_earlier_by_the_lead_but_a_revocation_does_not():
    found = ask([grant(ends=5)], 4, lead=2 * DAY)
    assert found.cause is Cause.GRANT_ENDED
    assert found.clause == "licence G-1 ends 2026-01-06 00:00 UTC, counted here from 2026-01-04 00:00 UTC"
    assert ask([grant(revoked=5)], 4, lead=2 * DAY).next_change == day(5)


def test_people_shown_need_a_consent():
    assert ask([grant()], 3, people=True).cause is Cause.NO_CONSENT
    assert ask([grant()], 3, people=True, consents=[consent()]).allowed


def test_every_person_shown_must_consent():
    two = [consent("Mia"), consent("Tom", ends=2, id="C-2")]
    found = ask([grant()], 3, people=True, consents=two)
    assert (found.cause, found.clause) == (Cause.CONSENT_ENDED, "consent C-2 of Tom ended 2026-01-03 00:00 UTC")


def test_a_person_may_renew_a_consent_that_ended():
    assert ask([grant()], 3, people=True, consents=[consent(ends=2), consent(starts=1, id="C-2")]).allowed


def test_withdrawing_one_consent_ends_all_the_person_gave_before():
    both = [consent(withdrawn=2), consent(starts=1, id="C-2")]
    assert ask([grant()], 3, people=True, consents=both).cause is Cause.CONSENT_WITHDRAWN
    assert ask([grant()], 4, people=True, consents=[*both, consent(starts=4, id="C-3")]).allowed


def test_a_withdrawn_consent_counts_even_where_nobody_said_that_people_are_shown():
    assert ask([grant()], 3, consents=[consent(withdrawn=3)]).cause is Cause.CONSENT_WITHDRAWN


@pytest.mark.parametrize(
    ("narrowing", "clause"),
    [
        (Narrowing(uses=frozenset({"paid"})), "approved for paid use only, not organic"),
        (Narrowing(channels=frozenset({"feed"})), "approved for feed only, not shopify-us"),
        (Narrowing(territories=frozenset({"DE"})), "approved for DE only, not US"),
    ],
)
def test_a_narrowed_approval_leaves_the_rest_out(narrowing: Narrowing, clause: str):
    found = ask([grant(ends=9)], 3, narrowings=[narrowing])
    assert (found.cause, found.clause, found.next_change) == (Cause.NARROWED, clause, None)
    assert not found.cause.dated
    assert ask([grant()], 3, narrowings=[narrowing], placing=LIBRARY).allowed


def test_an_approval_until_a_day_ends_everywhere_and_is_dated():
    until = [Narrowing(until=day(3))]
    assert ask([grant()], 2, narrowings=until).next_change == day(3)
    for placing in (WEB_US, LIBRARY):
        found = ask([grant()], 3, narrowings=until, placing=placing)
        assert found.cause is Cause.NARROWED_UNTIL
        assert found.cause.dated


def test_inside_the_house_any_grant_in_force_suffices():
    narrow = grant(territories={"DE"}, media={"social"}, uses={"paid"}, channels={"feed"}, ends=5)
    assert ask([narrow], 3, placing=LIBRARY).allowed
    assert ask([narrow], 5, placing=LIBRARY).cause is Cause.GRANT_ENDED


def test_a_public_place_without_territories_needs_a_grant_for_any():
    anywhere = Placing("blog", frozenset(), "web", "organic")
    assert ask([grant(territories={"US", "DE"})], 3, placing=anywhere).cause is Cause.NOT_COVERED
    assert ask([grant()], 3, placing=anywhere).allowed


def test_an_ended_right_is_named_before_what_never_held():
    """So that it is taken down as a legal end, not braked as an inference."""
    organic_only = [Narrowing(channels=frozenset({"feed"}))]
    assert ask([grant(ends=2)], 3, narrowings=organic_only, people=True).cause is Cause.GRANT_ENDED


# --- by law ---------------------------------------------------------------------------------------------------------

days = st.integers(0, 8)
maybe_day = st.none() | days
TERRITORIES, MEDIA, USES, CHANNELS = ("US", "DE"), ("web", "social"), ("organic", "paid"), ("a", "b")


def some(names: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(st.sampled_from(names))


def instant(number: int | None) -> datetime | None:
    return None if number is None else day(number)


grants_ = st.lists(
    st.builds(
        GrantFact,
        id=st.sampled_from(["G-1", "G-2", "G-3"]),
        basis=st.sampled_from(Basis),
        territories=some(TERRITORIES),
        media=some(MEDIA),
        uses=some(USES),
        channels=some(CHANNELS),
        starts=days.map(day),
        ends=maybe_day.map(instant),
        revoked_at=maybe_day.map(instant),
    ),
    max_size=4,
)
consents_ = st.lists(
    st.builds(
        ConsentFact,
        id=st.uuids().map(str),
        person=st.sampled_from(["", "Mia", "Tom"]),
        starts=days.map(day),
        ends=maybe_day.map(instant),
        withdrawn_at=maybe_day.map(instant),
    ),
    max_size=3,
)
narrowings_ = st.lists(
    st.builds(
        Narrowing,
        channels=some(CHANNELS),
        uses=some(USES),
        territories=some(TERRITORIES),
        until=maybe_day.map(instant),
    ),
    max_size=2,
)
placings_ = st.just(LIBRARY) | st.builds(
    Placing,
    connection=st.sampled_from(CHANNELS),
    territories=st.frozensets(st.sampled_from(TERRITORIES)),
    medium=st.sampled_from(MEDIA),
    use=st.sampled_from(USES),
)
leads_ = st.sampled_from([timedelta(), DAY, 2 * DAY + timedelta(hours=1)])


def in_time(starts: datetime, ends: datetime | None, broken: datetime | None, at: datetime, lead: timedelta) -> bool:
    return starts <= at and (ends is None or at + lead < ends) and (broken is None or at < broken)


def model(
    grants: Sequence[GrantFact],
    consents: Sequence[ConsentFact],
    narrowings: Sequence[Narrowing],
    people: bool,
    placing: Placing,
    at: datetime,
    lead: timedelta,
) -> bool:
    """Every clause asked by itself, at one instant, in the words of the law."""
    inside = placing == LIBRARY

    def granted(territory: str | None) -> bool:
        return any(
            in_time(g.starts, g.ends, g.revoked_at, at, lead)
            and (
                inside
                or (
                    (g.territories is None or territory in g.territories)
                    and (g.media is None or placing.medium in g.media)
                    and (g.uses is None or placing.use in g.uses)
                    and (g.channels is None or placing.connection in g.channels)
                )
            )
            for g in grants
        )

    def consented(person: str) -> bool:
        same = [c for c in consents if (c.person or c.id) == person]
        return any(
            in_time(c.starts, c.ends, c.withdrawn_at, at, lead)
            and not any(w.withdrawn_at is not None and c.starts <= w.withdrawn_at <= at for w in same)
            for c in same
        )

    def within(n: Narrowing) -> bool:
        if n.until is not None and at + lead >= n.until:
            return False
        return inside or (
            (n.channels is None or placing.connection in n.channels)
            and (n.uses is None or placing.use in n.uses)
            and (n.territories is None or (bool(placing.territories) and placing.territories <= n.territories))
        )

    return (
        all(granted(territory) for territory in placing.territories or [None])
        and all(consented(person) for person in {c.person or c.id for c in consents})
        and (bool(consents) or not people)
        and all(within(n) for n in narrowings)
    )


def boundaries(
    grants: Sequence[GrantFact], consents: Sequence[ConsentFact], narrowings: Sequence[Narrowing], lead: timedelta
) -> list[datetime]:
    found: set[datetime | None] = set()
    for g in grants:
        found |= {g.starts, g.revoked_at, g.ends and g.ends - lead}
    for c in consents:
        found |= {c.starts, c.withdrawn_at, c.ends and c.ends - lead}
    found |= {n.until and n.until - lead for n in narrowings}
    return sorted(at for at in found if at is not None)


@given(grants_, consents_, narrowings_, st.booleans(), placings_, days, st.integers(0, 23), leads_)
def test_the_answer_and_its_next_change_equal_the_model(
    grants: list[GrantFact],
    consents: list[ConsentFact],
    narrowings: list[Narrowing],
    people: bool,
    placing: Placing,
    number: int,
    hour: int,
    lead: timedelta,
):
    now = day(number) + timedelta(hours=hour)
    found = answer(grants, consents, narrowings, people, placing, now, lead)
    assert found.allowed == model(grants, consents, narrowings, people, placing, now, lead)
    assert (found.cause is Cause.ALLOWED) == found.allowed
    assert found.clause
    later = [at for at in boundaries(grants, consents, narrowings, lead) if at > now]
    flips = [at for at in later if model(grants, consents, narrowings, people, placing, at, lead) != found.allowed]
    assert found.next_change == (flips[0] if flips else None)


@given(grants_, consents_, narrowings_, st.booleans(), placings_, days, leads_)
def test_a_dated_cause_means_a_right_that_ended_before_now(
    grants: list[GrantFact],
    consents: list[ConsentFact],
    narrowings: list[Narrowing],
    people: bool,
    placing: Placing,
    number: int,
    lead: timedelta,
):
    found = answer(grants, consents, narrowings, people, placing, day(number), lead)
    ends: set[datetime | None] = set()
    if found.cause in (Cause.GRANT_ENDED, Cause.GRANT_REVOKED):
        ends = {end for g in grants for end in (g.ends and g.ends - lead, g.revoked_at)}
    elif found.cause in (Cause.CONSENT_ENDED, Cause.CONSENT_WITHDRAWN):
        ends = {end for c in consents for end in (c.ends and c.ends - lead, c.withdrawn_at)}
    elif found.cause is Cause.NARROWED_UNTIL:
        ends = {n.until and n.until - lead for n in narrowings}
    assert found.cause.dated == any(end is not None and end <= day(number) for end in ends)
