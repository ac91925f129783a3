"""A request's parameters, read as the contract writes them, and held against their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from syncd.testing.contracts import reading
from syncd.testing.contracts.exchange import Request
from syncd.testing.contracts.operation import Form, Operation, Parameter, Place, Schema
from syncd.testing.contracts.references import Document
from syncd.testing.contracts.schemas import Schemas
from syncd.testing.contracts.violation import Breach


class Parameters:
    """Parameters of the operations of one contract."""

    def __init__(self, document: Document, schemas: Schemas) -> None:
        self._document, self._schemas = document, schemas

    def breaches(self, operation: Operation, request: Request, path: Mapping[str, str]) -> Iterator[Breach]:
        """Yields what is wrong with path, query, headers and cookies.

        Args:
            operation: the operation.
            request: the request.
            path: decoded values of the path's variables.
        """
        query = parse_qsl(request.query, keep_blank_values=True)
        cookies = {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("cookie", "")).items()}
        given = {
            Place.PATH: list(path.items()),
            Place.QUERY: query,
            Place.HEADER: list(request.headers.items()),
            Place.COOKIE: list(cookies.items()),
        }
        for parameter in operation.parameters:
            yield from self._parameter(parameter, given[parameter.place])
        yield from self._unknown(operation, query)

    def value(self, schema: Schema, text: str) -> Any:
        """The text as the JSON value that its schema means: `5` is a number where a number is asked for."""
        if "string" in reading.kinds(self._document, schema) or self._schemas.fits(schema, text):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return text if isinstance(value, str | list | dict) else value

    def _parameter(self, parameter: Parameter, given: Sequence[tuple[str, str]]) -> Iterator[Breach]:
        place = f"{parameter.place}.{parameter.name}"
        try:
            values = self._read(parameter, given)
        except ValueError as error:
            yield Breach(place, str(error))
            return
        if parameter.required and not any(value not in ("", []) for value in values):
            yield Breach(place, "is required and empty" if values else "is required and missing")
        elif values:
            yield from self._schemas.breaches(parameter.schema, values[0], place)

    def _read(self, parameter: Parameter, given: Sequence[tuple[str, str]]) -> list[Any]:
        """The parameter's value in a list, which is empty where it is not given. Raises ValueError."""
        if parameter.form in (Form.DEEP, Form.SPREAD):
            found = self._object(parameter, given)
            return [found] if found else []
        texts = [text for name, text in given if _same(name, parameter)]
        if not texts:
            return []
        if parameter.form is Form.REPEATED:
            return [self._items(parameter.schema, texts)]
        if len(texts) > 1:
            how = f"; its values are separated by {parameter.separator!r}" if parameter.form is Form.JOINED else ""
            raise ValueError(f"is given {len(texts)} times{how}")
        if parameter.form is Form.JOINED:
            return [self._items(parameter.schema, texts[0].split(parameter.separator) if texts[0] else [])]
        return [json.loads(texts[0]) if parameter.form is Form.JSON else self.value(parameter.schema, texts[0])]

    def _items(self, schema: Schema, texts: Sequence[str]) -> list[Any]:
        inner = self._document.resolve(schema)
        item = inner.get("items", True) if isinstance(inner, Mapping) else True
        return [self.value(item, text) for text in texts]

    def _object(self, parameter: Parameter, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
        properties = self._properties(parameter.schema)
        if parameter.form is Form.DEEP:
            keys = [(_deep_key(name, parameter.name), text) for name, text in given]
        else:
            keys = [(name if name in properties else None, text) for name, text in given]
        return {key: self.value(properties.get(key, True), text) for key, text in keys if key is not None}

    def _properties(self, schema: Schema) -> Mapping[str, Any]:
        inner = self._document.resolve(schema)
        found: Mapping[str, Any] = inner.get("properties", {}) if isinstance(inner, Mapping) else {}
        return found

    def _unknown(self, operation: Operation, query: Sequence[tuple[str, str]]) -> Iterator[Breach]:
        parameters = [parameter for parameter in operation.parameters if parameter.place is Place.QUERY]
        carriers = {
            scheme.carrier for together in operation.security for scheme in together if scheme.place is Place.QUERY
        }
        for name in dict.fromkeys(name for name, _ in query):
            if name not in carriers and not any(self._takes(parameter, name) for parameter in parameters):
                known = ", ".join(parameter.name for parameter in parameters) or "none"
                yield Breach(f"query.{name}", f"the contract knows no such name; it knows {known}")

    def _takes(self, parameter: Parameter, name: str) -> bool:
        if parameter.form is Form.DEEP:
            return _deep_key(name, parameter.name) is not None
        if parameter.form is Form.SPREAD:
            return name in self._properties(parameter.schema)
        return name == parameter.name


def _same(name: str, parameter: Parameter) -> bool:
    return name == (parameter.name.lower() if parameter.place is Place.HEADER else parameter.name)


def _deep_key(name: str, parameter: str) -> str | None:
    """`key` of `parameter[key]`; of deeper ones everything after the first bracket, as it stands."""
    if name.startswith(f"{parameter}[") and name.endswith("]"):
        return name[len(parameter) + 1 : -1]
    return None
