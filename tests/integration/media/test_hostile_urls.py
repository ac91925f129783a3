"""Every hostile URL and server is refused with a named reason: seven named classes against a real loopback server.

Names of the resolver below stand for hosts of the internet; the server behind all of them listens on 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from syncd.clock import SystemClock
from syncd.errors import HostileInput, NotFoundError, RateLimited, RejectedError, TransientError
from syncd.media.fetch import Fetcher, FetchLimits
from syncd.testing.clock import ManualClock
from tests.integration.media.conftest import SAMPLES

HOST = frozenset({"127.0.0.1"})
CDN = frozenset({"cdn.example"})
PHOTO = (SAMPLES / "coffee.png").read_bytes()


class Names(AbstractResolver):
    """Answers from a table; every call to a name takes the next answer, the last one stays."""

    def __init__(self, port: int, table: dict[str, list[list[str]]]) -> None:
        self._port = port
        self._table = table

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._table:
            raise OSError(f"no such host {host}")
        answers = self._table[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [self._found(host, each) for each in addresses]

    def _found(self, host: str, address: str) -> ResolveResult:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return ResolveResult(hostname=host, host=address, port=self._port, family=kind, proto=0, flags=0)

    async def close(self) -> None:
        return None


async def _serve(request: web.Request) -> web.StreamResponse:
    kind = request.match_info["kind"]
    query = request.query
    if kind == "photo":
        return web.Response(body=PHOTO, content_type="image/png")
    if kind == "status":
        return web.Response(status=int(query["code"]), headers={"Retry-After": query.get("after", "")})
    if kind == "to":
        return web.Response(status=302, headers={"Location": query["url"]} if "url" in query else {})
    if kind == "loop":
        return web.Response(status=302, headers={"Location": str(request.rel_url)})
    if kind == "coded":
        packed = gzip.compress(PHOTO) if query["as"] == "gzip" else zlib.compress(bytes(20_000_000))
        return web.Response(body=packed, headers={"Content-Encoding": query["as"], "Content-Type": "image/png"})
    if kind == "as":
        return web.Response(body=BODIES[query["body"]], headers={"Content-Type": query["type"]})
    return await _endless(request, kind)


async def _endless(request: web.Request, kind: str) -> web.StreamResponse:
    """Bodies that never end, or end long after anyone should wait."""
    answer = web.StreamResponse(headers={"Content-Type": "image/png"})
    if kind == "declared":
        answer.content_length = 10_000_000_000
    if kind == "silent":
        await asyncio.Event().wait()
    await answer.prepare(request)
    await answer.write(PHOTO[:5000])
    while kind in ("endless", "drip"):
        await answer.write(bytes(65536) if kind == "endless" else b"\x00")
        await asyncio.sleep(0)
    await asyncio.Event().wait()
    return answer


BODIES = {
    "html": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "svg": b"<svg onload='alert(1)'></svg>",
    "program": b"MZ\x90\x00" + bytes(300),
    "photo": PHOTO,
    "playlist": b"#EXTM3U\nfile:///etc/passwd",
    "nothing": b"",
}


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{kind}", _serve)
    app.router.add_get("/{kind}/{name}", _serve)
    running = TestServer(app, host="127.0.0.1", shutdown_timeout=0)
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
def port(server: TestServer) -> int:
    assert server.port is not None
    return server.port


@pytest.fixture
def make_fetcher(port: int) -> Callable[..., Fetcher]:
    """A fetcher whose resolver knows `cdn.example` and `other.example`, both really on loopback."""

    def make(names: dict[str, list[list[str]]] | None = None, **limits: Any) -> Fetcher:
        table = {"cdn.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]], **(names or {})}
        return Fetcher(SystemClock(), FetchLimits(**{"bytes": 3_000_000, **limits}), Names(port, table))

    return make


async def fetched(fetcher: Fetcher, url: str, allow: frozenset[str] = frozenset()) -> bytes:
    async with fetcher.open(url, allow_hosts=allow) as download:
        return b"".join([chunk async for chunk in download.chunks])


async def refused(fetcher: Fetcher, url: str, allow: frozenset[str] = frozenset()) -> str:
    with pytest.raises(HostileInput) as caught:
        await fetched(fetcher, url, allow)
    return caught.value.reason


async def test_an_allowed_host_serves_its_photograph(make_fetcher: Callable[..., Fetcher], port: int) -> None:
    url = f"http://cdn.example:{port}/photo/My%20Photo.png?token=s3cret"
    async with make_fetcher().open(url, allow_hosts=CDN) as download:
        data = b"".join([chunk async for chunk in download.chunks])
    assert data == PHOTO
    assert (download.content_type, download.filename) == ("image/png", "My Photo.png")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "10.0.0.1", "169.254.169.254"),
        *("[64:ff9b::7f00:1]", "[fe80::1]", "100.64.1.1", "224.0.0.1", "[fd00::1]", "[2002:7f00:1::]", "192.168.0.1"),
        *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.0.0.1", "localhost", "１２７.0.0.1"),
    ],
)
async def test_ip_literals_and_their_notations_are_refused(port: int, host: str) -> None:
    assert await refused(Fetcher(SystemClock()), f"http://{host}:{port}/photo") in (
        "private-address",
        "obscured-address",
    )


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://127.0.0.1:{port}/photo", "private-address"),
        ("http://other.example:{port}/photo", "private-address"),
        ("http://[::1]:{port}/photo", "private-address"),
        ("http://169.254.169.254/latest/meta-data", "private-address"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1/x", "scheme"),
        ("http://user:pass@cdn.example:{port}/photo", "credentials-in-url"),
        ("http://2130706433:{port}/photo", "obscured-address"),
    ],
)
async def test_redirects_out_of_the_allowed_hosts_are_refused(
    make_fetcher: Callable[..., Fetcher], port: int, target: str, reason: str
) -> None:
    url = f"http://cdn.example:{port}/to?url={target.format(port=port)}"
    assert await refused(make_fetcher(), url, CDN) == reason


async def test_redirects_end_after_five(make_fetcher: Callable[..., Fetcher], port: int) -> None:
    assert await refused(make_fetcher(), f"http://cdn.example:{port}/loop", CDN) == "redirect-limit"
    inner = f"http://cdn.example:{port}/to?url=/photo"
    assert await fetched(make_fetcher(), inner, CDN) == PHOTO
    with pytest.raises(RejectedError):
        await fetched(make_fetcher(), f"http://cdn.example:{port}/to", CDN)


@pytest.mark.parametrize(
    "answers",
    [
        [["127.0.0.1"]],
        [["10.0.0.7"]],
        [["::ffff:127.0.0.1"]],
        [["::1"], ["127.0.0.1"]],
        [["169.254.169.254", "127.0.0.1"]],
        [["64:ff9b::a00:1"]],
    ],
)
async def test_names_that_turn_out_private_are_refused(
    make_fetcher: Callable[..., Fetcher], port: int, answers: list[list[str]]
) -> None:
    fetcher = make_fetcher({"rebind.example": answers})
    for _ in range(2):
        assert await refused(fetcher, f"http://rebind.example:{port}/photo", CDN) == "private-address"


@pytest.mark.parametrize("kind", ["endless", "declared", "drip"])
async def test_bodies_beyond_the_limit_are_cut_off(make_fetcher: Callable[..., Fetcher], port: int, kind: str) -> None:
    assert await refused(make_fetcher(bytes=20_000), f"http://cdn.example:{port}/{kind}", CDN) == "too-large"


@pytest.mark.parametrize(("kind", "limit"), [("silent", "first_byte"), ("stalled", "idle"), ("endless", "total")])
async def test_slow_answers_meet_a_deadline(port: int, kind: str, limit: str) -> None:
    clock = ManualClock()
    limits = FetchLimits(**{"bytes": 10**15, "first_byte": 900, "idle": 900, "total": 1000, limit: 7})
    fetcher = Fetcher(clock, limits, Names(port, {"cdn.example": [["127.0.0.1"]]}))
    work = asyncio.ensure_future(fetched(fetcher, f"http://cdn.example:{port}/{kind}", CDN))
    while not work.done():
        await clock.advance(0.05)
    with pytest.raises(TransientError):
        await work
    assert clock.monotonic() < 60


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip,%20gzip", "zstd"])
async def test_encoded_answers_are_refused_unopened(
    make_fetcher: Callable[..., Fetcher], port: int, coding: str
) -> None:
    assert await refused(make_fetcher(), f"http://cdn.example:{port}/coded?as={coding}", CDN) == "encoded-answer"


@pytest.mark.parametrize(
    ("body", "type", "reason"),
    [
        ("html", "image/jpeg", "html-refused"),
        ("html", "application/octet-stream", "html-refused"),
        ("svg", "image/svg+xml", "svg-refused"),
        ("program", "image/png", "executable-refused"),
        ("playlist", "video/mp4", "playlist-refused"),
        ("photo", "video/mp4", "type-mismatch"),
        ("photo", "text/html", "type-mismatch"),
        ("nothing", "image/png", "empty"),
    ],
)
async def test_bodies_that_are_not_what_they_say_are_refused(
    make_fetcher: Callable[..., Fetcher], port: int, body: str, type: str, reason: str
) -> None:
    assert await refused(make_fetcher(), f"http://cdn.example:{port}/as?body={body}&type={type}", CDN) == reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://cdn.example/a.jpg", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("//cdn.example/a.jpg", "scheme"),
        ("http://mia:secret@cdn.example/a.jpg", "credentials-in-url"),
        ("http://mia@cdn.example/a.jpg", "credentials-in-url"),
        ("http:///a.jpg", "bad-url"),
        ("http://cdn.example:99999/a.jpg", "bad-url"),
        ("http://cdn.example/a\r\nHost: evil", "bad-url"),
        ("http://cdn.example\\@127.0.0.1/", "bad-url"),
        ("http://[::1/a.jpg", "bad-url"),
        ("", "scheme"),
    ],
)
async def test_urls_that_no_honest_sender_writes_are_refused(
    make_fetcher: Callable[..., Fetcher], url: str, reason: str
) -> None:
    assert await refused(make_fetcher(), url, CDN) == reason


async def test_the_allowance_is_for_the_exact_host_only(make_fetcher: Callable[..., Fetcher], port: int) -> None:
    names = {"sub.cdn.example": [["127.0.0.1"]]}
    assert await refused(make_fetcher(names), f"http://sub.cdn.example:{port}/photo", CDN) == "private-address"
    assert await fetched(make_fetcher(), f"http://CDN.example:{port}/photo", CDN) == PHOTO
    assert await fetched(Fetcher(SystemClock()), f"http://127.0.0.1:{port}/photo", HOST) == PHOTO


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (404, NotFoundError),
        (410, NotFoundError),
        (401, RejectedError),
        (403, RejectedError),
        (206, RejectedError),
        (500, TransientError),
        (503, TransientError),
        (408, TransientError),
        (429, RateLimited),
    ],
)
async def test_statuses_become_errors(
    make_fetcher: Callable[..., Fetcher], port: int, code: int, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await fetched(make_fetcher(), f"http://cdn.example:{port}/status?code={code}&after=17&token=s3cret", CDN)
    assert type(caught.value) is error
    assert "s3cret" not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 17.0


async def test_unknown_names_and_closed_ports_are_transient(make_fetcher: Callable[..., Fetcher]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    for url in ("http://nowhere.example/a.jpg", f"http://127.0.0.1:{closed}/a.jpg"):
        with pytest.raises(TransientError):
            await fetched(make_fetcher(), url, HOST)
