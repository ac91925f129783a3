"""What Walmart allows its callers and takes from them, as it publishes it: dated data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

SPEC_VERSION = "5.0.20260803-17_50_56-api"
"""The item spec recommended for maintenance on 27 September 2026 (developer.walmart.com/us-marketplace, Item spec:
versioning and diff reporting; seen quoted). Walmart replaces it a few times a year and keeps taking the one before."""


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """Of item feeds: how many an hour, items and bytes of one, how long one may be worked on."""

    dated: date
    source: str
    an_hour: int
    items: int
    size: int
    processing: timedelta

    @property
    def pace(self) -> timedelta:
        """How long it takes until a spent feed comes back: the allowance grows a little every few minutes."""
        return timedelta(hours=1) / self.an_hour


FEEDS = FeedFigures(
    dated=date(2026, 11, 23),
    source="marketplacelearn.walmart.com, Track item setup or maintenance activity (10 an hour, 10,000 items, 4 hours; "
    "less at peaks); the contract of POST /v3/feeds (below 10 MB), read 2026-11-23",
    an_hour=10,
    items=10_000,
    size=10_000_000,
    processing=timedelta(hours=4),
)
SANDBOX_FEEDS = FeedFigures(
    dated=date(2026, 8, 27),
    source="developer.walmart.com/us-marketplace, Feeds validations (5 an hour, 50 SKUs) and Sandbox throttling limits "
    "(100 KB, 30 minutes), updated 2026-08-27",
    an_hour=5,
    items=50,
    size=100_000,
    processing=timedelta(minutes=30),
)


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls a minute of one of Walmart's APIs; each has an allowance of its own."""

    name: str
    a_minute: int
    source: str


_CALLS = "developer.walmart.com/us-marketplace, Item management API requests, read 2026-11-23"
ITEM = CallFigures("item", 900, f"{_CALLS} (an item: 900 a minute)")
# With query parameters, which pages need, integrators report a fifth of the 300 a minute that are published.
ITEMS = CallFigures("items", 60, f"{_CALLS} (all items: 300 a minute, 60 with parameters by integrators' reports)")
FEED_STATUS = CallFigures("feed-status", 5000, f"{_CALLS} (feed statuses: 5,000 a minute, shared)")


@dataclass(frozen=True, slots=True)
class ImageFigures:
    """What Walmart takes as an image, and under which addresses it fetches one."""

    dated: date
    source: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    size: int
    ports: tuple[int, ...]
    url_characters: int


IMAGES = ImageFigures(
    dated=date(2025, 7, 15),
    source="marketplacelearn.walmart.com, Product detail page: Image guidelines, 2025-07-15; address length by the "
    "item spec",
    extensions=("jpg", "jpeg", "png", "bmp"),
    media_types=("image/jpeg", "image/png", "image/bmp"),
    size=5_000_000,
    ports=(80, 443, 8080, 8443),
    url_characters=2000,
)

SHOWN_WITHIN = timedelta(hours=24)
"""How long images take from a feed to the shop's pages at most: 4 hours for the feed by Walmart's own words, up to 24
altogether by integrators' reports (godatafeed.com, read 2026-11-23)."""
TOKEN_SECONDS = 900.0
"""How long a token holds where its answer does not say (developer.walmart.com, authentication: 15 minutes)."""
DETAILS = 50
"""Items of one page of a feed's status (contract of GET /v3/feeds/{feedId}: not more than 50)."""
PAGE = 50
"""Items of one page of the catalogue (contract of GET /v3/items: not more than 50)."""
