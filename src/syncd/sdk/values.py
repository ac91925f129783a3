"""Values as people write them in options: lengths of time and sizes with their unit."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from syncd.config.scalars import Duration, fault

__all__ = ["Duration", "Size", "size", "storable"]

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size(text: Any) -> int:
    """Read `512MB` or `4GiB` as bytes."""
    if isinstance(text, int):
        return text
    found = re.fullmatch(r"(\d{1,6}) ?([kKMG]?i?B)", text) if isinstance(text, str) else None
    if not found or found[2] not in _UNITS:
        raise fault("this is not a size", "write a whole number and B, KB, MB or GB, such as 512MB")
    return int(found[1]) * _UNITS[found[2]]


def storable(text: str) -> bool:
    """Whether every store takes the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema({"type": "string", "pattern": r"^\d+ ?([kKMG]i?)?B$", "examples": ["512MB", "4GB"]}),
]
