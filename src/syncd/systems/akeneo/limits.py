"""What Akeneo allows of its callers: dated data."""

from __future__ import annotations

from datetime import timedelta

from syncd.sdk.limits import CALLS, AtOnce, Limit, Window

_SOURCE = "api.akeneo.com/documentation/good-practices.html, 2026-08-18"

LIMITS: tuple[Limit, ...] = (
    AtOnce(CALLS, 4, f"{_SOURCE}: per connection; 10 per PIM"),
    Window(CALLS, 100, timedelta(seconds=1), f"{_SOURCE}: per PIM, all its connections together"),
)
PAGE = 100
"""Most items of a page and of a batch (api.akeneo.com/documentation/pagination.html and responses.html, 2026-08-18)."""
NAMED = 50
"""How many names a search may hold here: 100 are allowed, but a longer address is refused by some servers."""
