"""Looks at every request and answer of a test, and remembers what breaks the contract where others swallow it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from syncd.testing.contracts.contract import Contract, Opened
from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.violation import Breach, ContractViolation


class Watch:
    """One test's requests and answers, held against its contract, or each against its own of several.

    `operations` holds the names of those that were found right, in their order; `violations` those that were not.
    """

    def __init__(self, opened: Sequence[Opened]) -> None:
        """
        Args:
            opened: what the test declares. What no contract was found for is not looked at.
        """
        self._opened = opened
        self._lies = 0
        self.operations: list[str] = []
        self.violations: list[ContractViolation] = []

    @property
    def validates(self) -> bool:
        """Whether all that the test declares was found."""
        return all(opened.contracts for opened in self._opened)

    def attach(self, client: httpx.AsyncClient) -> None:
        """Look at everything this client sends and gets, also through a mocked transport."""
        client.event_hooks["request"].append(self.on_request)
        client.event_hooks["response"].append(self.on_response)

    @contextmanager
    def lying(self, reason: str) -> Iterator[None]:
        """While a fake answers what the vendor never would, answers are not looked at; requests are.

        Args:
            reason: what the lie is for.
        """
        if not reason:
            raise ValueError("Say what the lie is for.")
        self._lies += 1
        try:
            yield
        finally:
            self._lies -= 1

    def check_request(self, request: Request) -> None:
        """Hold a request against the contract. Raises ContractViolation, and remembers it."""
        with self._remembered():
            self._check_request(request)

    def check_answer(self, request: Request, answer: Answer) -> None:
        """Hold an answer against the contract. Raises ContractViolation, and remembers it.

        Failures are looked at only where the contract speaks of their status: gateways and crashed servers answer
        what they like.
        """
        contract = self._contract(request)
        if contract is None or self._lies or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return
        if answer.status >= httpx.codes.BAD_REQUEST and not contract.states(request, answer.status):
            return
        with self._remembered():
            contract.check_response(request, answer)

    async def on_request(self, request: httpx.Request) -> None:
        """httpx's event hook: called with each request before it is sent, redirected ones included."""
        if self._looks_into(request):
            await request.aread()
            self.check_request(Request.of(request))
        else:
            self.check_request(Request(request.method, str(request.url), request.headers))

    async def on_response(self, response: httpx.Response) -> None:
        """httpx's event hook: called with each answer before its body is read."""
        if self._contract(Request(response.request.method, str(response.request.url))) is not None:
            await response.aread()
            self.check_answer(Request.of(response.request), Answer.of(response))

    def settle(self) -> None:
        """Raises the first violation, if there is any: whoever sent the request may have caught it."""
        if self.violations:
            raise self.violations[0]

    def _looks_into(self, request: httpx.Request) -> bool:
        """Whether a body must be in memory: those of uploads to elsewhere may be long."""
        asked = Request(request.method, str(request.url))
        return self._contract(asked) is not None or self._schema(asked) is not None

    def _contract(self, request: Request) -> Contract | None:
        found = (opened.covering(request) for opened in self._opened)
        return next((contract for contract in found if contract is not None), None)

    def _schema(self, request: Request) -> Path | None:
        """The JSON Schema that the body of a request outside the contracts must fit."""
        for opened in self._opened:
            name = opened.declared.schema_of(request.method, request.url)
            if name is not None and opened.folder is not None:
                return opened.folder / name
        return None

    def _check_request(self, request: Request) -> None:
        contract = self._contract(request)
        if contract is not None:
            self.operations.append(contract.check_request(request))
        elif (schema := self._schema(request)) is not None:
            _check_document(schema, request.body)
        elif self.validates and not any(o.declared.is_outside(request.method, request.url) for o in self._opened):
            names = ", ".join(opened.declared.name for opened in self._opened)
            why = f"is in no contract of {names}, and not declared outside of it"
            raise ContractViolation(f"{request.method} {request.url.partition('?')[0]}", [Breach("url", why)])

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            yield
        except ContractViolation as violation:
            self.violations.append(violation)
            raise


def _check_document(schema: Path, body: bytes) -> None:
    from syncd.testing.contracts.jsonschemas import JsonSchemaContract

    try:
        document = json.loads(body)
    except ValueError as error:
        raise ContractViolation(schema.name, [Breach("document", f"is no JSON: {error}")]) from error
    JsonSchemaContract.load(schema).check(document)
