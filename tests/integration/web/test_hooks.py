"""Webhooks over real HTTP, signed with a plain HMAC."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import aiohttp
import pytest

from syncd.errors import HookRefused, NotFoundError, TransientError
from syncd.sdk.source import HookRequest, RawItem
from syncd.telemetry.metrics import Metrics
from syncd.testing.clock import ManualClock
from syncd.web.hooks import Hooks
from tests.support.web import Running, Serve, problem_of

KEY = b"a key of the sender"
LIMIT = 4096


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.digest(KEY, body, "sha256").hex()}


class Inbox:
    """Stores in a list; says what it is told about room and failure."""

    def __init__(self) -> None:
        self.committed: list[tuple[str, RawItem]] = []
        self.requests: list[HookRequest] = []
        self.wait: float | None = None
        self.fails = False
        self.commit = asyncio.Event()
        self.commit.set()

    def verify(self, connection: str, request: HookRequest) -> RawItem:
        if connection != "shop":
            raise NotFoundError(f"There is no connection {connection}.")
        self.requests.append(request)
        expected = hmac.digest(KEY, request.body, "sha256").hex()
        if not hmac.compare_digest(expected.encode(), request.headers.get("x-signature", "").encode()):
            raise HookRefused("bad-signature", "No key of shop made this signature.", expected=expected)
        return RawItem(request.body)

    def admit(self) -> float | None:
        return self.wait

    async def store(self, connection: str, item: RawItem) -> None:
        await self.commit.wait()
        if self.fails:
            raise TransientError("The disk is full.")
        self.committed.append((connection, item))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def server(serve: Serve, inbox: Inbox, clock: ManualClock, metrics: Metrics) -> Running:
    return await serve(plain=Hooks(inbox, clock, metrics, limit=LIMIT).routes())


async def test_a_verified_request_is_acknowledged_with_its_raw_body_stored(server: Running, inbox: Inbox) -> None:
    body = b'{"a": 1,  "a": 2}\xff\x00'
    async with server.session.post("/hooks/shop?x=1", data=body, headers=signed(body)) as response:
        assert response.status == 202
        assert await response.json() == {}
    assert inbox.committed == [("shop", RawItem(body))]
    request = inbox.requests[0]
    assert (request.method, request.path, request.received_at) == ("POST", "/hooks/shop", server.clock.now())
    assert server.metrics.value("syncd_hooks_accepted_total", connection="shop") == 1


async def test_nothing_is_acknowledged_before_the_commit(server: Running, inbox: Inbox) -> None:
    inbox.commit.clear()
    request = asyncio.create_task(send(server, b"x"))
    while not inbox.requests:
        await asyncio.sleep(0)
    done, _ = await asyncio.wait({request}, timeout=0.05)
    assert not done
    inbox.commit.set()
    assert await request == 202
    assert len(inbox.committed) == 1


async def send(server: Running, body: bytes) -> int:
    async with server.session.post("/hooks/shop", data=body, headers=signed(body)) as response:
        return response.status


async def test_a_chunked_body_is_taken_whole(server: Running, inbox: Inbox) -> None:
    async def chunks() -> object:
        for _ in range(4):
            yield b"y" * 1000

    async with server.session.post("/hooks/shop", data=chunks(), headers=signed(b"y" * 4000)) as response:
        assert response.status == 202
    assert inbox.committed[0][1].body == b"y" * 4000


@pytest.mark.parametrize("headers", [{}, {"X-Signature": ""}, {"X-Signature": "0" * 64}, {"X-Signature": "ä"}])
async def test_a_forged_request_is_refused_without_a_hint(
    server: Running, inbox: Inbox, headers: dict[str, str]
) -> None:
    async with server.session.post("/hooks/shop", data=b"x", headers=headers) as response:
        assert response.status == 401
        assert await problem_of(response) == "hook.unverified"
        text = await response.text()
    assert "bad-signature" not in text
    assert hmac.digest(KEY, b"x", "sha256").hex() not in text
    assert inbox.committed == []
    assert server.metrics.value("syncd_hooks_refused_total", connection="shop", reason="bad-signature") == 1


async def test_a_repeated_signature_header_does_not_hide_a_forged_one(server: Running, inbox: Inbox) -> None:
    signature = signed(b"x")["X-Signature"].encode()
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n"
    answer = await server.raw(head + b"X-Signature: " + signature + b"\r\nx-signature: 00\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert inbox.requests[0].headers["x-signature"] == f"{signature.decode()}, 00"


async def test_an_unknown_connection_has_the_shape_of_a_refusal(server: Running, inbox: Inbox) -> None:
    async with (
        server.session.post("/hooks/shop", data=b"x") as refused,
        server.session.post("/hooks/nobody", data=b"x") as unknown,
    ):
        assert (refused.status, unknown.status) == (401, 404)
        assert await problem_of(unknown) == "hook.unknown"
        one, other = await refused.json(content_type=None), await unknown.json(content_type=None)
    assert one.keys() == other.keys()
    assert one["detail"] == other["detail"]
    label = {"connection": "(unknown)", "reason": "unknown-connection"}
    assert server.metrics.value("syncd_hooks_refused_total", **label) == 1


async def test_names_of_unknown_connections_do_not_grow_the_metrics(server: Running) -> None:
    for number in range(20):
        async with server.session.post(f"/hooks/guess-{number}", data=b"x"):
            pass
    assert b"guess" not in server.metrics.exposition()


async def test_refusals_are_slowed_down_and_verified_requests_are_not(server: Running) -> None:
    statuses = []
    for _ in range(32):
        async with server.session.post("/hooks/shop", data=b"x") as response:
            statuses.append(response.status)
            retry_after = response.headers.get("Retry-After")
    assert statuses == [401] * 30 + [429] * 2
    assert retry_after == "1"
    assert await send(server, b"x") == 202


async def test_when_full_the_sender_is_told_when_to_come_back(server: Running, inbox: Inbox) -> None:
    inbox.wait = 12.3
    async with server.session.post("/hooks/shop", data=b"x", headers=signed(b"x")) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "13"
        assert await problem_of(response) == "request.busy"
    assert inbox.requests == []


async def test_a_failed_commit_is_not_acknowledged(server: Running, inbox: Inbox) -> None:
    inbox.fails = True
    async with server.session.post("/hooks/shop", data=b"x", headers=signed(b"x")) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_other_methods_are_refused(server: Running, method: str) -> None:
    async with server.session.request(method, "/hooks/shop") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"


async def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(server: Running, inbox: Inbox) -> None:
    answer = await server.raw(b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert inbox.requests == []


async def test_a_client_that_asks_first_is_refused_without_sending(server: Running) -> None:
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4097\r\n\r\n"
    assert (await server.raw(head)).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_asks_first_is_invited(server: Running) -> None:
    signature = signed(b"x")["X-Signature"].encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n")
    writer.write(b"Content-Length: 1\r\nX-Signature: " + signature + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"x")
    assert (await reader.read()).startswith(b"HTTP/1.1 202 ")
    writer.close()


async def test_an_endless_chunked_body_is_refused_at_the_limit(server: Running, inbox: Inbox) -> None:
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + b"1000\r\n" + b"z" * 4096 + b"\r\n1\r\nz\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    assert inbox.requests == []
    label = {"connection": "(unknown)", "reason": "too-large"}
    assert server.metrics.value("syncd_hooks_refused_total", **label) == 1


async def test_a_body_at_the_limit_is_taken(server: Running) -> None:
    assert await send(server, b"z" * LIMIT) == 202


async def test_a_truncated_body_is_never_stored(server: Running, inbox: Inbox) -> None:
    signature = signed(b"x")["X-Signature"].encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = b"POST /hooks/shop HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nX-Signature: " + signature
    writer.write(head + b"\r\n\r\nx")
    writer.write_eof()
    await reader.read()
    writer.close()
    assert inbox.requests == []
    assert inbox.committed == []


async def test_a_compressed_body_is_not_unpacked(server: Running, inbox: Inbox) -> None:
    headers = {**signed(b"x"), "Content-Encoding": "gzip"}
    async with server.session.post("/hooks/shop", data=b"x", headers=headers) as response:
        assert response.status == 415
    assert inbox.requests == []


async def test_the_digest_of_the_stored_body_is_that_of_what_was_sent(server: Running, inbox: Inbox) -> None:
    body = bytes(range(256)) * 16
    assert await send(server, body) == 202
    assert hashlib.sha256(inbox.committed[0][1].body).digest() == hashlib.sha256(body).digest()


async def test_requests_on_one_connection_do_not_mix(server: Running, inbox: Inbox) -> None:
    bodies = [f"body {number}".encode() for number in range(20)]
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", connector=connector) as session:
        for body in bodies:
            async with session.post("/hooks/shop", data=body, headers=signed(body)) as response:
                assert response.status == 202
    assert [item.body for _, item in inbox.committed] == bodies
