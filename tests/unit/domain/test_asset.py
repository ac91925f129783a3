"""What a version may do next, and which version is current however the deliveries arrive."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.asset import (
    ALLOWED,
    LEADS_TO,
    IllegalTransition,
    VersionEvent,
    VersionFact,
    VersionStatus,
    advance,
    current_of,
)

E, S = VersionEvent, VersionStatus


def follow(*events: VersionEvent) -> VersionStatus:
    status = S.RECEIVED
    for event in events:
        status = advance(status, event)
    return status


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((E.HOLD, E.ASK, E.APPROVE), S.APPROVED),
        ((E.ASK, E.REQUEST_CHANGES, E.SUPERSEDE), S.SUPERSEDED),
        ((E.ASK, E.REJECT, E.ASK, E.APPROVE), S.APPROVED),
        ((E.APPROVE, E.EXPIRE, E.TAKE_UP), S.RECEIVED),
        ((E.APPROVE, E.WITHDRAW, E.TAKE_UP, E.ASK), S.IN_REVIEW),
        ((E.APPROVE, E.REJECT), S.REJECTED),
    ],
)
def test_a_version_goes_its_way(events: tuple[VersionEvent, ...], status: VersionStatus):
    assert follow(*events) is status


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (S.SUPERSEDED, E.APPROVE),
        (S.WITHDRAWN, E.APPROVE),
        (S.EXPIRED, E.APPROVE),
        (S.REJECTED, E.APPROVE),
        (S.CHANGES, E.APPROVE),
        (S.APPROVED, E.HOLD),
    ],
)
def test_what_is_not_possible_is_refused_by_name(status: VersionStatus, event: VersionEvent):
    with pytest.raises(IllegalTransition, match=f"a version that is {status} cannot {event}") as refused:
        advance(status, event)
    assert (refused.value.status, refused.value.event) == (status, event)


def test_every_status_has_its_events_and_every_event_leads_to_another_status():
    assert set(ALLOWED) == set(S)
    assert sorted(LEADS_TO.values()) == sorted(S)


@given(st.sampled_from(S), st.sampled_from(E))
def test_an_event_that_happened_already_changes_nothing(status: VersionStatus, event: VersionEvent):
    try:
        after = advance(status, event)
    except IllegalTransition:
        return
    assert advance(after, event) is after


@given(st.lists(st.sampled_from(E), max_size=8))
def test_what_is_superseded_or_withdrawn_is_approved_only_after_it_was_taken_up_again(events: list[VersionEvent]):
    status = S.RECEIVED
    taken_up = True
    for event in events:
        try:
            status = advance(status, event)
        except IllegalTransition:
            continue
        if event in (E.SUPERSEDE, E.WITHDRAW, E.EXPIRE):
            taken_up = False
        taken_up = taken_up or event is E.TAKE_UP
        assert taken_up or status is not S.APPROVED


@given(st.sets(st.integers(0, 50), min_size=1), st.randoms(use_true_random=False))
def test_shuffled_and_doubled_deliveries_give_the_same_current_version(numbers: set[int], chance: random.Random):
    delivered = [*numbers, *numbers]
    chance.shuffle(delivered)
    known: dict[int, VersionFact] = {}
    for arrival, number in enumerate(delivered):
        known.setdefault(number, VersionFact(f"v{number}", number, arrival))
    assert current_of(known.values()).id == f"v{max(numbers)}"


def test_without_numbers_the_latest_arrival_is_current():
    versions = [VersionFact("b", None, 2), VersionFact("c", None, 3), VersionFact("a", None, 1)]
    assert current_of(versions).id == "c"


def test_what_the_source_numbers_outranks_what_it_does_not():
    assert current_of([VersionFact("a", 1, 1), VersionFact("b", None, 2)]).id == "a"


def test_an_asset_without_versions_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="empty"):
        current_of([])
