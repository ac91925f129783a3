from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.contracts.openapi import OpenApiContract
from tests.unit.testing.contracts.calls import GIVEN, answer, answer_places, places, request, violation

GALLERY = OpenApiContract.load(GIVEN / "gallery.yaml")
ALBUM = "/v2/albums/7.json"
BEARER = {"Authorization": "Bearer t"}
STILL = {"kind": "image", "url": "https://x.example/1", "width": 5}
SENT = {"title": None, "secret": "s", "media": [STILL, {"kind": "film", "seconds": 2}]}
READ = {"id": 7, "title": "Sun", "media": [STILL], "added": "2026-11-22"}


def get(query: str = "", path: str = ALBUM, **headers: str) -> list[str]:
    headers = BEARER | {"Cookie": "session=abc"} | headers
    return places(GALLERY, request("GET", f"{path}?{query}" if query else path, headers=headers))


def post(body: Any, path: str = "/v2/albums", headers: dict[str, str] = BEARER) -> list[str]:
    return places(GALLERY, request("POST", path, headers=headers, json=body))


def small(tmp_path: Path, schema: object, version: str = "3.0.3") -> OpenApiContract:
    """A contract whose only operation takes a body of this schema."""
    content = {"application/json": {"schema": schema}}
    operation = {"requestBody": {"required": True, "content": content}, "responses": {}}
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
    path.write_text(json.dumps({"openapi": version, "info": {}, "paths": {"/x": {"post": operation}}}))
    return OpenApiContract.load(path)


def sent(contract: OpenApiContract, body: object) -> list[str]:
    return places(contract, request("POST", "/x", json=body))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "fields=title,NO",
        "sort=title%7Cadded&ids=1&ids=2",
        "filter[state]=live&filter%5Bwidth%5D=5",
        "offset=10&limit=50",
        'where={"sku":"GL-1"}',
    ],
)
def test_queries_that_the_contract_takes(query: str) -> None:
    assert get(query) == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("fields=title&fields=media", "query.fields"),
        ("fields=no", "query.fields[0]"),
        ("ids=1,2", "query.ids[0]"),
        ("filter[state]=dead", "query.filter.state"),
        ("filter[height]=5", "query.filter"),
        ("filter=live", "query.filter"),
        ("limit=51", "query.page.limit"),
        ("page=1", "query.page"),
        ("where={}", "query.where"),
        ("where=GL-1", "query.where"),
    ],
)
def test_queries_that_it_does_not(query: str, place: str) -> None:
    assert get(query) == [place]


def test_path_cookie_and_credentials() -> None:
    assert get(path="/v2/albums/sun.json") == ["path.album"]
    assert get(path="/v2/albums/7.xml") == ["path"]
    assert get(Cookie="session=ab") == ["cookie.session"]
    assert get(Cookie="other=abc") == ["cookie.session"]
    assert get(Authorization="Bearer") == ["credentials"]
    assert get("api_key=k", Authorization="") == []
    assert places(GALLERY, request("OPTIONS", "/v2/albums")) == []


def test_a_base_replaces_the_servers() -> None:
    elsewhere = OpenApiContract.load(GIVEN / "gallery.yaml", base="")
    assert elsewhere.covers(request("GET", "/albums/7.json"))
    assert not elsewhere.covers(request("GET", ALBUM))


def test_bodies_that_the_contract_takes() -> None:
    assert post(SENT) == []
    assert post(SENT | {"parent": SENT}) == []
    assert places(GALLERY, request("POST", "/v2/albums?api_key=k", data={"title": "a", "places": ["1", "2"]})) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"title": "x" * 21}, "body.title"),
        ({"title": 7}, "body.title"),
        ({"added": "2026-11-31"}, "body.added"),
        ({"media": [STILL | {"kind": "Still"}]}, "body.media[0].kind"),
        ({"media": [STILL | {"seconds": 2}]}, "body.media[0]"),
        ({"media": [STILL | {"width": 0}]}, "body.media[0].width"),
        ({"media": [STILL | {"url": "x.jpg"}]}, "body.media[0].url"),
        ({"media": [{"kind": "film"}]}, "body.media[0]"),
        ({"media": [{"url": "https://x.example/1"}]}, "body.media[0]"),
        ({"parent": {}}, "body.parent"),
        ({"parent": SENT | {"owner": "mia"}}, "body.parent"),
        ({"owner": "mia"}, "body"),
    ],
)
def test_bodies_that_it_does_not(body: dict[str, object], place: str) -> None:
    assert post(SENT | body)[:1] == [place]


def test_forms() -> None:
    assert places(GALLERY, request("POST", "/v2/albums?api_key=k", data={"places": ["1", "two"]})) == [
        "body",
        "body.places[1]",
    ]
    assert places(GALLERY, request("POST", "/v2/albums?api_key=k", content=b"x")) == ["headers.content-type"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (answer(200, READ), ""),
        (answer(200, READ | {"secret": "s"}), ""),
        (answer(200, {key: value for key, value in READ.items() if key != "id"}), "answer"),
        (answer(200, READ | {"etag": "1"}), "answer"),
        (answer(200, READ, "text/html"), "headers.content-type"),
        (answer(404, {"title": "none", "status": 404}, "application/problem+json"), ""),
        (answer(404, {"title": 404}, "application/problem+json; charset=utf-8"), "answer.title"),
        (answer(503, {}), "answer.status"),
    ],
)
def test_answers(given: Any, place: str) -> None:
    assert answer_places(GALLERY, request("GET", ALBUM), given) == [place] * bool(place)


