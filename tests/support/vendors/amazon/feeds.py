"""Feeds: documents at addresses that end, a queue, and reports in gzip."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from syncd.clock import Clock

STORE = "https://tortuga-prod-na.s3.amazonaws.com"
QUEUED, WORKED = 60.0, 600.0
"""Seconds after which a feed begins, and ends."""
_ADDRESS_LIVES = 300.0

Message = Mapping[str, Any]


@dataclass
class Feed:
    """One feed: `state` is set where it ends otherwise than by being carried out."""

    id: str
    marketplaces: list[str]
    document: str
    made: float
    state: str = ""
    report: str = ""


class FeedHouse:
    """The feeds of one seller. `carry_out` does one message, and answers with the issues it has."""

    def __init__(self, clock: Clock, carry_out: Callable[[Message, str], list[dict[str, Any]]]) -> None:
        self._clock, self._carry_out = clock, carry_out
        self.feeds: dict[str, Feed] = {}
        self.documents: dict[str, bytes] = {}
        self._addresses: dict[str, tuple[str, float]] = {}

    # --- the interface --------------------------------------------------------------------------------------------

    def make_document(self, asked: Mapping[str, Any]) -> httpx.Response:
        identifier = f"amzn1.tortuga.4.na.{len(self.documents) + len(self._addresses)}"
        return httpx.Response(201, json={"feedDocumentId": identifier, "url": self._address(identifier)})

    def make_feed(self, asked: Mapping[str, Any]) -> httpx.Response:
        if asked["inputFeedDocumentId"] not in self.documents:
            return _error(400, "InvalidInput", "The input document was not uploaded.")
        feed = Feed(str(50001 + len(self.feeds)), list(asked["marketplaceIds"]), asked["inputFeedDocumentId"],
                    self._clock.monotonic())  # fmt: skip
        self.feeds[feed.id] = feed
        return httpx.Response(202, json={"feedId": feed.id})

    def feed(self, identifier: str) -> httpx.Response:
        feed = self.feeds.get(identifier)
        if feed is None:
            return _error(404, "NotFound", "There is no such feed.")
        told = {
            "feedId": feed.id, "feedType": "JSON_LISTINGS_FEED", "marketplaceIds": feed.marketplaces,
            "createdTime": "2026-11-22T12:00:00+00:00", "processingStatus": feed.state or self._progress(feed),
        }  # fmt: skip
        return httpx.Response(200, json={**told, **({"resultFeedDocumentId": feed.report} if feed.report else {})})

    def document(self, identifier: str) -> httpx.Response:
        if identifier not in self.documents:
            return _error(404, "NotFound", "There is no such document.")
        told = {"feedDocumentId": identifier, "url": self._address(identifier), "compressionAlgorithm": "GZIP"}
        return httpx.Response(200, json=told)

    def storage(self, request: httpx.Request) -> httpx.Response:
        """Documents' addresses: no login, and only for five minutes."""
        identifier, ends = self._addresses.get(str(request.url), ("", 0.0))
        if not identifier or self._clock.monotonic() >= ends or "x-amz-access-token" in request.headers:
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code></Error>")
        if request.method == "PUT":
            self.documents[identifier] = request.content
            return httpx.Response(200)
        return httpx.Response(200, content=self.documents[identifier])

    # --- the work -------------------------------------------------------------------------------------------------

    def work(self, *, at_once: bool = False) -> None:
        """Carry out the feeds that are due."""
        for feed in self.feeds.values():
            if not feed.state and (at_once or self._clock.monotonic() >= feed.made + WORKED):
                self._finish(feed)

    def give_up(self, feed: Feed, words: str) -> None:
        """End a feed as FATAL, with a report that says why."""
        feed.state, feed.report = "FATAL", self._reported(feed, [{"severity": "ERROR", "message": words}], 0, 0)

    def _progress(self, feed: Feed) -> str:
        return "IN_QUEUE" if self._clock.monotonic() < feed.made + QUEUED else "IN_PROGRESS"

    def _finish(self, feed: Feed) -> None:
        issues: list[dict[str, Any]] = []
        messages = json.loads(self.documents[feed.document])["messages"]
        invalid = 0
        for message in messages:
            found = [self._carry_out(message, marketplace) for marketplace in feed.marketplaces]
            invalid += any(found)
            issues += [issue for part in found for issue in part]
        feed.state, feed.report = "DONE", self._reported(feed, issues, len(messages), invalid)

    def _reported(self, feed: Feed, issues: list[dict[str, Any]], messages: int, invalid: int) -> str:
        report = {
            "header": {"sellerId": "A3AYAZLIQ7AX77", "version": "2.0", "feedId": feed.id},
            "issues": issues,
            "summary": {
                "errors": len(issues), "warnings": 0, "messagesProcessed": messages,
                "messagesAccepted": messages - invalid, "messagesInvalid": invalid,
            },
        }  # fmt: skip
        identifier = f"amzn1.tortuga.4.report.{feed.id}"
        self.documents[identifier] = gzip.compress(json.dumps(report).encode())
        return identifier

    def _address(self, identifier: str) -> str:
        address = f"{STORE}/{identifier}?X-Amz-Signature=s3cr3t{len(self._addresses)}"
        self._addresses[address] = identifier, self._clock.monotonic() + _ADDRESS_LIVES
        return address


def _error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": message, "details": ""}]})
