"""Periods on the calendar (`2y`, `6mo`, `30d`) and the instants between which a grant holds."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_PERIOD = re.compile(r"(?:(?P<years>\d{1,3})y)?(?:(?P<months>\d{1,4})mo)?(?:(?P<days>\d{1,5})d)?")


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time in calendar terms: two years are two years, leap day or not."""

    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `2y`, `6mo`, `30d` or a row of them such as `1y6mo`.

        Raises:
            ValueError: not such a text.
        """
        found = _PERIOD.fullmatch(text.strip())
        if not found or not any(found.groupdict().values()):
            raise ValueError(f"`{text}` is not a period such as 2y, 6mo or 30d (m would be minutes)")
        return cls(**{unit: int(count) for unit, count in found.groupdict().items() if count})

    def after(self, start: date) -> date:
        """The day this period after `start`; 31 January and one month is the last day of February."""
        months = start.month - 1 + self.months
        year, month = start.year + self.years + months // 12, months % 12 + 1
        day = min(start.day, calendar.monthrange(year, month)[1])
        return date(year, month, day) + timedelta(days=self.days)

    def __str__(self) -> str:
        parts = ((self.years, "y"), (self.months, "mo"), (self.days, "d"))
        return "".join(f"{count}{unit}" for count, unit in parts if count) or "0d"


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The midnight that ends `day` in `zone`, in UTC.

    Where a clock change skips that midnight it is reckoned with the offset before the change, which for a change at
    midnight is the instant of the change; where it comes twice, the first counts.
    """
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The midnight that begins `day` in `zone`, in UTC."""
    return end_of_day(day - timedelta(days=1), zone)


def grant_period(received_at: datetime, period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a grant that lasts `period` holds: from receipt to the midnight that ends its last day in the grant's zone.

    The day of receipt is not counted, so the last day of a two-year grant bears the same date as the receipt
    (Regulation (EEC, Euratom) No 1182/71, article 3; German Civil Code, sections 187 and 188).

    Args:
        received_at: the aware instant at which the submission was received.

    Returns:
        first instant and end (the first instant at which it holds no more), both in UTC.

    Raises:
        ValueError: `received_at` has no zone, or the period passes the year 9999.
    """
    if received_at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    try:
        last_day = period.after(received_at.astimezone(zone).date())
        return (received_at.astimezone(UTC), end_of_day(last_day, zone))
    except (OverflowError, ValueError) as error:
        raise ValueError(f"a grant of {period} passes the year 9999") from error
