from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from syncd.testing.clock import START
from syncd.web.documents import Document, Documents
from tests.support.web import Running, Serve, problem_of

CONTENT = b"<rss/>"


class Feeds:
    def __init__(self) -> None:
        self.content_of: dict[tuple[str, str], bytes] = {("shop-us", "xml"): CONTENT}
        self.changed_at = START

    async def find(self, connection: str, extension: str) -> Document | None:
        content = self.content_of.get((connection, extension))
        if content is None:
            return None
        return Document(hashlib.sha256(content).hexdigest(), "application/xml; charset=utf-8", self.changed_at)

    async def content(self, document: Document) -> bytes:
        found = {hashlib.sha256(content).hexdigest(): content for content in self.content_of.values()}
        return found[document.sha256]


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


@pytest.fixture
async def server(serve: Serve, feeds: Feeds) -> Running:
    return await serve(plain=Documents(feeds).routes())


async def test_a_document_is_served_with_its_validators(server: Running) -> None:
    async with server.session.get("/feeds/shop-us.xml") as response:
        assert response.status == 200
        assert await response.read() == CONTENT
        assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
        assert response.headers["Last-Modified"] == "Sun, 22 Nov 2026 12:00:00 GMT"
        assert response.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    async with server.session.head("/feeds/shop-us.xml") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(CONTENT)))
        assert await response.read() == b""


async def test_it_is_sent_again_only_when_it_changed(server: Running, feeds: Feeds) -> None:
    async with server.session.get("/feeds/shop-us.xml") as response:
        tag, changed = response.headers["ETag"], response.headers["Last-Modified"]
    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": changed}):
        async with server.session.get("/feeds/shop-us.xml", headers=headers) as response:
            assert (response.status, await response.read()) == (304, b"")
    feeds.content_of["shop-us", "xml"] = b"<rss>2</rss>"
    feeds.changed_at += timedelta(minutes=1)
    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": changed}):
        async with server.session.get("/feeds/shop-us.xml", headers=headers) as response:
            assert (response.status, await response.read()) == (200, b"<rss>2</rss>")


@pytest.mark.parametrize("name", ["shop-us.tsv", "other.xml", "shop-us", "..%2Fshop-us.xml", "shop-us.xml%00", ".xml"])
async def test_other_names_have_no_document(server: Running, name: str) -> None:
    async with server.session.get(f"/feeds/{name}") as response:
        assert response.status == 404
        await problem_of(response)
