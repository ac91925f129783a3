"""What Akeneo says in its answers: its words for a refusal, and JSON that is what it should be. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from syncd.errors import RejectedError, TransientError

SAMPLE = 200  # characters of an answer in an error
_MOST = 10  # errors of one answer that are named


def of(response: httpx.Response) -> str:
    """Its words for a refused request."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return f"{response.status_code} {response.text[:SAMPLE]}".strip()
    return of_error(found)


def of_error(error: Mapping[str, Any]) -> str:
    """Its words in an error's object: the message, and of each fault the property, where it stands and what it is.

    Args:
        error: of an answer, or of one line of a batch.
    """
    message = str(error.get("message") or f"status {error.get('code') or error.get('status_code')}")
    faults = [_fault(each) for each in error.get("errors") or () if isinstance(each, dict)]
    if not faults:
        return message
    more = [f"and {len(faults) - _MOST} more"] if len(faults) > _MOST else []
    return f"{message.rstrip('.')}: {'; '.join(faults[:_MOST] + more)}"


def _fault(fault: Mapping[str, Any]) -> str:
    where = [str(fault[name]) for name in ("attribute", "locale", "scope", "channel") if fault.get(name)]
    place = " ".join(filter(None, (str(fault.get("property") or ""), f"({', '.join(where)})" if where else "")))
    said = str(fault.get("message", ""))
    return f"{place}: {said}" if place else said


def json_of(response: httpx.Response, connection: str) -> Any:
    """An answer's JSON.

    Raises:
        TransientError: it is something else, such as a page that says the PIM is being maintained.
    """
    try:
        return json.loads(response.content)
    except ValueError as error:
        what = f"{connection}: {response.request.method} {response.request.url.path} was answered with no JSON"
        raise TransientError(f"{what} ({response.headers.get('content-type', 'without a type')}).") from error


def values(found: Any, where: str) -> dict[str, Any]:
    """The `values` of an object; where there are none, PHP may write an empty list for the empty map.

    Args and raises: as of `field`.
    """
    given = found.get("values") if isinstance(found, dict) else None
    return {} if given == [] else dict(field(found, "values", dict, where))


def field(found: Any, name: str, kind: type | tuple[type, ...], where: str) -> Any:
    """A member that must be there.

    Args:
        found: an object that was received.
        name: of the member.
        kind: of its value.
        where: what the object is, for the error.

    Raises:
        RejectedError: it is missing or of another kind; names it, with a short sample.
    """
    value = found.get(name) if isinstance(found, dict) else None
    if isinstance(value, kind):
        return value
    sample = json.dumps(found, ensure_ascii=False, default=str)[:SAMPLE]
    said = "is missing" if value is None else f"is no {kind.__name__ if isinstance(kind, type) else kind[0].__name__}"
    remedy = "Akeneo's answers have changed: update syncd, or report it with this sample."
    raise RejectedError(f"`{name}` {said} in {where}: {sample}", remedy=remedy)
