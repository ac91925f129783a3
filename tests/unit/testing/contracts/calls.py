"""Requests as a connector's client would build them, and what a contract says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncd.testing.contracts.contract import Contract
from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.violation import ContractViolation

GIVEN = Path(__file__).parent / "given"


def request(method: str, url: str, **options: Any) -> Request:
    """Options are those of `httpx.Request`: `params`, `headers`, `json`, `content`, `data`, `files`, `cookies`."""
    built = httpx.Request(method, httpx.URL("https://api.example").join(url), **options)
    built.read()
    return Request.of(built)


def answer(status: int, body: object, media_type: str = "application/json") -> Answer:
    return Answer(status, {"Content-Type": media_type}, body if isinstance(body, bytes) else json.dumps(body).encode())


def places(contract: Contract, asked: Request) -> list[str]:
    """Where a request breaks its contract; [] if it does not."""
    try:
        contract.check_request(asked)
    except ContractViolation as violation:
        return [breach.place for breach in violation.breaches]
    return []


def answer_places(contract: Contract, asked: Request, given: Answer) -> list[str]:
    """Where an answer breaks its contract; [] if it does not."""
    try:
        contract.check_response(asked, given)
    except ContractViolation as violation:
        return [breach.place for breach in violation.breaches]
    return []


def violation(contract: Contract, asked: Request) -> str:
    """What a person reads of a request that breaks its contract."""
    with pytest.raises(ContractViolation) as raised:
        contract.check_request(asked)
    return str(raised.value)
