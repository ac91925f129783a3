"""OpenAPI 3.1 from the route table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from syncd.web import problem
from syncd.web.body import INT64
from syncd.web.endpoint import KEY_HEADER
from syncd.web.routing import IDEMPOTENCY_KEY, AnyRoute

VERSION = "3.1.0"
_REFERENCE = "#/components/schemas/{model}"
_Key = tuple[Any, JsonSchemaMode]


class InputSchema(GenerateJsonSchema):
    """Says of requests what `web.body` enforces: no NUL in texts, integers of 64 bits."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """A text."""
        found = super().str_schema(schema)
        return {"pattern": r"^[^\u0000]*$", **found} if self.mode == "validation" else found

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """An integer."""
        found = super().int_schema(schema)
        if self.mode == "validation":
            if not {"minimum", "exclusiveMinimum"} & found.keys():
                found["minimum"] = -INT64
            if not {"maximum", "exclusiveMaximum"} & found.keys():
                found["maximum"] = INT64 - 1
        return found


def document(routes: Sequence[AnyRoute], *, title: str, version: str) -> dict[str, Any]:
    """The whole description of an API, as JSON values.

    Args:
        routes: the table the server registers.
        title, version: of the API.
    """
    references, schemas = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "syncd_<id>_<secret>"}},
        },
    }


def _schemas(routes: Sequence[AnyRoute]) -> tuple[Mapping[_Key, JsonSchemaValue], dict[str, Any]]:
    models: dict[_Key, None] = {(problem.Problem, "serialization"): None}
    for route in routes:
        models.update({(model, "serialization"): None for model in route.responses.values() if model})
        models.update({(model, "validation"): None for model in (route.body,) if model})
    references, definitions = models_json_schema(list(models), ref_template=_REFERENCE, schema_generator=InputSchema)
    return references, definitions.get("$defs", {})


def _operation(route: AnyRoute, references: Mapping[_Key, JsonSchemaValue]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": list(route.tags),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route, references),
    }
    if route.scope:
        operation["security"] = [{"bearer": [route.scope.value]}]
    if route.body:
        schema = references[(route.body, "validation")]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _path_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}
        for name, pattern in route.path_patterns.items()
    ]


def _query_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(schema_generator=InputSchema)
    if "$defs" in schema:
        schema = _inlined(schema, schema["$defs"])
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": _without_null(field),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _header_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    if not route.idempotent_key:
        return []
    what = "A name the client chooses: the same request under the same key is carried out once."
    schema = {"type": "string", "pattern": IDEMPOTENCY_KEY}
    return [{"name": KEY_HEADER, "in": "header", "required": False, "description": what, "schema": schema}]


def _inlined(value: Any, definitions: Mapping[str, Any]) -> Any:
    """The same schema with its local references replaced, for parameters have no place for definitions."""
    if isinstance(value, dict):
        if "$ref" in value:
            beside = {key: item for key, item in value.items() if key != "$ref"}
            return {**_inlined(definitions[value["$ref"].rsplit("/", 1)[1]], definitions), **beside}
        return {key: _inlined(item, definitions) for key, item in value.items()}
    return [_inlined(item, definitions) for item in value] if isinstance(value, list) else value


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out cannot be sent as null."""
    rest = {key: item for key, item in field.items() if key not in {"anyOf", "description", "title"}}
    if rest.get("default", ...) is None:
        del rest["default"]
    choices = [choice for choice in field.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else rest


def _responses(route: AnyRoute, references: Mapping[_Key, JsonSchemaValue]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status in sorted({*route.responses, *route.problem_statuses}):
        content: dict[str, Any] = {}
        model = route.responses.get(status)
        if model:
            content["application/json"] = {"schema": references[(model, "serialization")]}
        if status in route.problem_statuses:
            content[problem.CONTENT_TYPE] = {"schema": references[(problem.Problem, "serialization")]}
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if content:
            answers[str(status)]["content"] = content
        if status in {429, 503}:
            answers[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return answers
