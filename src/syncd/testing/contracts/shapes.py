"""Whether the names of an object are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.testing.contracts.references import Document


def closable(document: Document, schema: Any, _seen: frozenset[int] = frozenset()) -> bool:
    """Whether a schema names an object's properties, so that other names may be refused.

    An object without any named property is free: nothing is known of its names. So is one that may be such an object.
    One that refuses other names by itself needs no help.
    """
    schema = document.resolve(schema)
    if not isinstance(schema, Mapping) or id(schema) in _seen:
        return False
    if False in (schema.get("additionalProperties"), schema.get("unevaluatedProperties")):
        return False
    seen = _seen | {id(schema)}
    if schema.get("properties") or any(closable(document, part, seen) for part in schema.get("allOf", ())):
        return True
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    objects = [part for part in alternatives if _may_be_object(document, part)]
    return bool(objects) and all(closable(document, part, seen) for part in objects)


def names(document: Document, schema: Any, _seen: frozenset[int] = frozenset()) -> frozenset[str]:
    """All names that any part of a schema has for an object's properties."""
    schema = document.resolve(schema)
    if not isinstance(schema, Mapping) or id(schema) in _seen:
        return frozenset()
    seen = _seen | {id(schema)}
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    return frozenset(schema.get("properties", ())).union(*(names(document, part, seen) for part in parts))


def _may_be_object(document: Document, schema: Any) -> bool:
    schema = document.resolve(schema)
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind is None or kind == "object" or (isinstance(kind, list) and "object" in kind)
