"""Reads members of answers; what is missing or of another kind is told with a sample, never taken for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx

from syncd.errors import RejectedError, TransientError

T = TypeVar("T")
_SAMPLE = 160  # characters of an answer in an error
_KINDS = {str: "text", list: "a list", dict: "an object", int: "a number"}


def member(value: Any, name: str, kind: type[T], where: str) -> T:
    """A member of an object.

    Args:
        value: the object.
        kind: what the member has to be.
        where: names the object in the error.

    Raises:
        RejectedError: it is not there, or something else.
    """
    found = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(found, kind):
        return found
    raise drifted(f"{where} has no {name} that is {_KINDS[kind]}", value)


def drifted(what: str, value: Any) -> RejectedError:
    """The error of an answer that is not as it was when this was written, with a sample of it."""
    return RejectedError(
        f"{what}: {json.dumps(value)[:_SAMPLE]}",
        remedy="Nothing was changed. Amazon may have renamed it: look for a newer version of syncd, or report it.",
    )


def answer(response: httpx.Response, what: str) -> dict[str, Any]:
    """An answer's JSON object. Raises TransientError if it is something else: a proxy's page, half an answer."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise TransientError(f"{what} was answered with something else than a JSON object.")
    return found
