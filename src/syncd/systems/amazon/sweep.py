"""All items of a marketplace. A search gives out 1,000 at most, so they are read in order of the day they were made,
each search from where the one before it ended.

Assumptions (not in Amazon's documents): sorting by `createdDate` sorts by what the summary gives back under that name,
and the date never changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from syncd.errors import RejectedError, TransientError
from syncd.systems.amazon.listings import Listings
from syncd.systems.amazon.reading import Item

MOST = 1000
"""Items one search gives out, over all its pages. amzn/selling-partner-api-models 34dc93f, 2026-08-05."""


async def sweep(listings: Listings, marketplace: str, until: datetime) -> AsyncIterator[Sequence[Item]]:
    """Yield every item made before an instant, each once, as many at a time as a page holds.

    Raises:
        TransientError: pages ended before all were there. RejectedError: more than 1,000 were made at one instant.
    """
    seen: set[str] = set()
    after, more = "", True
    while more:
        window = _Window(marketplace, after)
        async for items in window.pages(listings, until):
            new = [item for item in items if item.name.sku not in seen]
            seen.update(item.name.sku for item in new)
            if new:
                yield new
        after, more = window.latest, window.total > MOST
        if more and after == window.after:
            raise RejectedError(
                f"More than {MOST} listings in {marketplace} were made at {after}; they cannot be listed."
            )


class _Window:
    """One search. `latest` is when the last item it gave out was made."""

    def __init__(self, marketplace: str, after: str) -> None:
        self.marketplace, self.after = marketplace, after
        self.latest, self.total = after, 0

    async def pages(self, listings: Listings, until: datetime) -> AsyncIterator[Sequence[Item]]:
        query = {"sortBy": "createdDate", "sortOrder": "ASC", "createdBefore": until.isoformat()}
        query |= {"createdAfter": self.after} if self.after else {}
        page = await listings.page(self.marketplace, query)
        self.total, count = page.total, len(page.items)
        yield self._taken(page.items)
        while page.next:
            page = await listings.page(self.marketplace, {**query, "pageToken": page.next})
            count += len(page.items)
            yield self._taken(page.items)
        if count < min(self.total, MOST):
            raise TransientError(f"{self.marketplace} lists {self.total} items, but gave out {count} of them.")

    def _taken(self, items: Sequence[Item]) -> Sequence[Item]:
        made = [item.created for item in items if item.created]
        self.latest = max([*made, *filter(None, [self.latest])], key=_instant, default="")
        return items


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RejectedError(f"A listing's createdDate is no date: {text[:40]}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
