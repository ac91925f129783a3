"""YAML and JSON written by others, read into a model; what is wrong is said with file, line and column."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel

from syncd.config import nodes, problems, validation
from syncd.errors import RejectedError
from syncd.sdk.values import storable

LIMIT = 2**20  # characters of one file
_DEPTH = 30

M = TypeVar("M", bound=BaseModel)


def read(text: str, file: str, model: type[M]) -> M:
    """The model a YAML or JSON text states.

    Args:
        text: the content.
        file: its name in messages; JSON if it ends in `.json`.
        model: its fields take text where YAML is read: YAML scalars are not typed by their looks.

    Raises:
        RejectedError: naming each fault as `file:line:column: what, why, remedy`.
    """
    if len(text) > LIMIT:
        raise refused(file, 1, 1, f"the file has {len(text):,} characters", f"the limit is {LIMIT:,}")
    data = _json(text, file) if file.endswith(".json") else None
    document = _document(text, file, positions_only=data is not None)
    found, faults = validation.validate(model, document, data=data)
    if found is None:
        raise _rejected(faults)
    return found


def refused(file: str, line: int, column: int, what: str, why: str = "") -> RejectedError:
    """The error for one fault of a file at its place."""
    return _rejected([problems.Problem(file, line, column, what, why, "")])


def _rejected(faults: list[problems.Problem]) -> RejectedError:
    lines = [str(problem) for problem in faults]
    return RejectedError("\n".join(lines) + ".", remedy="Correct the file and save it again.", problems=lines)


def _json(text: str, file: str) -> Any:
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise refused(file, error.lineno, error.colno, "this is not JSON", error.msg) from error
    except _Twice as error:
        raise refused(file, 1, 1, f"the key `{error}` stands twice", "one of the two would be lost") from error
    except (RecursionError, ValueError) as error:
        raise refused(file, 1, 1, "values are nested too deeply or too long") from error
    if not isinstance(data, dict):
        raise refused(file, 1, 1, "the file should be a map", "it holds something else")
    if not storable(_all_text(data)):
        raise refused(file, 1, 1, "a text holds a character that is none", "no store takes NUL or half a pair")
    return data


def _all_text(data: Any) -> str:
    if isinstance(data, dict):
        return "".join(key + _all_text(value) for key, value in data.items())
    if isinstance(data, list):
        return "".join(map(_all_text, data))
    return data if isinstance(data, str) else ""


class _Twice(ValueError):
    """A key that stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _document(text: str, file: str, *, positions_only: bool) -> nodes.Document:
    try:
        return nodes.parse(text, file)
    except problems.InvalidFiles as error:
        if positions_only:
            return nodes.Document(file, None, None)  # JSON that is no YAML: its faults have no line
        raise _rejected(list(error.problems)) from error
