"""What Swagger 2.0 and OpenAPI 3 have in common, read into operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from syncd.testing.contracts.operation import Form
from syncd.testing.contracts.references import Document, Node

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def operation_nodes(document: Document) -> Iterator[tuple[str, str, Node, Node]]:
    """Yields (template, method, path item, operation) for every operation of a contract."""
    for template, item in document.root.get("paths", {}).items():
        if not template.startswith("/"):
            continue  # an extension
        item = document.resolve(item)
        for method, node in item.items():
            if method in METHODS and isinstance(node, Mapping):
                yield template, method, item, node


def parameter_nodes(document: Document, item: Node, node: Node) -> Sequence[Node]:
    """An operation's parameters: its path's, replaced by its own of the same name and place."""
    found: dict[tuple[str, str], Node] = {}
    for given in (*item.get("parameters", ()), *node.get("parameters", ())):
        parameter = document.resolve(given)
        found[parameter["in"], parameter["name"]] = parameter
    return list(found.values())


def name(method: str, template: str, node: Node) -> str:
    """The operation's id, or its method and path where it has none."""
    return str(node.get("operationId") or f"{method.upper()} {template}")


def base_path(url: str) -> str:
    """The path of a server's URL, without the slash at its end."""
    return urlsplit(url).path.rstrip("/")


def kinds(document: Document, schema: Any) -> frozenset[str]:
    """The JSON types that a schema speaks of, those of its parts included."""
    schema = document.resolve(schema)
    if not isinstance(schema, Mapping):
        return frozenset()
    own = schema.get("type", ())
    found = {own} if isinstance(own, str) else set(own)
    for part in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(part, ()):
            found |= kinds(document, member)
    return frozenset(found)


def form_of(types: frozenset[str], style: str, explode: bool) -> tuple[Form, str]:
    """How a parameter of these types is written in a style of OpenAPI 3, and what separates its values."""
    separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(style, ",")
    if style == "deepObject":
        return Form.DEEP, separator
    if "object" in types and style == "form" and explode:
        return Form.SPREAD, separator
    if "array" not in types:
        return Form.SINGLE, separator
    return (Form.REPEATED if explode and style == "form" else Form.JOINED), separator
