"""GraphQL over HTTP: what a POST carries, and the frame of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.testing.contracts.bodies import strict_json
from syncd.testing.contracts.exchange import Answer, Request, media_type
from syncd.testing.contracts.violation import Breach, ContractViolation

OK = 200
_JSON = "application/json"
_KEYS = {"query": str, "variables": dict | None, "operationName": str | None, "extensions": dict | None}


@dataclass(frozen=True)
class Sent:
    """What a request asks."""

    document: str
    variables: Mapping[str, Any]
    operation: str | None


def sent(request: Request) -> Sent:
    """What a request asks. Raises ContractViolation if it is none."""
    call = f"{request.method} {request.path}"
    if request.method != "POST" or media_type(request.headers) != _JSON:
        raise ContractViolation(call, [Breach("request", f"must be a POST of {_JSON}")])
    body = _object(call, "body", request.body)
    wrong = [Breach(f"body.{key}", "is unknown or of another type") for key in body if not _fits(key, body[key])]
    if wrong or "query" not in body:
        raise ContractViolation(call, wrong or [Breach("body.query", "is missing")])
    return Sent(body["query"], body.get("variables") or {}, body.get("operationName"))


def received(operation: str, answer: Answer) -> Any:
    """An answer's data; None where it only holds errors. Raises ContractViolation if it has neither."""
    if answer.status != OK:
        raise ContractViolation(operation, [Breach("answer.status", f"{answer.status} is none of {OK}")])
    body = _object(operation, "answer", answer.body)
    errors = body.get("errors")
    if errors is not None and not (errors and isinstance(errors, list) and all(map(_is_error, errors))):
        raise ContractViolation(operation, [Breach("answer.errors", "must be a list of objects with a message")])
    if body.get("data") is None and errors is None:
        raise ContractViolation(operation, [Breach("answer", "has neither data nor errors")])
    return body.get("data")


def _object(operation: str, where: str, content: bytes) -> dict[str, Any]:
    try:
        body = strict_json(content)
    except ValueError as error:
        raise ContractViolation(operation, [Breach(where, f"is no JSON: {error}")]) from error
    if not isinstance(body, dict):
        raise ContractViolation(operation, [Breach(where, "is no object")])
    return body


def _fits(key: str, value: Any) -> bool:
    return key in _KEYS and isinstance(value, _KEYS[key])


def _is_error(error: Any) -> bool:
    return isinstance(error, dict) and isinstance(error.get("message"), str)
