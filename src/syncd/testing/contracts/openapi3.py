"""OpenAPI 3.0 and 3.1, read into operations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from syncd.testing.contracts import reading
from syncd.testing.contracts.operation import Body, Form, Operation, Parameter, Place, Schema, Scheme
from syncd.testing.contracts.references import Document, Node

_STYLES = {Place.QUERY: "form", Place.COOKIE: "form", Place.PATH: "simple", Place.HEADER: "simple"}
_SPOKEN_OF_ELSEWHERE = frozenset({"accept", "content-type", "authorization"})  # as header parameters they say nothing


def operations(document: Document, base: str | None) -> Iterator[Operation]:
    """Every operation of the contract.

    Args:
        document: the contract.
        base: path before its templates, instead of those of its servers.
    """
    for template, method, item, node in reading.operation_nodes(document):
        servers = node.get("servers") or item.get("servers") or document.root.get("servers") or [{"url": "/"}]
        nodes = reading.parameter_nodes(document, item, node)
        yield Operation(
            name=reading.name(method, template, node),
            method=method.upper(),
            template=template,
            bases=[reading.base_path(base)] if base is not None else list(map(_server, servers)),
            parameters=[_parameter(document, given) for given in nodes if not _is_silent(given)],
            body=_body(document, node),
            answers=_answers(document, node),
            security=_security(document, node),
        )


def _server(node: Node) -> str:
    variables = node.get("variables", {})
    return reading.base_path(re.sub(r"\{(.+?)\}", lambda found: str(variables[found[1]]["default"]), node["url"]))


def _is_silent(node: Node) -> bool:
    return node["in"] == "header" and node["name"].lower() in _SPOKEN_OF_ELSEWHERE


def _parameter(document: Document, node: Node) -> Parameter:
    where, required = Place(node["in"]), bool(node.get("required"))
    for content in node.get("content", {}).values():
        return Parameter(node["name"], where, required, content.get("schema", True), Form.JSON)
    schema = node.get("schema", True)
    style = node.get("style", _STYLES[where])
    form, separator = reading.form_of(
        reading.kinds(document, schema), style, bool(node.get("explode", style == "form"))
    )
    return Parameter(node["name"], where, required, schema, form, separator)


def _content(node: Mapping[str, Any]) -> dict[str, Schema | None]:
    return {media_type.lower(): content.get("schema") for media_type, content in node.get("content", {}).items()}


def _body(document: Document, node: Node) -> Body | None:
    if "requestBody" not in node:
        return None
    body = document.resolve(node["requestBody"])
    return Body(bool(body.get("required")), _content(body))


def _answers(document: Document, node: Node) -> dict[str, dict[str, Schema | None]]:
    found = {status: document.resolve(answer) for status, answer in node.get("responses", {}).items()}
    return {status: _content(answer) for status, answer in found.items() if isinstance(answer, Mapping)}


def _security(document: Document, node: Node) -> list[list[Scheme]]:
    schemes = document.root.get("components", {}).get("securitySchemes", {})
    wanted = node.get("security", document.root.get("security", ()))
    found = {name: document.resolve(scheme) for name, scheme in schemes.items()}
    return [
        [_scheme(name, found[name]) for name in together if found[name]["type"] != "mutualTLS"] for together in wanted
    ]


def _scheme(name: str, node: Node) -> Scheme:
    if node["type"] == "apiKey":
        return Scheme(name, Place(node["in"]), node["name"])
    kind = str(node.get("scheme", "bearer")).lower() if node["type"] == "http" else "bearer"
    begins = {"basic": "Basic ", "bearer": "Bearer "}.get(kind, "")
    return Scheme(name, Place.HEADER, "Authorization", begins)
