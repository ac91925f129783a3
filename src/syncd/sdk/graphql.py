"""A GraphQL API, called: documents and variables go out, data or an error of syncd comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import AuthError, RateLimited, RejectedError, SyncdError, TransientError
from syncd.sdk.http import EXCERPT, HttpClient
from syncd.sdk.understood import sample

_OPERATION = re.compile(r"\s*(query|mutation)\s+([A-Za-z_]\w*)")
_ACCEPT = "application/graphql-response+json, application/json;q=0.9"

Codes = Mapping[str, type[SyncdError]]
"""Which error a code in `errors[].extensions.code` stands for."""

CODES: Codes = {
    "UNAUTHENTICATED": AuthError,
    "UNAUTHORIZED": AuthError,
    "FORBIDDEN": AuthError,
    "ACCESS_DENIED": AuthError,
    "THROTTLED": RateLimited,
    "RATE_LIMITED": RateLimited,
    "INTERNAL_SERVER_ERROR": TransientError,
    "TIMEOUT": TransientError,
}
"""What servers commonly write there; a code that is not listed rejects the call."""

Heed = Callable[[Mapping[str, Any]], float | None]
"""Takes in what the `extensions` of an answer say of its cost; answers the seconds after which a call as dear may be
made, None where they do not say."""


@dataclass(frozen=True, slots=True)
class Document:
    """One named operation with the fragments it uses.

    Raises:
        ValueError: the text does not begin with `query NAME` or `mutation NAME`.
    """

    text: str
    name: str = field(init=False)
    writes: bool = field(init=False)

    def __post_init__(self) -> None:
        found = _OPERATION.match(self.text)
        if found is None:
            raise ValueError("a document begins with `query NAME` or `mutation NAME`")
        object.__setattr__(self, "name", found[2])
        object.__setattr__(self, "writes", found[1] == "mutation")


class GraphqlClient:
    """One endpoint, over a connection's HTTP client: queries are repeated where it repeats what only reads."""

    def __init__(
        self,
        http: HttpClient,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        codes: Codes | None = None,
        heed: Heed | None = None,
    ) -> None:
        """
        Args:
            http: of the connection.
            url: of the endpoint.
            headers: of every request.
            codes: rows that win over `CODES`.
            heed: called with the `extensions` of every answer that has some, refusals included.
        """
        self._http, self._url = http, url
        self._headers = {"Accept": _ACCEPT, **(headers or {})}
        self._codes = {**CODES, **(codes or {})}
        self._heed = heed

    async def run(
        self,
        document: Document,
        variables: Mapping[str, Any] | None = None,
        *,
        spend: Mapping[str, float] | None = None,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Carry an operation out and answer its `data`, which is whole: an answer with errors is one.

        Args:
            document: the operation.
            variables: by name, without the dollar sign.
            spend: what it costs of declared limits beside one call.
            deadline: seconds it may take; the HTTP client's unless given.

        Raises:
            RateLimited, AuthError, TransientError, RejectedError or what `codes` name: by the first error whose code
            is known. As `HttpClient.send`: by the answer's status.
        """
        extensions: dict[str, Any] = {"idempotent": not document.writes, "spend": spend or {}}
        if deadline is not None:
            extensions["deadline"] = deadline
        body = {"query": document.text, "operationName": document.name, "variables": dict(variables or {})}
        response = await self._http.post(self._url, json=body, headers=self._headers, extensions=extensions)
        return self._data(document, response.content)

    def _data(self, document: Document, content: bytes) -> dict[str, Any]:
        answer = self._parsed(document, content)
        stated = answer.get("extensions")
        wait = self._heed(stated) if self._heed and isinstance(stated, Mapping) else None
        errors = answer.get("errors")
        if errors:
            raise self._fault(document, errors, wait)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise RejectedError(f"{self._name(document)} was answered without data: {self._sample(answer)}")
        return data

    def _parsed(self, document: Document, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except ValueError as error:
            said = self._sample(content.decode("utf-8", "replace"))
            raise TransientError(f"{self._name(document)} was not answered with whole JSON: {said}") from error
        if not isinstance(answer, dict):
            raise RejectedError(f"{self._name(document)} was answered with no object: {self._sample(answer)}")
        return answer

    def _fault(self, document: Document, errors: Any, wait: float | None) -> SyncdError:
        listed = errors if isinstance(errors, Sequence) and not isinstance(errors, str) else [errors]
        codes = [_code(one) for one in listed]
        fault = next((self._codes[code] for code in codes if code in self._codes), RejectedError)
        said = "; ".join(dict.fromkeys(_said(one, code) for one, code in zip(listed, codes, strict=True)))
        what = f"{self._name(document)} was refused: {self._http.redactor.text(said)[:EXCERPT]}"
        if issubclass(fault, RateLimited):
            return fault(what, retry_after=wait)
        return fault(what, codes=[code for code in codes if code])

    def _name(self, document: Document) -> str:
        return f"{self._http.connection}: {document.name}"

    def _sample(self, value: Any) -> str:
        return sample(value, self._http.redactor)


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, Mapping) else None
    return str(extensions.get("code", "")) if isinstance(extensions, Mapping) else ""


def _said(error: Any, code: str) -> str:
    message = str(error.get("message", "")) if isinstance(error, Mapping) else str(error)
    return f"{message} ({code})" if code else message
