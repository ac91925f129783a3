"""What Amazon allows of its callers: usage plans, a token bucket for each operation of an account. Dated data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from syncd.sdk.limits import Limit, Points, Window

MODELS = "amzn/selling-partner-api-models 34dc93f, 2026-08-05"


class UsagePlan(NamedTuple):
    """The default plan of one operation: tokens that come back in a second, and how many there are at most.

    `reserve` of them are kept for takedowns.
    """

    operation: str
    rate: float
    burst: float
    reserve: float = 0


PLANS = (
    UsagePlan("getListingsItem", 5, 10, reserve=2),
    UsagePlan("searchListingsItems", 5, 5, reserve=1),
    UsagePlan("patchListingsItem", 5, 5, reserve=1),
    UsagePlan("searchCatalogItems", 2, 2),
    UsagePlan("createFeedDocument", 0.5, 15),
    UsagePlan("createFeed", 0.0083, 15),
    UsagePlan("getFeed", 2, 15),
    UsagePlan("getFeedDocument", 0.0222, 10),
    UsagePlan("getDestinations", 1, 5),
    UsagePlan("createDestination", 1, 5),
    UsagePlan("getSubscription", 1, 5),
    UsagePlan("createSubscription", 1, 5),
)
PREVIEW = "validationPreview"
LISTINGS_FEED = "JSON_LISTINGS_FEED"
_PREVIEW_SOURCE = "developer-docs.amazon.com/sp-api/changelog, listings items support previewing errors, 2024-01-31"
_FEED_SOURCE = "developer-docs.amazon.com/sp-api/changelog, feed size and rate limit of JSON_LISTINGS_FEED, 2025-05-06"


def limits() -> Sequence[Limit]:
    """The limits of one account. What an answer's `x-amzn-RateLimit-Limit` says of an operation counts more."""
    plans = [Points(p.operation, p.burst, p.rate, MODELS, p.reserve) for p in PLANS]
    return (
        *plans,
        Points(PREVIEW, 1, 1, _PREVIEW_SOURCE),
        Window(LISTINGS_FEED, 5, timedelta(minutes=5), _FEED_SOURCE),
    )
