"""What became of a feed's items, as Walmart tells it page by page. Pure.

A page that is not understood is asked for again, and an item of unknown state stays pending: other items of the feed
need not wait for it, and where that lasts the engine tells a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import TransientError
from syncd.sdk.media import Answer, Issue, ItemResult

_STATES = ("RECEIVED", "INPROGRESS", "PROCESSED", "ERROR")
_ANSWERS = {
    "SUCCESS": Answer.ACCEPTED,
    "INPROGRESS": Answer.PENDING,
    "DATA_ERROR": Answer.REJECTED,
    "SYSTEM_ERROR": Answer.RETRY,  # Walmart's own fault, by its words: "wait for at least an hour and try again"
    "TIMEOUT_ERROR": Answer.RETRY,
}
_URL = re.compile(r"https?://[^\s\"'<>,;)\]]+")
_SAMPLE = 200
_SAID = 1000  # characters of an item's complaints


@dataclass(slots=True)
class Ingestion:
    """A feed's items, gathered from pages: `told` of them so far, `results` by SKU, `complaint` of the whole feed."""

    feed: str
    prefix: str
    told: int = 0
    results: dict[str, ItemResult] = field(default_factory=dict)
    complaint: tuple[Answer, str] | None = None

    def take(self, page: Mapping[str, Any]) -> bool:
        """Take a page in (GET /v3/feeds/{feedId}?includeDetails=true); whether another one follows.

        Raises:
            TransientError: it is no such page, with a sample.
        """
        state, received = page.get("feedStatus"), page.get("itemsReceived")
        if state not in _STATES:
            raise self._unknown("known feedStatus", page)
        if not isinstance(received, int):
            raise self._unknown("number itemsReceived", page)
        if state == "ERROR":
            self.complaint = _of_feed(self.feed, page)
        items = _details(page)
        if items is None or (state == "PROCESSED" and received > self.told and not items):
            raise self._unknown("list itemIngestionStatus", page)
        for one in items:
            if isinstance(sku := one.get("sku"), str):
                self.results[sku] = _result(sku, one, self.feed, self.prefix)
        self.told += len(items)
        return bool(items) and self.told < received

    def answers(self, listings: Sequence[str]) -> list[ItemResult]:
        """One result for each of these: PENDING for those Walmart has said nothing of."""
        return [self.results.get(sku) or self._silent(sku) for sku in listings]

    def _unknown(self, what: str, page: Mapping[str, Any]) -> TransientError:
        return TransientError(f"The status of feed {self.feed} has no {what}: {json.dumps(page)[:_SAMPLE]}.")

    def _silent(self, sku: str) -> ItemResult:
        if self.complaint is None:
            return ItemResult(sku, Answer.PENDING, job=self.feed)
        answer, words = self.complaint
        return ItemResult(sku, answer, words, job=self.feed)


def _result(sku: str, one: Mapping[str, Any], feed: str, prefix: str) -> ItemResult:
    status = str(one.get("ingestionStatus"))
    answer = _ANSWERS.get(status, Answer.PENDING)
    errors = _errors(one)
    issues = [Issue(_words(error), _code(error), media) for error in errors for media in _media(error, prefix)]
    message = "; ".join(map(_words, errors))[:_SAID] or f"Walmart says {status}"
    return ItemResult(sku, answer, message, job=feed, issues=tuple(issues))


def _of_feed(feed: str, page: Mapping[str, Any]) -> tuple[Answer, str]:
    """What a feed that failed as a whole means for its items: none of them was worked on."""
    errors = _errors(page)
    words = "; ".join(map(_words, errors))[:_SAID] or "no reason given"
    own_fault = bool(errors) and all(error.get("type") in ("SYSTEM_ERROR", "TIMEOUT_ERROR") for error in errors)
    return Answer.RETRY if own_fault else Answer.REJECTED, f"Walmart took nothing of feed {feed}: {words}"


def _media(error: Mapping[str, Any], prefix: str) -> list[str]:
    """The images a complaint names: ours by public name, others' by address; "" for the item where it names none."""
    found = [url.rstrip(".") for url in _URL.findall(_words(error))]
    return [url.removeprefix(prefix) for url in dict.fromkeys(found)] or [""]


def _details(page: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The items of a page, none before Walmart has begun; None where they are not understood."""
    details = page.get("itemDetails") or {}
    listed = details.get("itemIngestionStatus") or [] if isinstance(details, dict) else None
    return listed if isinstance(listed, list) and all(isinstance(one, dict) for one in listed) else None


def _errors(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    bag = one.get("ingestionErrors")
    listed = bag.get("ingestionError") if isinstance(bag, dict) else None
    return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []


def _words(error: Mapping[str, Any]) -> str:
    said = error.get("description") or error.get("message") or _code(error) or error.get("type")
    field_name = error.get("field")
    return f"{field_name}: {said}" if isinstance(field_name, str) and field_name else str(said or "no reason given")


def _code(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    return code if isinstance(code, str) else ""
