"""The Feeds API 2021-06-30: documents at addresses that hold for five minutes, and feeds made of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from syncd.errors import NotFoundError, RejectedError
from syncd.sdk.http import ANSWER_LIMIT, HttpClient
from syncd.systems.amazon import shape
from syncd.systems.amazon.partner import Partner
from syncd.systems.amazon.plans import LISTINGS_FEED

_FEEDS = "/feeds/2021-06-30/feeds"
_DOCUMENTS = "/feeds/2021-06-30/documents"
_CONTENT_TYPE = "application/json; charset=UTF-8"


class Feeds:
    """Feeds of one seller."""

    def __init__(self, partner: Partner, http: HttpClient) -> None:
        self._partner, self._http = partner, http

    async def submit(self, marketplace: str, document: Mapping[str, Any]) -> str:
        """Hand over a listings feed; returns its id.

        A lost answer is asked for again, which makes another feed of the same content. Feeds are carried out in the
        order of their queue (developer-docs.amazon.com/sp-api/docs/feeds-api-faq, 2026-11-23), so once the one that
        was answered is through, the other is.
        """
        made = await self._partner.object(
            "createFeedDocument", "POST", _DOCUMENTS, json={"contentType": _CONTENT_TYPE}, repeatable=True
        )
        content = json.dumps(document, ensure_ascii=False).encode()
        address = shape.member(made, "url", str, "A feed document")
        await self._http.put(address, content=content, headers={"content-type": _CONTENT_TYPE})
        feed = {
            "feedType": LISTINGS_FEED,
            "marketplaceIds": [marketplace],
            "inputFeedDocumentId": shape.member(made, "feedDocumentId", str, "A feed document"),
        }
        found = await self._partner.object(
            "createFeed", "POST", _FEEDS, json=feed, also=(LISTINGS_FEED,), repeatable=True
        )
        return shape.member(found, "feedId", str, "The answer to a feed")

    async def feed(self, feed: str) -> dict[str, Any] | None:
        """How far a feed is; None if Amazon knows it no more."""
        try:
            return await self._partner.object("getFeed", "GET", f"{_FEEDS}/{feed}")
        except NotFoundError:
            return None

    async def document(self, document: str) -> dict[str, Any]:
        """A result document's JSON object."""
        found = await self._partner.object("getFeedDocument", "GET", f"{_DOCUMENTS}/{document}")
        address = shape.member(found, "url", str, "A feed's report")
        content = (await self._http.get(address)).content
        if found.get("compressionAlgorithm") == "GZIP":
            content = _unpacked(content)
        try:
            report = json.loads(content)
        except ValueError as error:
            raise RejectedError("A feed's report is no JSON.") from error
        if not isinstance(report, dict):
            raise shape.drifted("A feed's report is no object", report)
        return report


def _unpacked(content: bytes) -> bytes:
    """What a gzip file holds, as long as an answer may be at most."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = unpacking.decompress(content, ANSWER_LIMIT)
    except zlib.error as error:
        raise RejectedError("A feed's report is no gzip file.") from error
    if not unpacking.eof:
        raise RejectedError(f"A feed's report is cut off, or longer than {ANSWER_LIMIT} bytes.")
    return found
