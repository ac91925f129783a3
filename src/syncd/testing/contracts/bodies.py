"""A request's or an answer's body: its media type, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from syncd.testing.contracts.exchange import Answer, Request, media_type
from syncd.testing.contracts.operation import Body, Schema
from syncd.testing.contracts.parameters import Parameters
from syncd.testing.contracts.references import Document
from syncd.testing.contracts.schemas import Schemas
from syncd.testing.contracts.violation import Breach

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class Bodies:
    """Bodies of one side of a contract."""

    def __init__(self, document: Document, schemas: Schemas) -> None:
        self._document, self._schemas = document, schemas
        self._texts = Parameters(document, schemas)

    def of_request(self, body: Body | None, request: Request) -> Iterator[Breach]:
        """Yields what is wrong with a request's body."""
        if not request.body:
            if body is not None and body.required:
                yield Breach("body", "is required and missing")
        elif body is None:
            yield Breach("body", "the operation takes none")
        else:
            yield from self._content(body.content, request, "body")

    def of_answer(self, content: Mapping[str, Schema | None], answer: Answer) -> Iterator[Breach]:
        """Yields what is wrong with an answer's body; without a schema in the contract nothing is."""
        if any(schema is not None for schema in content.values()):
            yield from self._content(content, answer, "answer")

    def _content(self, content: Mapping[str, Schema | None], message: Request | Answer, root: str) -> Iterator[Breach]:
        given = media_type(message.headers)
        stated = [wanted for wanted in content if fnmatchcase(given, wanted.partition(";")[0].strip().lower())]
        if not stated:
            yield Breach("headers.content-type", f"{given or 'none'} is given; the contract takes {', '.join(content)}")
            return
        schema = content[max(stated, key=len)]
        if schema is None:
            return
        try:
            yield from self._value(schema, given, message, root)
        except ValueError as error:
            yield Breach(root, f"is no {given}: {error}")

    def _value(self, schema: Schema, given: str, message: Request | Answer, root: str) -> Iterator[Breach]:
        if given == "application/json" or given.endswith("+json"):
            yield from self._schemas.breaches(schema, strict_json(message.body), root)
        elif given == URL_ENCODED:
            fields = parse_qsl(message.body.decode(), keep_blank_values=True)
            yield from self._form(schema, {name: [v for n, v in fields if n == name] for name, _ in fields}, root)
        elif given == MULTIPART:
            yield from self._form(schema, _parts(message), root)

    def _form(self, schema: Schema, fields: Mapping[str, list[str]], root: str) -> Iterator[Breach]:
        inner = self._document.resolve(schema)
        properties = inner.get("properties", {}) if isinstance(inner, Mapping) else {}
        value = {name: self._field(properties.get(name, True), texts) for name, texts in fields.items()}
        yield from self._schemas.breaches(schema, value, root)

    def _field(self, schema: Schema, texts: list[str]) -> Any:
        inner = self._document.resolve(schema)
        kind = inner.get("type") if isinstance(inner, Mapping) else None
        if kind == "array":
            return [self._texts.value(inner.get("items", True), text) for text in texts]
        if kind == "object":
            return strict_json(texts[0].encode())
        return texts if len(texts) > 1 else self._texts.value(schema, texts[0])


def strict_json(content: bytes) -> Any:
    """JSON without the liberties of Python's reader: no NaN, no name twice. Raises ValueError."""
    return json.loads(content, object_pairs_hook=_once, parse_constant=_refuse)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _parts(message: Request | Answer) -> dict[str, list[str]]:
    """A multipart body's fields by name; bytes that are no text are replaced, since no schema looks at them."""
    head = f"Content-Type: {message.headers['content-type']}\r\n\r\n".encode()
    parsed = BytesParser(policy=HTTP).parsebytes(head + message.body)
    if not parsed.is_multipart():
        raise ValueError("its parts cannot be told apart")
    fields: dict[str, list[str]] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        fields.setdefault(str(name), []).append(text)
    return fields
