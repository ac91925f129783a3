"""What stands in a listings feed, and what its report says of each listing. Pure.

The schemas are listings-feed-schema-v2 and listings-feed-processing-report-schema-v2 of
amzn/selling-partner-api-models 34dc93f, 2026-08-05.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.sdk.media import Answer, Issue, ItemResult
from syncd.systems.amazon import shape
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.locators import SLOT_OF
from syncd.systems.amazon.patching import Patch

MOST = 25_000
"""Messages of one feed."""
_NUMBERS = 2**31 - 2


def document_of(seller: str, locale: str, patches: Sequence[Patch]) -> dict[str, Any]:
    """The feed that carries these patches out, of listings of one marketplace."""
    numbers = numbered(patch.item.name.sku for patch in patches)
    header = {"sellerId": seller, "version": "2.0", **({"issueLocale": locale} if locale else {})}
    messages = [
        {"messageId": numbers[patch.item.name.sku], "sku": patch.item.name.sku, "operationType": "PATCH", **patch.body}
        for patch in patches
    ]
    return {"header": header, "messages": messages}


def numbered(skus: Iterable[str]) -> dict[str, int]:
    """A number for each SKU, the same ones whenever the same SKUs are asked for: a report may name nothing else."""
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    for sku in sorted(set(skus)):
        number = zlib.crc32(sku.encode()) % _NUMBERS + 1
        while number in taken:
            number = number % _NUMBERS + 1
        taken.add(number)
        numbers[sku] = number
    return numbers


def results_of(report: Mapping[str, Any], listings: Sequence[ListingName]) -> list[ItemResult]:
    """What became of each listing.

    Args:
        report: a processing report.
        listings: what the feed held, of one marketplace.
    """
    numbers = numbered(name.sku for name in listings)
    shape.member(report, "summary", dict, "A feed's report")
    raw = shape.member(report, "issues", list, "A feed's report")
    errors = [each for each in raw if shape.member(each, "severity", str, "An issue of a feed") == "ERROR"]
    return [_result(name, [each for each in errors if _concerns(each, name.sku, numbers)]) for name in listings]


def _concerns(raw: Mapping[str, Any], sku: str, numbers: Mapping[str, int]) -> bool:
    """An issue that names no message is about the feed, and so about all of it."""
    if "sku" in raw:
        return bool(raw["sku"] == sku)
    return "messageId" not in raw or raw["messageId"] == numbers[sku]


def _result(name: ListingName, errors: Sequence[Mapping[str, Any]]) -> ItemResult:
    if not errors:
        return ItemResult(str(name), Answer.ACCEPTED)
    found = [
        Issue(shape.member(each, "message", str, f"An issue of {name}"), str(each.get("code", "")), _media(each))
        for each in errors
    ]
    words = "; ".join(dict.fromkeys(issue.message for issue in found))
    return ItemResult(str(name), Answer.REJECTED, words, issues=found)


def _media(raw: Mapping[str, Any]) -> str:
    """What the image was called when it was handed over: its slot."""
    return SLOT_OF.get(str(raw.get("attributeName", "")), "")
