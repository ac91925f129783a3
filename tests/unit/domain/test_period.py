from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.period import Period, end_of_day, grant_period, start_of_day

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "America/Havana",
        "Australia/Lord_Howe",
        "Asia/Beirut",
    )
]
instants = st.integers(946_684_800, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
periods = st.builds(Period, st.integers(0, 20), st.integers(0, 30), st.integers(0, 800))
days = st.dates(date(2000, 1, 2), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2y", Period(years=2)),
        ("6mo", Period(months=6)),
        ("30d", Period(days=30)),
        ("1y6mo10d", Period(1, 6, 10)),
        ("0d", Period()),
    ],
)
def test_periods_are_read(text: str, expected: Period) -> None:
    assert Period.parse(text) == expected
    assert Period.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "2", "y", "6m", "-1d", "2w", "1d1y", "2 y"])
def test_other_texts_are_no_periods(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("start", "period", "expected"),
    [
        (date(2024, 1, 31), Period(months=1), date(2024, 2, 29)),
        (date(2024, 2, 29), Period(years=1), date(2025, 2, 28)),
        (date(2026, 11, 12), Period(years=2), date(2028, 11, 12)),
        (date(2026, 12, 15), Period(months=13), date(2028, 1, 15)),
    ],
)
def test_a_period_follows_the_calendar(start: date, period: Period, expected: date) -> None:
    assert period.after(start) == expected


def test_a_grant_ends_at_the_midnight_that_ends_the_day_of_the_same_date() -> None:
    starts, ends = grant_period(datetime(2026, 11, 12, 9, tzinfo=UTC), Period(years=2), ZoneInfo("UTC"))
    assert (starts, ends) == (datetime(2026, 11, 12, 9, tzinfo=UTC), datetime(2028, 11, 13, tzinfo=UTC))


def test_the_day_of_receipt_is_that_of_the_grants_zone() -> None:
    received = datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert grant_period(received, Period(days=1), ZoneInfo("Europe/Berlin"))[1] == datetime(2026, 7, 2, 22, tzinfo=UTC)
    assert grant_period(received, Period(days=1), ZoneInfo("America/New_York"))[1] == datetime(
        2026, 7, 2, 4, tzinfo=UTC
    )


def test_a_midnight_that_is_skipped_is_the_instant_of_the_change() -> None:
    assert end_of_day(date(2018, 11, 3), ZoneInfo("America/Sao_Paulo")) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_a_midnight_that_comes_twice_is_the_first() -> None:
    assert end_of_day(date(2026, 10, 31), ZoneInfo("America/Havana")) == datetime(2026, 11, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "received", [datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), datetime(9998, 1, 1, tzinfo=UTC)]
)
def test_what_has_no_zone_or_no_end_is_refused(received: datetime) -> None:
    with pytest.raises(ValueError, match=r"zone|9999"):
        grant_period(received, Period(years=5), ZoneInfo("UTC"))


@given(instants, periods, st.sampled_from(ZONES))
def test_the_last_moment_of_a_grant_lies_in_its_last_day(received: datetime, period: Period, zone: ZoneInfo) -> None:
    starts, ends = grant_period(received, period, zone)
    last_day = period.after(received.astimezone(zone).date())
    assert starts == received < ends
    assert (ends - timedelta(microseconds=1)).astimezone(zone).date() <= last_day
    assert ends.astimezone(zone).date() > last_day


@given(instants, instants, periods, st.sampled_from(ZONES))
def test_a_later_receipt_never_ends_earlier(one: datetime, other: datetime, period: Period, zone: ZoneInfo) -> None:
    first, second = sorted((one, other))
    assert grant_period(first, period, zone)[1] <= grant_period(second, period, zone)[1]


@given(days, st.sampled_from(ZONES))
def test_days_follow_one_another_without_gap(day: date, zone: ZoneInfo) -> None:
    assert end_of_day(day, zone) == start_of_day(day + timedelta(days=1), zone)
    assert start_of_day(day, zone) <= end_of_day(day, zone) <= start_of_day(day, zone) + timedelta(hours=49)
