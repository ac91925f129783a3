from __future__ import annotations

import enum
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from syncd.web import openapi
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, View
from syncd.web.pagination import Page, PageQuery
from syncd.web.routing import ALWAYS, AnyRoute, Call, Reply, Route, check


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class ThingQuery(PageQuery):
    colour: Colour | None = None


class Thing(View):
    id: str


class Rename(Body):
    name: str
    places: int = 1


async def list_things(call: Call[ThingQuery, None]) -> Page[Thing]:
    return Page(items=[])


async def rename_thing(call: Call[NoQuery, Rename]) -> Reply:
    return Reply(204)


ROUTES: tuple[AnyRoute, ...] = (
    Route("GET", "/api/v1/things", list_things, "Things", Scope.READ, {200: Page[Thing]}, query=ThingQuery),
    Route(
        "POST",
        "/api/v1/things/{thing}/name",
        rename_thing,
        "Rename",
        Scope.OPERATE,
        {204: None},
        body=Rename,
        parameters={"thing": "^[0-9]+$"},
        idempotent_key=True,
    ),
)
DOCUMENT: dict[str, Any] = openapi.document(ROUTES, title="test", version="1")
LIST = DOCUMENT["paths"]["/api/v1/things"]["get"]
RENAME = DOCUMENT["paths"]["/api/v1/things/{thing}/name"]["post"]


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_status_a_route_can_answer_is_documented() -> None:
    assert {int(status) for status in LIST["responses"]} == {200, 401, 403, *ALWAYS}
    assert {int(status) for status in RENAME["responses"]} == {204, 401, 403, 408, 413, 415, *ALWAYS}
    problem = RENAME["responses"]["413"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}


def test_parameters_say_what_is_enforced() -> None:
    parameters = {parameter["name"]: parameter for parameter in LIST["parameters"]}
    limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert {key: parameters["limit"]["schema"][key] for key in limit} == limit
    assert parameters["colour"]["schema"]["enum"] == ["red", "blue"]
    assert parameters["cursor"]["schema"]["type"] == "string"
    assert [(p["name"], p["in"], p["required"]) for p in RENAME["parameters"]] == [
        ("thing", "path", True),
        ("Idempotency-Key", "header", False),
    ]


def test_bodies_say_what_is_enforced_beyond_their_model() -> None:
    schema = DOCUMENT["components"]["schemas"]["Rename"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["name"]["pattern"] == r"^[^\u0000]*$"
    assert schema["properties"]["places"]["maximum"] == 2**63 - 1


def test_each_operation_names_the_scope_it_needs() -> None:
    assert LIST["security"] == [{"bearer": ["read"]}]
    assert RENAME["security"] == [{"bearer": ["operate"]}]


def test_a_table_with_one_operation_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="list_things"):
        check([ROUTES[0], ROUTES[0]])


def test_a_pattern_for_a_parameter_the_path_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        Route("GET", "/a", list_things, "A", None, {200: Thing}, query=ThingQuery, parameters={"colour": "x"})
