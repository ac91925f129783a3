"""What texts of a named format look like: the formats of OpenAPI and JSON Schema, and the usual scalars of GraphQL."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_DIGITS = re.compile(r"\d+")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")

Check = Callable[[object], bool]


def _text(accepts: Callable[[str], object]) -> Check:
    """Whether a value is a text that `accepts` neither refuses nor raises ValueError for."""

    def check(value: object) -> bool:
        try:
            return isinstance(value, str) and bool(accepts(value))
        except ValueError:
            return False

    return check


def _is_instant(text: str) -> bool:
    """RFC 3339: with an offset, which ISO 8601 leaves open."""
    return bool(_INSTANT.fullmatch(text) and datetime.fromisoformat(text.upper()))


def _is_day(text: str) -> bool:
    return bool(_DAY.fullmatch(text) and date.fromisoformat(text))


def _is_uri(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", text)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _within(bits: int) -> Check:
    return lambda value: not isinstance(value, int) or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


instant, day, uri = _text(_is_instant), _text(_is_day), _text(_is_uri)
digits, _decimal = _text(_DIGITS.fullmatch), _text(_DECIMAL.fullmatch)


def number(value: object) -> bool:
    """A number, or a text that writes one."""
    return _decimal(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def _if_text(check: Check) -> Check:
    """JSON Schema: a format says nothing of values that are no texts."""
    return lambda value: not isinstance(value, str) or check(value)


SCHEMA_FORMATS: Mapping[str, Check] = {
    "date-time": _if_text(instant),
    "date": _if_text(day),
    "uri": _if_text(uri),
    "url": _if_text(uri),
    "email": _if_text(_text(_MAIL.fullmatch)),
    "uuid": _if_text(_text(uuid.UUID)),
    "byte": _if_text(_text(_is_base64)),
    "int32": _within(32),
    "int64": _within(64),
}
"""Format → whether a value fits; formats that are not here are not looked at."""

SCALARS: Mapping[str, Check] = {
    "DateTime": instant,
    "Date": day,
    "URL": uri,
    "URI": uri,
    "Decimal": number,
    "Money": number,
    "UnsignedInt64": digits,
}
"""GraphQL scalars that a schema only names → whether a value fits. JSON and others may be anything."""
