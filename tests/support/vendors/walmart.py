"""Walmart Marketplace (US) as it exists in tests: token, items, feeds, limits of each API.

Written after the vendor's published contracts (POST /v3/token, GET /v3/items, GET /v3/items/{id}, POST /v3/feeds, GET
/v3/feeds/{feedId}) and guides. What the item API tells of images is an assumption: see docs/systems.md#walmart-images.
"""

from __future__ import annotations

import base64
import email
import itertools
import json
import math
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx

from syncd.clock import Clock
from syncd.testing.vendor import ShopVendor, Stands
from tests.support.vendors.walmart_feeds import NO_IMAGE, Feed, Images, Ingestion, Listing, record

ITEM, ITEMS, FEEDS, STATUS = "item", "items", "feeds", "feed status"
TOKEN_SECONDS, CURSOR_SECONDS = 900, 120


@dataclass(slots=True)
class Bucket:
    """The allowance of one API: so many calls, which come back one by one over `per` seconds."""

    most: int
    per: float
    level: float = -1.0
    at: float = 0.0

    def spend(self, now: float) -> bool:
        self.level = (
            self.most if self.level < 0 else min(self.most, self.level + (now - self.at) * self.most / self.per)
        )
        self.at = now
        if self.level < 1 - 1e-9:
            return False
        self.level -= 1
        return True

    @property
    def seconds(self) -> float:
        """Until the next call."""
        return max(0.0, (1 - self.level) * self.per / self.most)


