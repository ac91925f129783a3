"""What becomes of a failed key: passing failures back off ever longer up to a bound, a stated wait is kept, and all
that a person must mend is parked and told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from syncd import errors
from syncd.engine.failure import (
    ATTEMPTS_UNTIL_TOLD,
    FIRST_RETRY,
    LONGEST_RETRY,
    LONGEST_STATED,
    Verdict,
    as_syncd_error,
    judge,
)
from syncd.errors import Bug, RateLimited, SyncdError, TransientError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSING = (TransientError, errors.ConflictError, RateLimited)
PERMANENT = (
    errors.ConfigError, errors.AuthError, errors.RejectedError, errors.RuleFailed, errors.NotFoundError, Bug,
    SyncdError,
)  # fmt: skip
attempts = st.integers(1, 10**6)
jitters = st.floats(0, 1, exclude_max=True)


class Refusal(Exception):
    """What a driver raises, with the state the server gave."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


def from_driver(sqlstate: str | None, gone: bool = False) -> DBAPIError:
    return DBAPIError("UPDATE work", {}, Refusal(sqlstate), connection_invalidated=gone)


def pause(error: SyncdError, attempt: int, jitter: float) -> timedelta:
    not_before = judge(error, attempt, NOW, jitter).not_before
    assert not_before is not None
    return not_before - NOW


# --- the shape of ours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [
    from_driver("40001"), from_driver("40P01"), from_driver(None, gone=True), TimeoutError("late"),
    ConnectionResetError("reset"), BrokenPipeError("broken"),
])  # fmt: skip
def test_what_passes_by_itself_is_transient_and_keeps_its_name(error: Exception) -> None:
    ours = as_syncd_error(error)
    assert type(ours) is TransientError
    assert type(error).__name__ in ours.what


@pytest.mark.parametrize("error", [
    KeyError("sku"), ValueError("no number"), OSError("disk full"), AssertionError(), from_driver("23505"),
    from_driver(None), DBAPIError("SELECT 1", {}, Exception("no state")),
])  # fmt: skip
def test_what_nobody_foresaw_is_a_bug_and_keeps_its_name(error: Exception) -> None:
    ours = as_syncd_error(error)
    assert type(ours) is Bug
    assert type(error).__name__ in ours.what


@pytest.mark.parametrize("kind", [*PASSING, *PERMANENT])
def test_our_own_errors_stay_as_they_are(kind: type[SyncdError]) -> None:
    error = kind("as it is.")
    assert as_syncd_error(error) is error


# --- the verdict -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PERMANENT)
@pytest.mark.parametrize("attempt", [1, 8, 1000])
def test_what_a_person_must_mend_is_parked_and_told_at_once(kind: type[SyncdError], attempt: int) -> None:
    assert judge(kind("broken."), attempt, NOW, 0.5) == Verdict(None, True)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (10, 1024), (11, 2048), (12, 3600), (99, 3600)]
)
def test_the_back_off_doubles_up_to_an_hour(attempt: int, seconds: float) -> None:
    assert pause(TransientError("down."), attempt, 0.0) == timedelta(seconds=seconds / 2)
    assert pause(TransientError("down."), attempt, 0.5) == timedelta(seconds=seconds * 3 / 4)


@given(st.sampled_from(PASSING), attempts, jitters)
def test_a_passing_failure_is_tried_again_within_the_bounds(
    kind: type[SyncdError], attempt: int, jitter: float
) -> None:
    assert FIRST_RETRY / 2 <= pause(kind("down."), attempt, jitter) <= LONGEST_RETRY


@given(st.sampled_from(PASSING), attempts, attempts, jitters)
def test_a_later_attempt_never_waits_for_less(kind: type[SyncdError], one: int, other: int, jitter: float) -> None:
    error = kind("down.")
    assert pause(error, min(one, other), jitter) <= pause(error, max(one, other), jitter)


@given(st.integers(1, 10), jitters)
def test_until_the_bound_a_later_attempt_waits_longer_whatever_was_drawn(attempt: int, jitter: float) -> None:
    error = TransientError("down.")
    assert pause(error, attempt, jitter) <= pause(error, attempt + 1, 0.0)


@given(st.sampled_from(PASSING), attempts, jitters)
def test_a_person_hears_of_a_passing_failure_only_if_it_lasts(
    kind: type[SyncdError], attempt: int, jitter: float
) -> None:
    assert judge(kind("down."), attempt, NOW, jitter).tell is (attempt >= ATTEMPTS_UNTIL_TOLD)


@given(st.floats(0, LONGEST_STATED), attempts, jitters)
def test_a_stated_wait_is_kept_to_the_second_and_troubles_nobody(wait: float, attempt: int, jitter: float) -> None:
    error = RateLimited("slow down.", retry_after=wait)
    assert judge(error, attempt, NOW, jitter) == Verdict(NOW + timedelta(seconds=wait), False)


@given(st.floats(0, allow_infinity=False))
@example(1e300)
def test_any_stated_wait_has_a_verdict(wait: float) -> None:
    assert judge(RateLimited("slow down.", retry_after=wait), 1, NOW, 0.0).not_before is not None
