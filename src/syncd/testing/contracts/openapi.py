"""A contract in OpenAPI: which operation a request means, and whether request and answer are as it says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from syncd.testing.contracts import openapi3, security, swagger2
from syncd.testing.contracts.bodies import Bodies
from syncd.testing.contracts.dialect import Side
from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.operation import Operation
from syncd.testing.contracts.parameters import Parameters
from syncd.testing.contracts.references import Document
from syncd.testing.contracts.schemas import Schemas
from syncd.testing.contracts.templates import Routes
from syncd.testing.contracts.violation import Breach, ContractViolation, refuse_any


class OpenApiContract:
    """A Swagger 2.0 or OpenAPI 3.0 or 3.1 file. Hosts are not looked at: a fake has its own."""

    def __init__(self, document: Document, *, base: str | None = None, closed: bool = True) -> None:
        """
        Args:
            document: the file with those it refers to.
            base: URL or path before the contract's paths, instead of those of its servers.
            closed: refuse names in bodies that an object's schema does not know.

        Raises:
            ValueError: it is no OpenAPI, or of a version that is not known.
        """
        self.name = document.path.name
        self._routes = Routes(_operations(document, base))
        sent = Schemas(document, Side.REQUEST, closed=closed)
        self._parameters, self._sent = Parameters(document, sent), Bodies(document, sent)
        self._received = Bodies(document, Schemas(document, Side.ANSWER, closed=closed))

    @classmethod
    @lru_cache(maxsize=64)
    def load(cls, path: Path, *, base: str | None = None, closed: bool = True) -> OpenApiContract:
        """The contract in a JSON or YAML file, gzipped or not; once per process."""
        return cls(Document(path), base=base, closed=closed)

    def covers(self, request: Request) -> bool:
        """Whether the request's path is one of the contract's."""
        return self._routes.find(request.method, request.path) is not None

    def check_request(self, request: Request) -> str:
        """The operation's name, if the request is one that the contract allows.

        Raises:
            ContractViolation: with everything that is wrong.
        """
        operation, values = self._meant(request)
        refuse_any(
            operation.name,
            (
                *security.breaches(operation, request),
                *self._parameters.breaches(operation, request, values),
                *self._sent.of_request(operation.body, request),
            ),
        )
        return operation.name

    def states(self, request: Request, status: int) -> bool:
        """Whether the contract says what answers with this status hold."""
        return self._meant(request)[0].stated(status) is not None

    def check_response(self, request: Request, answer: Answer) -> None:
        """Hold an answer against what the contract says of the request's operation.

        Raises:
            ContractViolation: the contract knows no such status, or its body is another.
        """
        operation = self._meant(request)[0]
        content = operation.stated(answer.status)
        if content is None:
            known = ", ".join(operation.answers)
            raise ContractViolation(operation.name, [Breach("answer.status", f"{answer.status} is none of {known}")])
        refuse_any(operation.name, self._received.of_answer(content, answer))

    def _meant(self, request: Request) -> tuple[Operation, dict[str, str]]:
        call = f"{request.method} {request.path}"
        found = self._routes.find(request.method, request.path)
        if found is None:
            raise ContractViolation(call, [Breach("path", f"is none of {self.name}")])
        route, values = found
        if request.method not in route.operations:
            known = ", ".join(sorted(route.operations))
            raise ContractViolation(call, [Breach("method", f"{route.template} takes {known}")])
        return route.operations[request.method], values


def _operations(document: Document, base: str | None) -> Iterable[Operation]:
    if document.root.get("swagger") == "2.0":
        return swagger2.operations(document, base)
    if str(document.root.get("openapi", "")).startswith(("3.0", "3.1")):
        return openapi3.operations(document, base)
    raise ValueError(f"{document.path} is neither Swagger 2.0 nor OpenAPI 3.0 or 3.1.")
