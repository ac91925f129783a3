"""Values held against a contract's schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.testing.contracts.dialect import KNOWN, Dialect, Side
from syncd.testing.contracts.formats import SCHEMA_FORMATS
from syncd.testing.contracts.needed import needed
from syncd.testing.contracts.operation import Schema
from syncd.testing.contracts.references import Document
from syncd.testing.contracts.violation import Breach, place

with needed("jsonschema"):
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError, best_match

_UNKNOWN = "The contract knows no such names"
FORMATS = FormatChecker(formats=())
for _name, _check in SCHEMA_FORMATS.items():
    FORMATS.checks(_name)(_check)


class Schemas:
    """The schemas of one contract, for the values of one side."""

    def __init__(self, document: Document, side: Side, *, closed: bool) -> None:
        """
        Args:
            document: the contract.
            side: whose values are looked at.
            closed: refuse names that an object's schema does not know.
        """
        self._dialect = Dialect(document, side, closed=closed)
        self._validators: dict[int, tuple[Schema, Draft202012Validator]] = {}

    def breaches(self, schema: Schema, value: Any, root: str) -> Iterator[Breach]:
        """Yields what the schema does not allow of a value; places begin with `root`."""
        errors = list(self._validator(schema).iter_errors(value))
        for error in errors:
            if not _is_ours(error) or not _is_broken_otherwise(error, errors):
                yield Breach(place(root, error.absolute_path), why(error))
            elif unknown := [name for name in error.instance if name not in error.schema[KNOWN]]:
                yield Breach(place(root, error.absolute_path), f"{_UNKNOWN} ({', '.join(unknown)})")

    def fits(self, schema: Schema, value: Any) -> bool:
        """Whether the schema allows a value."""
        return bool(self._validator(schema).is_valid(value))

    def _validator(self, schema: Schema) -> Draft202012Validator:
        key = id(schema)
        if key not in self._validators:
            whole = {"allOf": [self._dialect.used(schema)], "$defs": self._dialect.definitions}
            self._validators[key] = schema, Draft202012Validator(whole, format_checker=FORMATS)
        return self._validators[key][1]


def _is_ours(error: ValidationError) -> bool:
    """Whether an object was closed by us, and not by the contract."""
    return isinstance(error.schema, Mapping) and KNOWN in error.schema


def _is_broken_otherwise(error: ValidationError, errors: list[ValidationError]) -> bool:
    """Whether an object breaks its schema in other ways: JSON Schema then counts none of its names as known."""
    path = list(error.absolute_path)
    below = [other for other in errors if list(other.absolute_path)[: len(path)] == path]
    return any(other.validator != error.validator or len(other.absolute_path) > len(path) for other in below)


def why(error: ValidationError) -> str:
    """A schema's complaint in words; of several alternatives that all fail, the one that came closest too."""
    message = str(error.message).replace("Unevaluated properties are not allowed", _UNKNOWN)
    closest = best_match([error])
    if closest is None or closest is error:
        return message
    return f"{message}; closest: {place('', closest.path).lstrip('.') or 'it'}: {closest.message}"
