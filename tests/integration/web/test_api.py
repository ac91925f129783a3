"""The API's frame over real HTTP, with a shelf of things as its only resource."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field, TypeAdapter

from syncd.errors import AuthError, Bug, ConfigError, ConflictError, RateLimited, RejectedError, TransientError
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.refusals import Gone
from syncd.web.routing import IDENTIFIER, AnyRoute, Call, Reply, Route
from syncd.web.server import described
from tests.support.web import Running, Serve, problem_of

CURSORS = Cursors("things", TypeAdapter(str))
FAILURES: dict[str, Exception] = {
    "config": ConfigError("A file is wrong."),
    "auth": AuthError("A shop refused us."),
    "transient": TransientError("The shop is down."),
    "rate": RateLimited("The shop is busy.", retry_after=7.2),
    "rejected": RejectedError("The picture is too small.", width=100),
    "conflict": ConflictError("A newer version exists."),
    "bug": Bug("internal detail 4711"),
    "crash": ZeroDivisionError("internal detail 4711"),
    "gone": Gone("This status is not in the route."),
    "data": RejectedError("Odd data.", at=object(), number=float("nan")),
}


class Thing(View):
    id: str
    owner: str


class NewThing(Body):
    name: str = Field(max_length=20, pattern=IDENTIFIER)
    count: int = 1
    parent: NewThing | None = None


class Made(View):
    id: str
    key: str | None
    fingerprint: str | None


class Other(View):
    """Not what any route promises."""


class Shelf:
    def __init__(self) -> None:
        self.names = [f"thing-{number:02}" for number in range(5)]

    def routes(self) -> tuple[AnyRoute, ...]:
        things, thing = "/api/v1/things", "/api/v1/things/{thing}"
        made: dict[int, Any] = {201: Made}
        return (
            Route("GET", things, self.list_things, "Things", Scope.READ, {200: Page[Thing]}, query=PageQuery),
            Route(
                "POST", things, self.make_thing, "Make", Scope.OPERATE, made,
                body=NewThing, idempotent_key=True, body_limit=1000,
            ),
            Route("GET", thing, self.read_thing, "A thing", Scope.READ, {200: Thing}),
            Route("DELETE", thing, self.drop_thing, "Drop", Scope.ADMIN, {204: None}),
            Route("POST", thing + "/fail/{how}", self.fail, "Fail", None, {200: Thing}),
            Route("GET", "/api/v1/wrong/{how}", self.break_promise, "Wrong", None, {200: Thing, 204: None}),
        )  # fmt: skip

    async def list_things(self, call: Call[PageQuery, None]) -> Page[Thing]:
        after = CURSORS.read(call.query.cursor) or ""
        rows = [name for name in self.names if name > after][: call.query.limit + 1]
        return CURSORS.page(
            Page[Thing], rows, call.query.limit, lambda row: Thing(id=row, owner=call.principal.name), str
        )

    async def make_thing(self, call: Call[NoQuery, NewThing]) -> Reply:
        key = call.idempotency
        made = Made(id=call.body.name, key=key and key.key, fingerprint=key and key.fingerprint)
        return Reply(201, made, {"Location": f"/api/v1/things/{call.body.name}"})

    async def read_thing(self, call: Call[NoQuery, None]) -> Thing:
        return Thing(id=call.path["thing"], owner="")

    async def drop_thing(self, call: Call[NoQuery, None]) -> Reply:
        return Reply(204)

    async def fail(self, call: Call[NoQuery, None]) -> Thing:
        raise FAILURES[call.path["how"]]

    async def break_promise(self, call: Call[NoQuery, None]) -> Any:
        bad = Reply(204, headers={"Location": "/a\r\nX-Evil: 1"})
        answers = {
            "status": Reply(418),
            "model": Other(),
            "body": Reply(204, Other()),
            "none": Reply(200),
            "any": 7,
            "header": bad,
        }
        return answers[call.path["how"]]


@pytest.fixture
async def api(serve: Serve) -> Running:
    return await serve(described(Shelf().routes(), version="1"))


async def test_pages_are_walked_by_cursor_to_the_end(api: Running) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        async with api.session.get("/api/v1/things", params=query, headers=api.bearer(Scope.READ)) as response:
            assert response.status == 200
            page = await response.json()
        seen += [thing["id"] for thing in page["items"]]
        cursor = page["next"]
    assert seen == [f"thing-{number:02}" for number in range(5)]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", ["query", "limit"]),
        ("limit=201", ["query", "limit"]),
        ("limit=two", ["query", "limit"]),
        ("limit=1&limit=2", ["query", "limit"]),
        ("cursor=%20", ["query", "cursor"]),
        ("cursor=dGhpbmdz", ["query", "cursor"]),
        ("cursor=", ["query", "cursor"]),
        ("colour=red", ["query", "colour"]),
    ],
)
async def test_a_wrong_query_is_refused_with_its_place(api: Running, query: str, place: list[str]) -> None:
    async with api.session.get(f"/api/v1/things?{query}", headers=api.bearer(Scope.READ)) as response:
        assert response.status == 422
        assert await problem_of(response) == "request.invalid"
        assert [error["loc"] for error in (await response.json(content_type=None))["errors"]] == [place]


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        (None, [401, 401, 401]),
        (Scope.READ, [200, 403, 403]),
        (Scope.OPERATE, [200, 201, 403]),
        (Scope.ADMIN, [200, 201, 204]),
    ],
)
async def test_each_scope_may_do_what_it_covers_and_no_more(
    api: Running, scope: Scope | None, statuses: list[int]
) -> None:
    headers = api.bearer(scope) if scope else {}
    found = []
    for method, path, body in (
        ("GET", "/api/v1/things", None),
        ("POST", "/api/v1/things", {"name": "a"}),
        ("DELETE", "/api/v1/things/a", None),
    ):
        async with api.session.request(method, path, json=body, headers=headers) as response:
            found.append(response.status)
            if response.status in {401, 403}:
                assert response.headers["WWW-Authenticate"].startswith('Bearer realm="syncd"')
    assert found == statuses


async def test_a_refused_scope_is_named(api: Running) -> None:
    async with api.session.delete("/api/v1/things/a", headers=api.bearer(Scope.READ)) as response:
        assert await problem_of(response) == "request.scope"
        assert (await response.json(content_type=None))["data"] == {"needed": "admin"}
        assert 'scope="admin"' in response.headers["WWW-Authenticate"]


async def test_guessing_is_slowed_down_and_a_valid_token_is_not(api: Running) -> None:
    wrong = {"Authorization": "Bearer syncd_00000000_" + "0" * 64}
    statuses = []
    for _ in range(12):
        async with api.session.get("/api/v1/things", headers=wrong) as response:
            statuses.append(response.status)
            if response.status == 429:
                assert await problem_of(response) == "request.attempts"
                assert int(response.headers["Retry-After"]) == 6
    assert statuses == [401] * 10 + [429] * 2
    async with api.session.get("/api/v1/things", headers=api.bearer(Scope.READ)) as response:
        assert response.status == 200
    await api.clock.advance(6)
    async with api.session.get("/api/v1/things", headers=wrong) as response:
        assert response.status == 401
    assert api.metrics.value("syncd_auth_refused_total", reason="invalid") == 13


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer  syncd_a_b", "Bearer syncd_ä_ß"])
async def test_what_is_no_token_is_unauthenticated(api: Running, header: str) -> None:
    async with api.session.get("/api/v1/things", headers={"Authorization": header}) as response:
        assert response.status == 401


async def test_a_token_with_another_secret_is_refused(api: Running) -> None:
    text = api.tokens.texts[Scope.ADMIN]
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    for given in (wrong, text[:-1], text + "0", text.upper()):
        async with api.session.get("/api/v1/things", headers={"Authorization": f"Bearer {given}"}) as response:
            assert response.status == 401


@pytest.mark.parametrize(
    ("how", "status", "code", "retry_after"),
    [
        ("config", 422, "config.invalid", None),
        ("auth", 502, "auth.refused", None),
        ("transient", 503, "transient", "5"),
        ("rate", 429, "rate-limited", "8"),
        ("rejected", 422, "rejected", None),
        ("conflict", 409, "conflict", None),
        ("bug", 500, "bug", None),
        ("crash", 500, "bug", None),
        ("gone", 500, "bug", None),
        ("data", 422, "rejected", None),
    ],
)
async def test_every_failure_of_a_use_case_has_its_status_and_shape(
    api: Running, how: str, status: int, code: str, retry_after: str | None
) -> None:
    async with api.session.post(f"/api/v1/things/a/fail/{how}") as response:
        assert response.status == status
        assert await problem_of(response) == code
        assert response.headers.get("Retry-After") == retry_after
        assert "4711" not in await response.text()
        assert (await response.json(content_type=None))["instance"] == f"/api/v1/things/a/fail/{how}"


@pytest.mark.parametrize("how", ["status", "model", "body", "none", "any", "header"])
async def test_an_answer_the_route_does_not_promise_never_leaves(api: Running, how: str) -> None:
    async with api.session.get(f"/api/v1/wrong/{how}") as response:
        assert response.status == 500
        assert await problem_of(response) == "bug"


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        (b'{"name": "a", "colour": "red"}', 422, ["body", "colour"]),
        (b'{"name": "a", "count": true}', 422, ["body", "count"]),
        (b'{"name": "a", "count": "1"}', 422, ["body", "count"]),
        (b'{"name": 1}', 422, ["body", "name"]),
        (b"{}", 422, ["body", "name"]),
        (b"[]", 422, ["body"]),
        (b"null", 422, ["body"]),
        (b'{"name": "a", "parent": {"name": ""}}', 422, ["body", "parent", "name"]),
        (b"", 400, None),
        (b"{", 400, None),
        (b'{"name": "a", "name": "b"}', 400, None),
        (b'{"name": "\\u0000"}', 400, None),
        (b'{"name": "\\ud800"}', 400, None),
        (b'{"name": "\xff"}', 400, None),
        (b'{"name": "a", "count": NaN}', 400, None),
        (b"[" * 900, 400, None),
        (b'{"name": "' + b"a" * 1000 + b'"}', 413, None),
    ],
)
async def test_a_wrong_body_is_refused_with_its_place(
    api: Running, body: bytes, status: int, place: list[str] | None
) -> None:
    headers = {**api.bearer(Scope.OPERATE), "Content-Type": "application/json"}
    async with api.session.post("/api/v1/things", data=body, headers=headers) as response:
        assert response.status == status
        await problem_of(response)
        if place:
            assert (await response.json(content_type=None))["errors"][0]["loc"] == place


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_a_body_of_another_type_is_refused(api: Running, headers: dict[str, str]) -> None:
    headers = {**api.bearer(Scope.OPERATE), **headers}
    async with api.session.post("/api/v1/things", data=b'{"name": "a"}', headers=headers) as response:
        assert response.status == 415
        assert await problem_of(response) == "request.content-type"


async def test_an_idempotency_key_comes_with_the_fingerprint_of_its_request(api: Running) -> None:
    async def make(name: str) -> dict[str, str]:
        headers = {**api.bearer(Scope.OPERATE), "Idempotency-Key": "once"}
        async with api.session.post("/api/v1/things", json={"name": name}, headers=headers) as response:
            assert response.headers["Location"] == f"/api/v1/things/{name}"
            return dict(await response.json())

    first, again, other = await make("a"), await make("a"), await make("b")
    assert first["key"] == "once"
    assert first["fingerprint"] == again["fingerprint"] != other["fingerprint"]


async def test_an_idempotency_key_that_is_none_is_refused(api: Running) -> None:
    headers = {**api.bearer(Scope.OPERATE), "Idempotency-Key": "x" * 201}
    async with api.session.post("/api/v1/things", json={"name": "a"}, headers=headers) as response:
        assert response.status == 422
        assert (await response.json(content_type=None))["errors"][0]["loc"] == ["header", "Idempotency-Key"]


@pytest.mark.parametrize("name", ["a%2Fb", "%2e%2e", "a%00", "%C3%A4", "a%20b", "a%0A", "x" * 129, "%FF", "-a"])
async def test_a_path_parameter_outside_its_pattern_names_nothing(api: Running, name: str) -> None:
    answer = await api.raw(
        f"GET /api/v1/things/{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: {api.bearer(Scope.READ)['Authorization']}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] in {"not-found", "request.unknown-path"}


async def test_unknown_paths_and_methods_have_the_problem_shape(api: Running) -> None:
    async with api.session.get("/api/v2") as response:
        assert (response.status, await problem_of(response)) == (404, "request.unknown-path")
    async with api.session.put("/api/v1/things/a") as response:
        assert (response.status, await problem_of(response)) == (405, "request.method")
        assert response.headers["Allow"] == "DELETE, GET"


async def test_the_description_is_valid_and_names_every_route(api: Running) -> None:
    async with api.session.get("/api/openapi.json") as response:
        assert response.status == 200
        document = await response.json()
    OpenAPIV31SpecValidator(document).validate()
    described_routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described_routes == {(route.method, route.path) for route in described(Shelf().routes(), version="1")}


async def test_responses_say_nothing_of_the_software_and_leave_browsers_no_room(api: Running) -> None:
    for path in ("/api/openapi.json", "/nothing"):
        async with api.session.get(path) as response:
            assert "Server" not in response.headers
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert response.headers["Cache-Control"] == "no-store"


async def test_requests_are_counted_by_operation_and_status(api: Running) -> None:
    async with api.session.get("/api/v1/things", headers=api.bearer(Scope.READ)):
        pass
    assert api.metrics.value("syncd_api_requests_total", operation="list_things", status="200") == 1
    assert api.metrics.value("syncd_api_request_seconds_count", operation="list_things") == 1


async def test_requests_under_way_finish_before_the_server_stops(serve: Serve) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def wait_long(call: Call[NoQuery, None]) -> Thing:
        begun.set()
        await release.wait()
        return Thing(id="late", owner="")

    api = await serve((Route("GET", "/wait", wait_long, "Wait", None, {200: Thing}),))
    request = asyncio.create_task(api.session.get("/wait"))
    await begun.wait()
    stopping = asyncio.create_task(api.server.stop())
    await refused(api.port)
    release.set()
    async with await request as response:
        assert (await response.json())["id"] == "late"
    await stopping


async def refused(port: int) -> None:
    """Return when nothing listens on the port any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            return
        writer.close()
