"""What Shopify allows and asks for: dated data with its source."""

from __future__ import annotations

from datetime import timedelta

from syncd.sdk.limits import AtOnce, Limit, Points

_RATES = "https://shopify.dev/docs/api/usage/rate-limits, 2026-11"

LIMITS: tuple[Limit, ...] = (
    # The smallest bucket of any plan; what an answer says of the shop's own counts more.
    Points("points", most=1000, restore=100, reserve=100, source=_RATES),
    AtOnce("calls", 6, "no published limit; six at a time burden nobody"),
)
MOST_A_QUERY = 800.0
"""Points one reading is planned to cost, so that the smallest bucket holds it beside the reserve (a single query may
cost 1,000 at most; same source)."""
MUTATION = 10.0
"""Points a mutation costs (same source)."""
INPUTS = 250
"""Items of one input list (https://shopify.dev/docs/api/usage/limits, 2026-11)."""
ALT_CHARACTERS = 512
"""Longest alt text (Admin GraphQL schema 2026-10, FilesErrorCode.ALT_VALUE_LIMIT_EXCEEDED)."""
VARIANT_MEDIA = 100
"""Pairs of one call (Admin GraphQL schema 2026-10, MediaUserErrorCode.MAXIMUM_VARIANT_MEDIA_PAIRS_EXCEEDED)."""
HOOK_RETRIES = timedelta(hours=4)
"""For so long a webhook is sent again, with its first headers
(https://shopify.dev/changelog/updates-to-webhook-retry-mechanism, 2024-09)."""
INDEX_LAG = timedelta(minutes=5)
"""How far searches are assumed to be behind what is written; no published figure."""
CDN = timedelta(minutes=15)
"""How long the content network is assumed to serve what was deleted; no published figure."""
