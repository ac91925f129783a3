"""Which schema describes an object, by the value of its discriminator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.testing.contracts.references import Document, Node

Branches = tuple[str, Mapping[str, str | None]]
"""The discriminator's property, and its value → the schema's address (None: the schema that has the discriminator)."""


def branches(schema: Node) -> Branches | None:
    """The alternatives of a schema with `oneOf` or `anyOf` and a discriminator; None if it has none."""
    name = _property(schema)
    members = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    addresses = [member["$ref"] for member in members if isinstance(member, Mapping) and "$ref" in member]
    if name is None or not addresses or len(addresses) < len(members):
        return None
    mapped = _mapped(schema)
    implied = {_last(address): address for address in addresses if address not in mapped.values()}
    return name, {**mapped, **implied}


def children(document: Document, schema: Node) -> Branches | None:
    """The schemas that extend the one referred to, where that has a discriminator; None if none do."""
    address = schema.get("$ref")
    base = document.resolve(schema)
    if not isinstance(address, str) or not isinstance(base, Mapping) or "oneOf" in base or "anyOf" in base:
        return None
    name = _property(base)
    if name is None:
        return None
    mapped = _mapped(base)
    implied = {_last(child): child for child in _extending(document, address) if child not in mapped.values()}
    found: dict[str, str | None] = {_last(address): None, **mapped, **implied}
    return (name, found) if len(found) > 1 else None


def _property(schema: Node) -> str | None:
    discriminator = schema.get("discriminator")
    if isinstance(discriminator, Mapping):
        return str(discriminator["propertyName"])
    return discriminator  # Swagger 2.0 has the name alone


def _mapped(schema: Node) -> Mapping[str, str]:
    discriminator = schema["discriminator"]
    return discriminator.get("mapping", {}) if isinstance(discriminator, Mapping) else {}


def _extending(document: Document, address: str) -> Iterator[str]:
    """Addresses of the contract's schemas that have this one among their `allOf`, directly or not."""
    for child, schema in document.schemas().items():
        parts = schema.get("allOf", ()) if isinstance(schema, Mapping) else ()
        if any(isinstance(part, Mapping) and part.get("$ref") == address for part in parts):
            yield child
            yield from _extending(document, child)


def _last(address: Any) -> str:
    return str(address).rpartition("/")[2]
