"""Regular expressions of `find`, refused at load where a text could keep them busy.

Python's engine backtracks: nested or many open repeats take a time that grows with a power of the text's length.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

MAX_TEXT = 1_000
"""Characters of the text that is searched; the rest is passed over."""
MAX_OPEN_REPEATS = 2
"""Repeats of open length, such as `+`, in one pattern: a million steps for each start."""
_OPEN = 20
"""A repeat that varies by more than this counts as open."""

_parser: Any = importlib.import_module("re._parser")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_REFERENCES = {"GROUPREF", "GROUPREF_EXISTS"}


def compile_pattern(source: str, groups: tuple[str, ...]) -> re.Pattern[str]:
    """Compile a pattern that ends in bounded time and has exactly one of the named groups.

    Raises:
        ValueError: not a pattern, too costly, or without the group; the message says which.
    """
    try:
        parsed, pattern = _parser.parse(source), re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    named = [group for group in groups if group in pattern.groupindex]
    if len(named) != 1:
        raise ValueError(f"it needs one group named {', '.join(groups[:-1])} or {groups[-1]}, such as (?P<sku>…)")
    if _open_repeats(parsed, inside=False) > MAX_OPEN_REPEATS:
        raise ValueError(f"it has more than {MAX_OPEN_REPEATS} repeats of open length such as + or *")
    return pattern


def _open_repeats(parsed: Any, *, inside: bool) -> int:
    """Repeats of open length in a parsed pattern.

    Raises:
        ValueError: something varies inside a repeat, or the pattern refers back.
    """
    count = 0
    for operator, arguments in parsed:
        name = str(operator)
        if name in _REFERENCES:
            raise ValueError("it refers back to a group")
        varies = name in _REPEATS and arguments[0] != arguments[1]
        if inside and (varies or name == "BRANCH"):
            raise ValueError("something of varying length stands inside a repeat")
        if varies and int(arguments[1]) - int(arguments[0]) > _OPEN:
            count += 1
        repeats = inside or (name in _REPEATS and arguments[1] > 1)
        count += sum(_open_repeats(part, inside=repeats) for part in _parts(arguments))
    return count


def _parts(arguments: Any) -> list[Any]:
    """Sub-patterns in an operator's arguments, whatever its shape."""
    if isinstance(arguments, _parser.SubPattern):
        return [arguments]
    if isinstance(arguments, (tuple, list)):
        return [part for each in arguments for part in _parts(each)]
    return []
