from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from syncd.testing.clock import START, ManualClock
from syncd.web.media import MediaPages, PublicMedia
from tests.support.web import Running, Serve, problem_of

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Shelf:
    """Public media in memory; the content `broken` fails in its middle, `missing` at once."""

    def __init__(self) -> None:
        jpeg = PublicMedia(SHA256, len(CONTENT), "image/jpeg")
        self.media = {
            "abc-123.jpg": jpeg,
            "empty.jpg": PublicMedia("empty", 0, "image/jpeg"),
            "down.jpg": PublicMedia(SHA256, len(CONTENT), "image/jpeg", withdrawn=True),
            "ends.jpg": PublicMedia(SHA256, len(CONTENT), "image/jpeg", until=START + timedelta(seconds=90)),
            "broken.jpg": PublicMedia("broken", len(CONTENT), "image/jpeg"),
            "missing.jpg": PublicMedia("missing", len(CONTENT), "image/jpeg"),
        }
        self.asked: list[str] = []

    async def find(self, name: str) -> PublicMedia | None:
        self.asked.append(name)
        return self.media.get(name)

    async def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        if sha256 == "missing":
            raise FileNotFoundError("/var/secret/path")
        for at in range(start, end, 1000):
            if sha256 == "broken" and at > 50_000:
                raise OSError("bad sector")
            yield CONTENT[at : min(end, at + 1000)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def server(serve: Serve, shelf: Shelf, clock: ManualClock) -> Running:
    return await serve(plain=MediaPages(shelf, clock).routes())


async def test_a_file_is_served_under_its_public_name(server: Running) -> None:
    async with server.session.get("/m/abc-123.jpg") as response:
        assert response.status == 200
        assert await response.read() == CONTENT
        headers = response.headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["ETag"] == f'"{SHA256}"'
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Disposition"] == 'inline; filename="abc-123.jpg"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers


async def test_head_answers_as_get_without_a_body(server: Running) -> None:
    async with server.session.get("/m/abc-123.jpg") as got, server.session.head("/m/abc-123.jpg") as response:
        assert response.status == 200
        assert await response.read() == b""
        assert dict(response.headers, Date="") == dict(got.headers, Date="")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=1500-2600", 1500, 2601), ("bytes=-10", len(CONTENT) - 10, len(CONTENT))],
)
async def test_a_range_is_served_alone(server: Running, asked: str, start: int, end: int) -> None:
    async with server.session.get("/m/abc-123.jpg", headers={"Range": asked}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
        assert await response.read() == CONTENT[start:end]


async def test_a_range_outside_is_refused_with_the_size(server: Running) -> None:
    async with server.session.get("/m/abc-123.jpg", headers={"Range": f"bytes={len(CONTENT)}-"}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
        assert await problem_of(response) == "request.range"


async def test_what_the_client_has_is_not_sent_again(server: Running) -> None:
    async with server.session.get("/m/abc-123.jpg", headers={"If-None-Match": f'"{SHA256}"'}) as response:
        assert response.status == 304
        assert await response.read() == b""
        assert response.headers["ETag"] == f'"{SHA256}"'


async def test_an_empty_file_is_served(server: Running) -> None:
    async with server.session.get("/m/empty.jpg") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "0")


async def test_withdrawn_media_are_gone(server: Running) -> None:
    async with server.session.get("/m/down.jpg") as response:
        assert (response.status, await problem_of(response)) == (410, "request.gone")
        assert response.headers["Cache-Control"] == "no-store"


async def test_media_are_gone_at_their_instant_and_not_cached_beyond_it(server: Running) -> None:
    found = []
    for seconds in (0, 50, 39, 1):
        await server.clock.advance(seconds)
        async with server.session.head("/m/ends.jpg") as response:
            found.append((response.status, response.headers["Cache-Control"]))
    assert found == [
        (200, "public, max-age=60"),
        (200, "public, max-age=40"),
        (200, "public, max-age=1"),
        (410, "no-store"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/m/unknown.jpg",
        "/m/",
        "/m/..",
        "/m/../etc/passwd",
        "/m/..%2f..%2fetc%2fpasswd",
        "/m/%2e%2e%2fabc-123.jpg",
        "/m/..\\abc-123.jpg",
        "/m/a%00.jpg",
        "/m/abc-123.jpg%0d%0aX-Evil:1",
        "/m/%c3%a4.jpg",
        "/m/%ff.jpg",
        "/m/.jpg",
        "/m/abc-123",
        "/m/a.b.jpg",
        "/m/" + "a" * 300 + ".jpg",
        "/m/abc-123.jpg/",
    ],
)
async def test_no_trick_with_a_name_reaches_the_store(server: Running, shelf: Shelf, path: str) -> None:
    answer = await server.raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert set(shelf.asked) <= {"unknown.jpg"}


async def test_a_lost_file_is_a_failure_without_its_path(server: Running) -> None:
    async with server.session.get("/m/missing.jpg") as response:
        assert response.status == 500
        assert await problem_of(response) == "bug"
        assert "secret" not in await response.text()


async def test_a_file_that_breaks_off_is_never_taken_for_whole(server: Running) -> None:
    async with server.session.get("/m/broken.jpg") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
