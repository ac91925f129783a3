from __future__ import annotations

from typing import Any

import pytest

from syncd.testing.contracts.openapi import OpenApiContract
from tests.unit.testing.contracts.calls import GIVEN, answer, answer_places, places, request, violation

DEPOT = OpenApiContract.load(GIVEN / "depot.json")
HEADERS = {"X-Depot-Key": "k", "X-Depot-Version": "7"}
PICTURES = "/api/items/GL-1/pictures"
STILL = {"kind": "Still", "url": "https://x.example/1", "width": 5, "alt": None}
CLIP = {"kind": "Clip", "url": "https://x.example/2", "seconds": 1.5, "poster": STILL}


def get(query: str = "markets=us", **headers: str) -> list[str]:
    return places(DEPOT, request("GET", f"{PICTURES}?{query}", headers=HEADERS | headers))


def put(body: Any, **headers: str) -> list[str]:
    return places(DEPOT, request("PUT", PICTURES, headers=HEADERS | headers, json=body))


@pytest.mark.parametrize(
    "query",
    [
        "markets=us",
        "markets=us,de",
        "markets=us%2Cde%2Cjp",
        "markets=us&slots=1&slots=9",
        "markets=us&tags=sun|sea&widths=1%202.5&live=true&limit=50&since=2026-11-22T12:00:00Z",
        "markets=us&tags=",
    ],
)
def test_queries_that_the_contract_takes(query: str) -> None:
    assert get(query) == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", "query.markets"),
        ("markets=", "query.markets"),
        ("markets=us,uk", "query.markets[1]"),
        ("markets=us,de,jp,us", "query.markets"),
        ("markets=us&markets=de", "query.markets"),
        ("markets=us&slots=1,2", "query.slots[0]"),
        ("markets=us&slots=1&slots=10", "query.slots[1]"),
        ("markets=us&widths=1,2", "query.widths[0]"),
        ("markets=us&live=yes", "query.live"),
        ("markets=us&limit=51", "query.limit"),
        ("markets=us&limit=1.5", "query.limit"),
        ("markets=us&limit=007", "query.limit"),
        ("markets=us&limit=-9999999999", "query.limit"),
        ("markets=us&limit=1&limit=2", "query.limit"),
        ("markets=us&since=2026-11-22", "query.since"),
        ("markets=us&since=2026-13-01T00:00:00Z", "query.since"),
        ("markets=us&sinse=2026-11-22T12:00:00Z", "query.sinse"),
    ],
)
def test_queries_that_it_does_not(query: str, place: str) -> None:
    assert get(query) == [place]


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "/api/items/123456789/pictures?markets=us", "path.sku"),
        ("GET", "/api/items/%C3%A41234567/pictures?markets=us", ""),
        ("GET", "/api/items/A%2FB/pictures?markets=us", ""),
        ("GET", "/api/items/A/B/pictures?markets=us", "path"),
        ("GET", "/api/items//pictures?markets=us", "path"),
        ("GET", "/items/GL-1/pictures?markets=us", "path"),
        ("POST", f"{PICTURES}?markets=us", "method"),
    ],
)
def test_paths(method: str, path: str, place: str) -> None:
    assert places(DEPOT, request(method, path, headers=HEADERS)) == [place] * bool(place)


def test_a_path_without_variables_is_meant_first_where_it_has_the_method() -> None:
    assert DEPOT.check_request(request("DELETE", "/api/items/all")) == "clear"
    assert DEPOT.check_request(request("GET", "/api/items/all", headers=HEADERS)) == "GET /items/{sku}"


def test_headers_and_credentials() -> None:
    assert get(**{"X-Depot-Version": "9"}) == ["header.X-Depot-Version"]
    assert places(DEPOT, request("GET", f"{PICTURES}?markets=us", headers={"x-depot-key": "k"})) == [
        "header.X-Depot-Version"
    ]
    asked = request("GET", f"{PICTURES}?markets=us", headers={"X-Depot-Version": "7"})
    assert "header X-Depot-Key or header Authorization (Basic)" in violation(DEPOT, asked)
    assert get(**{"X-Depot-Key": "", "Authorization": "Basic YTpi"}) == []
    assert get(**{"X-Depot-Key": "", "Authorization": "Bearer x"}) == ["credentials"]
    assert places(DEPOT, request("DELETE", "/api/items/all")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"pictures": [STILL]},
        {"pictures": [CLIP, STILL], "labels": {"any": "text"}, "extra": {"anything": [1]}},
        {"pictures": [STILL | {"id": "told back by a connector that read it"}]},
    ],
)
def test_bodies_that_the_contract_takes(body: object) -> None:
    assert put(body) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body"),
        ([], "body"),
        ({"pictures": []}, "body.pictures"),
        ({"pictures": [STILL], "lables": {}}, "body"),
        ({"pictures": [STILL], "labels": {"a": 1}}, "body.labels.a"),
        ({"pictures": [STILL | {"width": 0}]}, "body.pictures[0].width"),
        ({"pictures": [STILL | {"url": "http://x.example"}]}, "body.pictures[0].url"),
        ({"pictures": [STILL | {"url": None}]}, "body.pictures[0].url"),
        ({"pictures": [STILL | {"alt": "x" * 21}]}, "body.pictures[0].alt"),
        ({"pictures": [STILL | {"hight": 3}]}, "body.pictures[0]"),
        ({"pictures": [STILL | {"seconds": 3}]}, "body.pictures[0]"),
        ({"pictures": [CLIP, {"kind": "Still", "url": "https://x.example/1"}]}, "body.pictures[1]"),
        ({"pictures": [CLIP | {"kind": "Film"}]}, "body.pictures[0].kind"),
        ({"pictures": [CLIP | {"poster": STILL | {"width": "5"}}]}, "body.pictures[0].poster.width"),
    ],
)
def test_bodies_that_it_does_not(body: object, place: str) -> None:
    assert put(body)[:1] == [place]


