"""The small languages inside scalars: durations, periods, shares, slot ranges, addresses, globs, names."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from syncd.domain import period

_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")
_SLOTS = re.compile(r"(\d{1,4})\.\.(\d{1,4})")
_PATH = re.compile(r"[a-z_]+(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


def fault(what: str, remedy: str, *, why: str = "", at: str = "") -> PydanticCustomError:
    """What a validator raises: it becomes one problem at the value's place, or at its key `at`."""
    return PydanticCustomError("syncd", "{what}", {"what": what, "why": why, "remedy": remedy, "at": at})


def duration(text: Any) -> timedelta:
    """Read `15m`, `48h`, `30d`, `0s`."""
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise fault("this is not a length of time", "write a number and s, m, h or d, such as 15m")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def duration_text(length: timedelta) -> str:
    """A duration as the files write it, in the largest unit that is exact."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def calendar_period(text: Any) -> period.Period:
    """Read `2y`, `6mo`, `30d`."""
    if isinstance(text, period.Period):
        return text
    try:
        return period.Period.parse(text)
    except (ValueError, AttributeError):
        raise fault("this is not a period", "write 2y, 6mo or 30d (m would be minutes)") from None


def share(text: Any) -> float:
    """Read `5%` as 0.05."""
    if isinstance(text, float):
        return text
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if not found or float(found[1]) > 100:
        raise fault("this is not a share", "write a percentage from 0% to 100%, such as 5%")
    return float(found[1]) / 100


@dataclass(frozen=True, slots=True)
class SlotRange:
    """Positions of a gallery that are ours to fill, both ends included, from 1."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"

    def __len__(self) -> int:
        return self.last - self.first + 1


def slot_range(text: Any) -> SlotRange:
    """Read `3..8`."""
    if isinstance(text, SlotRange):
        return text
    found = _SLOTS.fullmatch(text) if isinstance(text, str) else None
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise fault("this is not a range of slots", "write first and last from 1, such as 3..8")
    return SlotRange(int(found[1]), int(found[2]))


def moment(text: Any) -> Any:
    """Read a day (`2027-03-31`), an instant with its zone, or the dotted path of a fact that holds one of them."""
    if not isinstance(text, str):
        return text
    if _PATH.fullmatch(text):
        return text
    try:
        return day_or_instant(text)
    except ValueError:
        raise fault(
            "this is not a day, an instant or a path",
            "write 2027-03-31, 2027-03-31T12:00:00Z or submission.fields.until",
        ) from None


def day_or_instant(text: str) -> date | datetime:
    """Read `2027-03-31` or `2027-03-31T12:00:00+01:00`.

    Raises:
        ValueError: neither, or an instant without a zone.
    """
    if len(text) == len("2027-03-31"):
        return date.fromisoformat(text)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone")
    return instant.astimezone(UTC)


def dotted_path(text: Any) -> str:
    """Read `brief.skus`; whether it names a fact is checked with the rules."""
    if isinstance(text, str) and _PATH.fullmatch(text):
        return text
    raise fault("this is not the path of a fact", "write names joined by dots, such as brief.skus")


def matches(glob: str, name: str) -> bool:
    """Whether a connection's name matches; `*` and `?` as in file names, case counts."""
    return fnmatch.fnmatchcase(name, glob)


def _schema(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


Duration = Annotated[
    timedelta, BeforeValidator(duration), PlainSerializer(duration_text), _schema(r"^\d+(s|m|h|d)$", "15m", "48h")
]
CalendarPeriod = Annotated[
    period.Period,
    BeforeValidator(calendar_period),
    PlainSerializer(str),
    _schema(r"^(\d+y)?(\d+mo)?(\d+d)?$", "2y", "6mo", "30d"),
]
Share = Annotated[float, BeforeValidator(share), _schema(r"^\d+(\.\d+)? ?%$", "5%")]
Slots = Annotated[SlotRange, BeforeValidator(slot_range), PlainSerializer(str), _schema(r"^\d+\.\.\d+$", "3..8")]
Moment = Annotated[
    date | datetime | str, BeforeValidator(moment), WithJsonSchema({"type": "string", "examples": ["2027-03-31"]})
]
Path = Annotated[str, BeforeValidator(dotted_path), _schema(r"^[a-z_]+(\.[A-Za-z_]\w*)+$", "brief.skus")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
Glob = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?\[\]!-]+$", max_length=100)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Territory = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"), Field(description="BCP 47")]
Expression = Annotated[str, StringConstraints(min_length=1), Field(description="a condition in CEL")]
