"""Schemas of Swagger 2.0 and OpenAPI 3, translated into JSON Schema 2020-12, which OpenAPI 3.1 speaks already.

What is their own is said in its words: `nullable`, `readOnly` and `writeOnly`, `exclusiveMinimum: true`,
`discriminator`. And objects are closed: a name that an object's schema does not know is refused, since a misspelled
optional property is what contracts are broken by most. Closed is an object where it is used, not where its schema is a
part of another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from syncd.testing.contracts import polymorphism
from syncd.testing.contracts.operation import Schema
from syncd.testing.contracts.references import Document, Node
from syncd.testing.contracts.shapes import closable, names


class Side(StrEnum):
    """Whose values a schema describes; the value is the keyword of properties that only the other side has."""

    REQUEST = "readOnly"
    ANSWER = "writeOnly"


KNOWN = "x-known"
"""In a translated schema: all names its object may have; values that break it otherwise are told of no others."""

_SAME = frozenset({"type", "enum", "const", "pattern", "format", "multipleOf", "uniqueItems", "dependentRequired"})
_BOUNDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems"}
    | {"minProperties", "maxProperties", "minContains", "maxContains"}
)
_ONE = frozenset(
    {"not", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems"}
)
_USED = frozenset({"items", "additionalProperties"})
_PARTS = frozenset({"allOf", "anyOf", "oneOf"})
_NAMED = frozenset({"properties", "patternProperties"})


class Dialect:
    """Translates a contract's schemas for one side; `definitions` grows by what they refer to."""

    def __init__(self, document: Document, side: Side, *, closed: bool) -> None:
        """
        Args:
            document: the contract.
            side: whose values are described.
            closed: refuse names that an object's schema does not know.
        """
        self._document, self._side, self._closed = document, side, closed
        self._legacy = not str(document.root.get("openapi", "")).startswith(("3.1", "3.2"))
        self._names: dict[str, str] = {}
        self.definitions: dict[str, Any] = {}

    def used(self, schema: Schema) -> Schema:
        """A schema where a value is described by it wholly: closed, and told apart by its discriminator."""
        if isinstance(schema, bool):
            return schema
        children = polymorphism.children(self._document, schema)
        parts = [self.part(schema), *([self._told_apart(*children)] if children else [])]
        if not self._closed or not closable(self._document, schema):
            return {"allOf": parts}
        described = [schema, *({"$ref": address} for address in children[1].values())] if children else [schema]
        known = frozenset[str]().union(*(names(self._document, part) for part in described))
        return {"allOf": parts, "unevaluatedProperties": False, KNOWN: known}

    def part(self, schema: Schema) -> Schema:
        """A schema that is one of several which describe a value."""
        if isinstance(schema, bool):
            return schema
        if isinstance(schema.get("$ref"), str):
            reference = self._reference(schema["$ref"])
            siblings = {} if self._legacy else self._keywords({k: v for k, v in schema.items() if k != "$ref"})
            return {"allOf": [reference, siblings]} if siblings else reference
        translated = self._keywords(schema)
        if schema.get("nullable") is True or schema.get("x-nullable") is True:
            return {"if": {"not": {"type": "null"}}, "then": translated}
        return translated

    def _reference(self, address: str) -> dict[str, Any]:
        if address not in self._names:
            name = self._names[address] = str(len(self._names))
            self.definitions[name] = True  # until it is translated: it may refer to itself
            self.definitions[name] = self.part(self._document.at(address))
        return {"$ref": f"#/$defs/{self._names[address]}"}

    def _keywords(self, schema: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        told_apart = polymorphism.branches(schema)
        for key, value in schema.items():
            if key in _SAME or key in _BOUNDS:
                found[key] = value
            elif key in _USED:
                found[key] = self.used(value)
            elif key in _ONE:
                found[key] = self.part(value)
            elif key in _NAMED:
                found[key] = {name: _placed(self.used(inner)) for name, inner in value.items()}
            elif key in _PARTS and not (told_apart and key != "allOf"):
                found[key] = [self.part(inner) for inner in value]
            elif key == "prefixItems":
                found[key] = [self.used(inner) for inner in value]
            elif key == "required" and not isinstance(value, bool):
                found[key] = self._required(schema, value)
        if told_apart:
            found.setdefault("allOf", []).append(self._told_apart(*told_apart))
        return _exclusive(_without_file(found))

    def _required(self, schema: Node, names: Sequence[str]) -> list[str]:
        """The names without those that only the other side has."""
        properties = schema.get("properties", {})
        inner = {name: self._document.resolve(properties.get(name, {})) for name in names}
        return [name for name in names if not (isinstance(inner[name], Mapping) and inner[name].get(self._side))]

    def _told_apart(self, name: str, branches: Mapping[str, str | None]) -> dict[str, Any]:
        """One schema for each value of a discriminator; values that nothing is known of are refused."""
        cases = [
            {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": self._reference(address)}
            for value, address in branches.items()
            if address is not None
        ]
        return {
            "if": {"type": "object"},
            "then": {"properties": {name: {"enum": list(branches)}}, "required": [name], "allOf": cases},
        }


def _placed(schema: Schema) -> Schema:
    """The same schema; the library does not tell where `false` refused a value."""
    return {"not": {}} if schema is False else schema


def _exclusive(schema: dict[str, Any]) -> dict[str, Any]:
    """`exclusiveMinimum: true` beside `minimum` became a limit of its own."""
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(bound) is True and limit in schema:
            schema[bound] = schema.pop(limit)
        elif isinstance(schema.get(bound), bool):
            del schema[bound]
    return schema


def _without_file(schema: dict[str, Any]) -> dict[str, Any]:
    """Swagger's `type: file` is any bytes."""
    if schema.get("type") == "file":
        del schema["type"]
    return schema