class Walmart(ShopVendor):
    """One seller's account. `tells` decides whose images the item API tells."""

    BASE = "https://marketplace.walmartapis.com"
    LISTING, OTHER = "GL-0412", "GL 0413/b"
    FOREIGN = (
        "https://i5.walmartimages.com/asr/studio-front.jpeg",
        "https://i5.walmartimages.com/asr/studio-back.jpeg",
    )

    def __init__(self, clock: Clock, ours: str, client: tuple[str, str] = ("acme-id", "acme-s3cr3t/+=")) -> None:
        """
        Args:
            ours: what addresses of our media begin with.
            client: id and secret.
        """
        super().__init__(clock)
        self._ours, self.client = ours, client
        self.listings: dict[str, Listing] = {}
        self.add(self.LISTING, *self.FOREIGN)
        self.add(self.OTHER, published="UNPUBLISHED", reasons=(NO_IMAGE,))
        self.ingestion = Ingestion(self.listings)
        self.buckets = {
            ITEM: Bucket(900, 60.0), ITEMS: Bucket(60, 60.0), FEEDS: Bucket(10, 3600.0), STATUS: Bucket(5000, 60.0),
        }  # fmt: skip
        self.tokens: dict[str, float] = {}
        self.correlations: set[str] = set()
        self.submitted: list[dict[str, Any]] = []
        self.tells: Callable[[Listing], bool] = lambda listing: True
        self._cursors: dict[str, tuple[int, float]] = {}
        self._numbers = itertools.count(1)

    def add(self, sku: str, *images: str, **facts: Any) -> Listing:
        """Put an item on sale; the first image is the main one."""
        gtin = f"{len(self.listings) + 1:014d}"
        listing = self.listings[sku] = Listing(sku, gtin, **facts)
        listing.history = [Images(images[0] if images else "", tuple(images[1:]))]
        return listing

    # --- what it truly is ----------------------------------------------------------------------------------------

    def gallery(self, listing: str) -> Sequence[Stands]:
        """What truly stands there by now, told by the item API or not yet."""
        self.ingestion.work(self.clock.monotonic())
        return [Stands(url, not url.startswith(self._ours)) for url in self.listings[listing].images.all]

    def settle(self) -> None:
        """Let all feeds be done, and seen."""
        self.ingestion.finish()

    def writes(self, request: httpx.Request) -> bool:
        """Feeds change items; all other calls ask."""
        return request.method == "POST" and request.url.path == "/v3/feeds"

    # --- answering -----------------------------------------------------------------------------------------------

    async def answer(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.monotonic()
        self.ingestion.work(now)
        path = request.url.raw_path.decode().partition("?")[0]
        if refusal := self._headers(request):
            return refusal
        if path == "/v3/token":
            return self._token(request, now)
        if self.tokens.get(request.headers.get("WM_SEC.ACCESS_TOKEN", ""), -1.0) <= now:
            return refused(401, "UNAUTHORIZED.GMP_GATEWAY_API", "The access token is not valid.")
        for api, method, pattern, respond in (
            (ITEMS, "GET", r"/v3/items", self._items), (ITEM, "GET", r"/v3/items/([^/]+)", self._item),
            (FEEDS, "POST", r"/v3/feeds", self._submit), (STATUS, "GET", r"/v3/feeds/([^/]+)", self._status),
        ):  # fmt: skip
            found = re.fullmatch(pattern, path)
            if found and request.method == method:
                return self._within(api, now, lambda: respond(request, *map(unquote, found.groups())))  # noqa: B023
        return refused(404, "CONTENT_NOT_FOUND.GMP_GATEWAY_API", "There is no such resource.")

    def _within(self, api: str, now: float, respond: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer, or 429 where the API's allowance is spent; both tell what is left of it."""
        bucket = self.buckets[api]
        allowed = bucket.spend(now)
        if not allowed:
            self.violations.append(f"{api} at {now:g}")
        resumes = self.clock.now().timestamp() + bucket.seconds
        answer = respond() if allowed else refused(429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", "Too many calls.")
        answer.headers["x-current-token-count"] = str(int(bucket.level))
        answer.headers["x-next-replenishment-time"] = str(math.ceil(resumes * 1000))
        return answer

    def _headers(self, request: httpx.Request) -> httpx.Response | None:
        wanted = {"WM_SVC.NAME": "Walmart Marketplace", "WM_MARKET": "US", "WM_GLOBAL_VERSION": "3.1"}
        wrong = [name for name, value in wanted.items() if request.headers.get(name) != value]
        correlation = request.headers.get("WM_QOS.CORRELATION_ID", "")
        try:
            wrong += [] if str(uuid.UUID(correlation)) == correlation else ["WM_QOS.CORRELATION_ID"]
        except ValueError:
            wrong.append("WM_QOS.CORRELATION_ID")
        self.correlations.add(correlation)
        if not wrong:
            return None
        return refused(400, "INVALID_REQUEST_HEADER.GMP_GATEWAY_API", f"Wrong or missing: {', '.join(wrong)}.")

    def _token(self, request: httpx.Request, now: float) -> httpx.Response:
        expected = "Basic " + base64.b64encode(":".join(self.client).encode()).decode()
        if request.headers.get("Authorization") != expected or request.content != b"grant_type=client_credentials":
            return refused(401, "UNAUTHORIZED.GMP_GATEWAY_API", "The client is not known.")
        token = f"eyJ-walmart-token-{next(self._numbers)}"
        self.tokens[token] = now + TOKEN_SECONDS
        return httpx.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    # --- items ---------------------------------------------------------------------------------------------------

    def _item(self, request: httpx.Request, sku: str) -> httpx.Response:
        listing = self.listings.get(sku)
        if listing is None:
            return refused(404, "CONTENT_NOT_FOUND.GMP_ITEM_QUERY_API", "No item is found with this SKU.")
        told = record(listing, self.clock.monotonic(), self.tells)
        return httpx.Response(200, json={"ItemResponse": [told], "totalItems": 1})

    def _items(self, request: httpx.Request) -> httpx.Response:
        """A page; the cursor stays the same and the place is kept here, for two minutes."""
        parameters, now = request.url.params, self.clock.monotonic()
        cursor, limit = parameters.get("nextCursor", ""), int(parameters.get("limit", "20"))
        if limit > 50:
            return refused(400, "INVALID_REQUEST_PARAM.GMP_ITEM_QUERY_API", "limit is at most 50.")
        start, until = (0, now) if cursor == "*" else self._cursors.get(cursor, (0, -1.0))
        if until < now:
            return refused(400, "INVALID_REQUEST_PARAM.GMP_ITEM_QUERY_API", "nextCursor has expired.")
        cursor = f"AoE/{next(self._numbers)}==" if cursor == "*" else cursor
        part = list(self.listings.values())[start : start + limit]
        self._cursors[cursor] = (start + len(part), now + CURSOR_SECONDS)
        page = [record(listing, now, self.tells) for listing in part]
        told = {"ItemResponse": page, "totalItems": len(self.listings), "nextCursor": cursor}
        return httpx.Response(200, json=told)

    # --- feeds ---------------------------------------------------------------------------------------------------

    def _submit(self, request: httpx.Request) -> httpx.Response:
        if request.url.params.get("feedType") != "MP_MAINTENANCE":
            return refused(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "The feed type is not known.")
        content = file_of(request)
        if content is None or len(content) > 10_000_000:
            return refused(413 if content else 400, "INVALID_REQUEST.GMP_GATEWAY_API", "No file, or too large a one.")
        document = json.loads(content)
        if len(document.get("MPItem", ())) > 10_000:
            return refused(400, "INVALID_REQUEST.GMP_GATEWAY_API", "A feed has at most 10,000 items.")
        identifier = f"F{next(self._numbers):031d}@AU8BAQA"
        self.submitted.append(document)
        self.ingestion.take(identifier, document, self.clock.monotonic())
        return httpx.Response(200, json={"feedId": identifier, "additionalAttributes": None, "errors": None})

    def _status(self, request: httpx.Request, identifier: str) -> httpx.Response:
        feed, parameters = self.ingestion.feeds.get(identifier), request.url.params
        if feed is None:
            return refused(404, "CONTENT_NOT_FOUND.GMP_FEED_API", "There is no such feed.")
        limit, offset = int(parameters.get("limit", "50")), int(parameters.get("offset", "0"))
        if limit > 50 or parameters.get("includeDetails") != "true":
            return refused(400, "INVALID_REQUEST_PARAM.GMP_FEED_API", "limit is at most 50, and needs includeDetails.")
        return httpx.Response(200, json=self._told(feed, offset, limit))

    def _told(self, feed: Feed, offset: int, limit: int) -> dict[str, Any]:
        status = feed.status(self.clock.monotonic())
        errors = [{"type": "DATA_ERROR", "code": "ERR_EXT_DATA_0503", "description": feed.error}]
        begun = [] if status in ("RECEIVED", "ERROR") else feed.items
        details = [
            {
                "martId": 0, "sku": item.sku, "wpid": "W1", "index": index,
                "ingestionStatus": item.status or "INPROGRESS", "ingestionErrors": {"ingestionError": item.errors},
            }
            for index, item in enumerate(begun)
        ]  # fmt: skip
        done = [item.status for item in begun if item.status]
        return {
            "errors": None, "feedId": feed.identifier, "feedStatus": status, "feedSubmissionDate": 1568310803059,
            "ingestionErrors": {"ingestionError": errors if status == "ERROR" else None}, "offset": offset,
            "itemsReceived": len(feed.items), "itemsSucceeded": done.count("SUCCESS"), "limit": limit,
            "itemsFailed": len(done) - done.count("SUCCESS"), "itemsProcessing": len(feed.items) - len(done),
            "itemDetails": {"itemIngestionStatus": details[offset : offset + limit]},
        }  # fmt: skip


def refused(status: int, code: str, description: str) -> httpx.Response:
    """An answer of Walmart's gateway that says no."""
    error = {
        "code": code, "field": "", "description": description, "info": description, "severity": "ERROR",
        "category": "DATA", "causes": [], "errorIdentifiers": {},
    }  # fmt: skip
    return httpx.Response(status, json={"errors": [error]})


def file_of(request: httpx.Request) -> bytes | None:
    """The part named `file` of a multipart request."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return None
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.content)
    parts = message.get_payload()
    named = [part for part in parts if 'name="file"' in part.get("content-disposition", "")]  # type: ignore[union-attr]
    return named[0].get_payload(decode=True) if named else None  # type: ignore[union-attr,return-value]
