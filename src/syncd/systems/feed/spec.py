"""What the reader of the feed takes, as its maker publishes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

NAMESPACE = "http://base.google.com/ns/1.0"


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """Limits with the day they were looked up and where; options override them when the maker changes them."""

    dated: date
    source: str
    additional_images: int
    url_characters: int


GOOGLE = FeedSpec(
    dated=date(2026, 11, 6),
    source="Google product data specification (image_link, additional_image_link), Merchant API products v1 20261106",
    additional_images=10,
    url_characters=2000,
)