def test_a_body_is_told_what_names_are_unknown_beside_what_else_is_wrong() -> None:
    told = violation(DEPOT, request("PUT", PICTURES, headers=HEADERS, json={"picturs": [], "labels": {"a": 1}}))
    assert told.splitlines() == [
        "putPictures breaks its contract:",
        "  body: 'pictures' is a required property",
        "  body.labels.a: 1 is not of type 'string'",
        "  body: The contract knows no such names (picturs)",
    ]


@pytest.mark.parametrize(
    ("content", "media_type", "place"),
    [
        (b"", "application/json", "body"),
        (b"{", "application/json", "body"),
        (b'{"pictures": NaN}', "application/json", "body"),
        (b'{"pictures": [], "pictures": []}', "application/json", "body"),
        (b"{}", "text/plain", "headers.content-type"),
        (b"{}", "", "headers.content-type"),
    ],
)
def test_bodies_that_are_no_json(content: bytes, media_type: str, place: str) -> None:
    headers = HEADERS | ({"Content-Type": media_type} if media_type else {})
    assert places(DEPOT, request("PUT", PICTURES, headers=headers, content=content)) == [place]


def test_a_body_where_none_is_taken() -> None:
    assert places(DEPOT, request("DELETE", "/api/items/all", content=b"x")) == ["body"]


def test_forms() -> None:
    def token(**fields: str) -> list[str]:
        return places(DEPOT, request("POST", "/api/tokens", data=fields))

    assert token(grant_type="refresh_token", seconds="60") == []
    assert token(grant_type="password") == ["body.grant_type"]
    assert token(grant_type="refresh_token", seconds="long") == ["body.seconds"]
    assert token(grant_type="refresh_token", scope="all") == ["body"]
    assert token() == ["body"]


def test_uploads() -> None:
    def upload(content: bytes = b"\xff\xd8", **fields: str) -> list[str]:
        files = {"file": ("a.jpg", content, "image/jpeg")} if content else {"other": b"x"}
        return places(DEPOT, request("POST", "/api/uploads", headers=HEADERS, data=fields, files=files))

    assert upload(slot="3", caption="ä") == []
    assert upload(slot="10") == ["body.slot"]
    assert upload() == ["body"]
    assert upload(b"", slot="1") == ["body", "body"]  # one name is missing, another unknown
    torn = {"Content-Type": "multipart/form-data; boundary=x"}
    assert places(DEPOT, request("POST", "/api/uploads", headers=HEADERS | torn, content=b"--y")) == ["body"]


@pytest.mark.parametrize(
    ("status", "body", "place"),
    [
        (200, {"pictures": [STILL | {"id": "1"}]}, ""),
        (200, {"pictures": [STILL]}, "answer.pictures[0]"),
        (200, {"pictures": [STILL | {"id": "1", "new": 1}]}, "answer.pictures[0]"),
        (200, b"", "answer"),
        (404, {"code": "none"}, ""),
        (404, {"code": "gone"}, "answer.code"),
        (500, {}, "answer.status"),
    ],
)
def test_answers(status: int, body: object, place: str) -> None:
    asked = request("GET", f"{PICTURES}?markets=us")
    assert answer_places(DEPOT, asked, answer(status, body)) == [place] * bool(place)


def test_answers_without_a_schema_may_be_anything() -> None:
    asked = request("PUT", PICTURES)
    assert answer_places(DEPOT, asked, answer(202, b"", "text/plain")) == []
    assert answer_places(DEPOT, asked, answer(418, {"code": "busy"})) == []
    assert answer_places(DEPOT, asked, answer(418, {})) == ["answer"]
    assert [DEPOT.states(asked, 418), DEPOT.states(request("GET", PICTURES), 418)] == [True, False]


def test_a_base_of_ones_own_replaces_the_contracts() -> None:
    elsewhere = OpenApiContract.load(GIVEN / "depot.json", base="http://127.0.0.1:8080/fake/")
    assert elsewhere.covers(request("DELETE", "/fake/items/all"))
    assert not elsewhere.covers(request("DELETE", "/api/items/all"))


def test_a_contract_that_is_not_closed_takes_names_it_does_not_know() -> None:
    asked = request("PUT", PICTURES, headers=HEADERS, json={"pictures": [STILL | {"hight": 3}], "more": 1})
    assert places(OpenApiContract.load(GIVEN / "depot.json", closed=False), asked) == []
    assert places(DEPOT, asked) == ["body.pictures[0]", "body"]