def test_null_is_taken_where_version_3_0_says_nullable(tmp_path: Path) -> None:
    contract = small(
        tmp_path,
        {
            "properties": {
                "a": {"type": "string", "nullable": True, "enum": ["x"]},
                "b": {"type": "string"},
                "c": {"nullable": True, "allOf": [{"type": "object", "properties": {"d": {"type": "integer"}}}]},
            }
        },
    )
    assert sent(contract, {"a": None, "c": None}) == []
    assert sent(contract, {"a": "x", "c": {"d": 1}}) == []
    assert sent(contract, {"a": "y", "b": None, "c": {"d": "1"}}) == ["body.a", "body.b", "body.c.d"]
    assert sent(contract, {"c": {"e": 1}}) == ["body.c"]


def test_keywords_beside_a_reference_count_from_version_3_1_on(tmp_path: Path) -> None:
    body = {"$ref": "other.json#/names", "maxItems": 1}
    (tmp_path / "other.json").write_text('{"names": {"type": "array", "items": {"type": "string"}}}')
    assert sent(small(tmp_path, body), ["a", "b"]) == []
    assert sent(small(tmp_path, body, "3.1.0"), ["a", "b"]) == ["body"]


def test_names_that_are_keywords_elsewhere_are_names(tmp_path: Path) -> None:
    properties = {name: {"type": "string"} for name in ("propertyName", "nullable", "readOnly", "required", "oneOf")}
    schema = {
        "type": "object",
        "properties": {**properties, "mapping": {"type": "object"}, "$ref": {"type": "integer"}},
    }
    contract = small(tmp_path, schema)
    assert sent(contract, {"mapping": {"a": 1}, "$ref": 5, "oneOf": "x", "required": "y"}) == []
    assert sent(contract, {"$ref": "#/a", "nullable": True}) == ["body.nullable", "body.$ref"]


def test_a_schema_may_be_true_or_false(tmp_path: Path) -> None:
    contract = small(tmp_path, {"properties": {"a": True, "b": False}}, "3.1.0")
    assert sent(contract, {"a": [1]}) == []
    assert sent(contract, {"b": 1}) == ["body.b"]


def test_a_schema_may_close_itself(tmp_path: Path) -> None:
    schema = {"allOf": [{"properties": {"a": {"type": "integer"}}}], "unevaluatedProperties": False}
    contract = small(tmp_path, schema, "3.1.0")
    assert sent(contract, {"a": 1}) == []
    assert sent(contract, {"a": 1, "b": 1}) == ["body"]
    assert sent(contract, {"a": "1", "b": 1}) == ["body.a", "body"]


def test_of_alternatives_that_all_fail_the_closest_is_told(tmp_path: Path) -> None:
    person = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    contract = small(tmp_path, {"anyOf": [{"type": "integer"}, person]})
    assert sent(contract, 7) == []
    assert sent(contract, {"name": "Mia"}) == []
    assert sent(contract, {"name": "Mia", "age": 3}) == ["body"]
    assert "closest: name: 7 is not of type 'string'" in violation(contract, request("POST", "/x", json={"name": 7}))


def test_an_object_without_named_properties_is_free(tmp_path: Path) -> None:
    free, named = {"type": "object"}, {"type": "object", "properties": {"a": {}}}
    for schema in (free, {"oneOf": [free, {"type": "array"}]}, {"anyOf": [named, free]}, {**named, "anyOf": [free]}):
        taken = [] if "properties" not in schema else ["body"]
        assert sent(small(tmp_path, schema), {"b": 1}) == taken
    assert sent(small(tmp_path, {**named, "additionalProperties": {"type": "integer"}}), {"b": 1}) == []
    assert sent(small(tmp_path, {**named, "additionalProperties": False}), {"b": 1}) == ["body"]
    assert sent(small(tmp_path, {**named, "anyOf": [{"required": ["a"]}]}), {"a": 1}) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("openapi: 4.0.0", "neither Swagger 2.0 nor OpenAPI"),
        ("- a", "holds no mapping"),
        ("a: [", "cannot be read as yaml"),
        ("openapi: 3.1.0\npaths: {/x: {$ref: '#/nowhere'}}", "where there is nothing"),
        ("openapi: 3.1.0\npaths: {/x: {$ref: 'https://a.example/b.yaml'}}", "only files beside a contract"),
        ("openapi: 3.1.0\na: {$ref: '#/b'}\nb: {$ref: '#/a'}\npaths: {/x: {$ref: '#/a'}}", "refers to itself"),
    ],
)
def test_files_that_are_no_contract(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        OpenApiContract.load(path)
