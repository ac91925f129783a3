"""What comes over the wire that no honest client sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from syncd.web.auth import Scope
from syncd.web.body import read_body
from syncd.web.models import Body, NoQuery, View
from syncd.web.routing import Call, PlainRoute, Route
from tests.support.web import Running, Serve


class Echo(View):
    text: str


class Said(Body):
    text: str


async def say_back(call: Call[NoQuery, Said]) -> Echo:
    return Echo(text=call.body.text)


@pytest.fixture
async def server(serve: Serve) -> Running:
    route = Route("POST", "/say", say_back, "Say", Scope.READ, {200: Echo}, body=Said, body_limit=1000)
    return await serve((route,))


def request(server: Running, *headers: bytes, body: bytes = b'{"text": "a"}', method: bytes = b"POST") -> bytes:
    token = server.tokens.texts[Scope.READ].encode()
    head = [method + b" /say HTTP/1.1", b"Host: a", b"Connection: close", b"Authorization: Bearer " + token]
    length = (
        []
        if any(b"ength" in header or b"ncoding" in header for header in headers)
        else [b"Content-Length: %d" % len(body)]
    )
    return b"\r\n".join([*head, *headers, *length, b"", body])


def status_and_problem(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"aiohttp" not in head
    return int(head.split()[1]), json.loads(body)


async def test_the_honest_request_of_these_tests_is_answered(server: Running) -> None:
    answer = await server.raw(request(server, b"Content-Type: application/json"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"text":"a"}')


async def test_text_comes_back_as_it_was_said(server: Running) -> None:
    said = "\u202eעברית\u200d👩‍👩‍👧 é e\u0301 \uffff \x7f\u2028"
    body = json.dumps({"text": said}).encode()
    answer = await server.raw(request(server, b"Content-Type: application/json", body=body))
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"text": said}


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Type: application/json", b"Content-Type: text/plain"],
        [b"Content-Type: application/json", b"Authorization: Bearer x"],
        [b"Content-Type: application/json", b"Content-Length: 13", b"Content-Length: 14"],
        [b"Content-Type: application/json", b"Content-Length: 13", b"Transfer-Encoding: chunked"],
        [b"Content-Type: application/json", b"Content-Length: -1"],
        [b"Content-Type: application/json", b"Content-Length: +13"],
        [b"Content-Type: application/json", b"Transfer-Encoding: chunked, identity"],
        [b"Content-Type: application/json", b"X-Nul: a\0b"],
        [b"Content-Type: application/json", b"No colon"],
        [b"Content-Type: application/json", b" folded: x"],
        [b"Content-Type: application/json", b"X: " + b"y" * 10_000],
        [b"Content-Type: application/json", *[b"X-%d: y" % number for number in range(200)]],
    ],
)
async def test_ambiguous_or_broken_headers_are_refused(server: Running, headers: list[bytes]) -> None:
    status, problem = status_and_problem(await server.raw(request(server, *headers)))
    assert status == 400
    assert problem["code"] == "request.malformed"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\xc3\x84T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x00" * 100,
    ],
)
async def test_what_is_not_http_gets_the_one_problem_shape(server: Running, raw: bytes) -> None:
    status, problem = status_and_problem(await server.raw(raw))
    assert status == 400
    assert problem["code"] == "request.malformed"


async def test_broken_chunks_are_refused(server: Running) -> None:
    raw = request(
        server, b"Content-Type: application/json", b"Transfer-Encoding: chunked", body=b"zz\r\nxx\r\n0\r\n\r\n"
    )
    status, _ = status_and_problem(await server.raw(raw))
    assert status == 400


async def test_an_oversized_chunked_body_is_refused_without_being_kept(server: Running) -> None:
    body = b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n"
    raw = request(server, b"Content-Type: application/json", b"Transfer-Encoding: chunked", body=body)
    status, problem = status_and_problem(await server.raw(raw))
    assert status == 413
    assert problem["data"] == {"limit": 1000}


async def test_an_unmet_expectation_is_refused(server: Running) -> None:
    raw = request(server, b"Content-Type: application/json", b"Expect: tea")
    status, _ = status_and_problem(await server.raw(raw))
    assert status == 417


async def test_a_slow_body_is_given_up(serve: Serve) -> None:
    async def take(request: Any) -> Any:
        await read_body(request, 1000, seconds=0.05)

    server = await serve(plain=(PlainRoute("POST", "/slow", take, "Slow"),))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    writer.close()


async def test_a_client_that_leaves_in_the_middle_is_no_failure(server: Running) -> None:
    with capture_logs() as logged:
        await leave_in_the_middle(server)
    assert logged == []


async def leave_in_the_middle(server: Running) -> None:
    for cut in (40, 150, -5):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request(server, b"Content-Type: application/json")[:cut])
        await writer.drain()
        writer.transport.abort()
    answer = await server.raw(request(server, b"Content-Type: application/json"))
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_methods_nobody_offers_are_refused(server: Running) -> None:
    for method in (b"TRACE", b"CONNECT", b"PROPFIND", b"OPTIONS", b"HEAD"):
        answer = await server.raw(request(server, method=method))
        assert answer.split()[1] in {b"400", b"404", b"405"}
