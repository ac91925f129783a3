"""Many changes carried out by feeds, one for each marketplace, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from syncd.errors import SyncdError, TransientError
from syncd.sdk.media import Answer, ItemResult
from syncd.systems.amazon import messages, shape
from syncd.systems.amazon.feeds import Feeds
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.partner import Partner
from syncd.systems.amazon.patching import Patch
from syncd.systems.amazon.reachability import Reachability

_WORKING = frozenset({"IN_QUEUE", "IN_PROGRESS"})


class Bulk:
    """Feeds of listings. A job is named `MARKETPLACE=FEED`, with a blank between several."""

    def __init__(self, partner: Partner, feeds: Feeds, reachability: Reachability) -> None:
        self._partner, self._feeds, self._reachability = partner, feeds, reachability

    async def submit(self, patches: Sequence[Patch]) -> list[ItemResult]:
        """Hand patches over; what is not handed over is to be tried again.

        Raises:
            SyncdError: nothing was handed over.
        """
        jobs: list[str] = []
        taken: list[Patch] = []
        results: list[ItemResult] = []
        for marketplace, part in _by_marketplace(patches).items():
            reachable, out_of_reach = await self._reachable(part)
            results += out_of_reach
            try:
                jobs += [await self._submit(marketplace, reachable)] if reachable else []
                taken += reachable
            except SyncdError as error:
                if not jobs:
                    raise
                results += [_retry(patch, error) for patch in reachable]
        return results + [_pending(patch, " ".join(jobs)) for patch in taken]

    async def _reachable(self, patches: Sequence[Patch]) -> tuple[list[Patch], list[ItemResult]]:
        """The patches whose media Amazon can fetch, and the answers for the others."""
        found: list[Patch] = []
        failed: list[ItemResult] = []
        for patch in patches:
            try:
                await self._reachability.require(patch.fetched)
                found.append(patch)
            except TransientError as error:
                failed.append(_retry(patch, error))
        return found, failed

    async def _submit(self, marketplace: str, patches: Sequence[Patch]) -> str:
        document = messages.document_of(self._partner.seller, self._partner.locale, patches)
        return f"{marketplace}={await self._feeds.submit(marketplace, document)}"

    async def settle(self, job: str, listings: Sequence[str]) -> list[ItemResult]:
        """What became of the listings of a job: PENDING until their feed is through.

        What they are called is known from `submit`; issues name images by it.
        """
        feeds = dict(part.split("=", 1) for part in job.split())
        by_marketplace = defaultdict(list)
        for name in filter(None, map(ListingName.parse, listings)):
            by_marketplace[name.marketplace].append(name)
        return [
            result
            for marketplace, names in by_marketplace.items()
            for result in await self._settled(job, feeds.get(marketplace, ""), names)
        ]

    async def _settled(self, job: str, feed: str, names: Sequence[ListingName]) -> list[ItemResult]:
        state = await self._feeds.feed(feed) if feed else None
        if state is None:
            return _all(names, Answer.RETRY, f"Amazon knows no feed {feed} any more.")
        status = shape.member(state, "processingStatus", str, f"Feed {feed}")
        if status in _WORKING:
            return [ItemResult(str(name), Answer.PENDING, job=job) for name in names]
        if status == "CANCELLED":
            return _all(names, Answer.RETRY, f"Feed {feed} was cancelled.")
        if status == "FATAL":
            return _all(names, Answer.REJECTED, f"Feed {feed} was given up (FATAL): {await self._why(state)}")
        if status != "DONE":
            raise shape.drifted(f"Feed {feed} has a status that is not known", state)
        report = await self._feeds.document(shape.member(state, "resultFeedDocumentId", str, f"Feed {feed}"))
        return messages.results_of(report, names)

    async def _why(self, state: Mapping[str, object]) -> str:
        """The words of a feed's report, if there is one."""
        document = state.get("resultFeedDocumentId")
        if not isinstance(document, str):
            return "Amazon gave no report."
        found = (await self._feeds.document(document)).get("issues")
        words = [str(each.get("message")) for each in found or () if isinstance(each, dict)]
        return "; ".join(dict.fromkeys(words)) or "its report names no issue."


def _by_marketplace(patches: Sequence[Patch]) -> Mapping[str, list[Patch]]:
    found: dict[str, list[Patch]] = defaultdict(list)
    for patch in patches:
        found[patch.item.name.marketplace].append(patch)
    return found


def _retry(patch: Patch, error: SyncdError) -> ItemResult:
    return ItemResult(str(patch.item.name), Answer.RETRY, error.what)


def _pending(patch: Patch, job: str) -> ItemResult:
    return ItemResult(str(patch.item.name), Answer.PENDING, external_ids=dict(patch.external_ids), job=job)


def _all(names: Iterable[ListingName], answer: Answer, message: str) -> list[ItemResult]:
    return [ItemResult(str(name), answer, message) for name in names]
