from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from syncd.config import scalars
from syncd.domain.period import Period


@pytest.mark.parametrize(("kind", "text", "expected"), [
    (scalars.Duration, "15m", timedelta(minutes=15)),
    (scalars.Duration, "0s", timedelta()),
    (scalars.Duration, "48h", timedelta(days=2)),
    (scalars.CalendarPeriod, "6mo", Period(months=6)),
    (scalars.Share, "5%", 0.05),
    (scalars.Share, "12.5 %", 0.125),
    (scalars.Slots, "3..8", scalars.SlotRange(3, 8)),
    (scalars.Moment, "2027-03-31", date(2027, 3, 31)),
    (scalars.Moment, "2027-03-31T12:00:00+02:00", datetime(2027, 3, 31, 10, tzinfo=UTC)),
    (scalars.Moment, "submission.fields.until", "submission.fields.until"),
    (scalars.Mail, "dana@acme.example", "dana@acme.example"),
])  # fmt: skip
def test_texts_are_read(kind: Any, text: str, expected: object) -> None:
    assert TypeAdapter(kind).validate_python(text) == expected


@pytest.mark.parametrize(("kind", "text"), [
    (scalars.Duration, "15"), (scalars.Duration, "-1m"), (scalars.Duration, "1.5h"), (scalars.Duration, "2mo"),
    (scalars.CalendarPeriod, "6m"), (scalars.CalendarPeriod, ""), (scalars.Share, "5"), (scalars.Share, "101%"),
    (scalars.Slots, "8..3"), (scalars.Slots, "0..3"), (scalars.Slots, "3"), (scalars.Moment, "31.3.2027"),
    (scalars.Moment, "2027-03-31T12:00:00"), (scalars.Moment, "2027-02-30"), (scalars.Path, "brief"),
    (scalars.Path, "brief.skus()"), (scalars.Mail, "dana"), (scalars.Glob, "Shop us"), (scalars.Territory, "us"),
    (scalars.Language, "English"), (scalars.Duration, ["15m"]), (scalars.Duration, None),
])  # fmt: skip
def test_other_texts_are_refused(kind: Any, text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text)


@given(st.integers(0, 900_000))
def test_a_duration_is_read_back_as_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert scalars.duration(scalars.duration_text(length)) == length


@pytest.mark.parametrize(("glob", "name", "expected"), [
    ("shop-*", "shop-us", True), ("shop-*", "myshop-us", False), ("*", "anything", True), ("shop-?s", "shop-us", True),
    ("shop-us", "shop-us-2", False),
])  # fmt: skip
def test_globs(glob: str, name: str, expected: bool) -> None:
    assert scalars.matches(glob, name) is expected


def test_a_slot_range_knows_how_many_it_holds() -> None:
    assert len(scalars.SlotRange(3, 8)) == 6
