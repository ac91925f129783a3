"""Swagger 2.0, read into operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syncd.testing.contracts import reading
from syncd.testing.contracts.operation import Body, Form, Operation, Parameter, Place, Schema, Scheme
from syncd.testing.contracts.references import Document, Node

_SEPARATORS = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|"}
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def operations(document: Document, base: str | None) -> Iterator[Operation]:
    """Every operation of the contract.

    Args:
        document: the contract.
        base: path before its templates, instead of its `basePath`.
    """
    root = document.root
    prefix = reading.base_path(base if base is not None else root.get("basePath", ""))
    for template, method, item, node in reading.operation_nodes(document):
        nodes = reading.parameter_nodes(document, item, node)
        yield Operation(
            name=reading.name(method, template, node),
            method=method.upper(),
            template=template,
            bases=(prefix,),
            parameters=[_parameter(given) for given in nodes if given["in"] in set(Place)],
            body=_body(nodes, node.get("consumes", root.get("consumes", ()))),
            answers=_answers(document, node, node.get("produces", root.get("produces", ()))),
            security=_security(root, node),
        )


def _parameter(node: Node) -> Parameter:
    form = Form.SINGLE
    collection = node.get("collectionFormat", "csv")
    if node.get("type") == "array":
        form = Form.REPEATED if collection == "multi" else Form.JOINED
    return Parameter(
        node["name"], Place(node["in"]), bool(node.get("required")), node, form, _SEPARATORS.get(collection, ",")
    )


def _body(nodes: Sequence[Node], consumes: Sequence[str]) -> Body | None:
    fields = {node["name"]: node for node in nodes if node["in"] == "formData"}
    if fields:
        needed = [name for name, node in fields.items() if node.get("required")]
        form: Schema = {"type": "object", "properties": fields, "required": needed}
        stated = [consumed for consumed in consumes if consumed in _FORMS] or _FORMS
        return Body(bool(needed), dict.fromkeys(stated, form))
    for node in nodes:
        if node["in"] == "body":
            return Body(bool(node.get("required")), dict.fromkeys(consumes or ("*/*",), node.get("schema")))
    return None


def _answers(document: Document, node: Node, produces: Sequence[str]) -> dict[str, dict[str, Schema | None]]:
    found = {status: document.resolve(answer) for status, answer in node.get("responses", {}).items()}
    return {
        status: dict.fromkeys(produces or ("*/*",), answer.get("schema"))
        for status, answer in found.items()
        if isinstance(answer, Mapping)
    }


def _security(root: Node, node: Node) -> list[list[Scheme]]:
    schemes = root.get("securityDefinitions", {})
    wanted = node.get("security", root.get("security", ()))
    return [[_scheme(name, schemes[name]) for name in together] for together in wanted]


def _scheme(name: str, node: Node) -> Scheme:
    if node["type"] == "apiKey":
        return Scheme(name, Place(node["in"]), node["name"])
    return Scheme(name, Place.HEADER, "Authorization", "Basic " if node["type"] == "basic" else "Bearer ")
