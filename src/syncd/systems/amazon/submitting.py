"""Changes carried out call by call: each listing's own patch, and Amazon's answer to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from syncd.errors import Kind, SyncdError
from syncd.sdk.channel import GalleryChange
from syncd.sdk.media import Answer, Issue, ItemResult
from syncd.systems.amazon import issues, shape
from syncd.systems.amazon.listings import Listings
from syncd.systems.amazon.patching import Patch
from syncd.systems.amazon.reachability import Reachability

AT_ONCE = 5
"""Patches under way at a time: as many as come back in a second."""
_ANSWERS = {"ACCEPTED": Answer.ACCEPTED, "VALID": Answer.ACCEPTED, "INVALID": Answer.REJECTED}
_STOPS = (Kind.AUTH, Kind.CONFIG, Kind.BUG)
_REFUSALS = (Kind.REJECTED, Kind.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Planned:
    """A change and the patch it is; without one Amazon has no such listing."""

    change: GalleryChange
    patch: Patch | None


class Submission:
    """Patches of listings, or previews of them."""

    def __init__(self, listings: Listings, reachability: Reachability, *, preview: bool = False) -> None:
        self._listings, self._reachability, self._preview = listings, reachability, preview

    async def carry_out(self, batch: Sequence[Planned]) -> list[ItemResult]:
        """One result per change; what fails for one keeps no other back.

        Raises:
            SyncdError: what would fail for all (login, configuration), or did without being a refusal.
        """
        done = await _each(batch, self._try)
        errors = [each for each in done if isinstance(each, SyncdError)]
        for error in errors:
            if error.kind in _STOPS or (len(errors) == len(batch) and error.kind not in _REFUSALS):
                raise error
        return [
            _failed(planned.change.listing, each) if isinstance(each, SyncdError) else each
            for planned, each in zip(batch, done, strict=True)
        ]

    async def _try(self, planned: Planned) -> ItemResult | SyncdError:
        try:
            return await self._submit(planned.change.listing, planned.patch)
        except SyncdError as error:
            return error

    async def _submit(self, listing: str, patch: Patch | None) -> ItemResult:
        if patch is None:
            return ItemResult(listing, Answer.REJECTED, f"Amazon has no listing {listing}.")
        if patch.empty:
            return accepted(listing, patch)
        if not patch.item.product_type:
            return ItemResult(
                listing, Answer.REJECTED, f"{listing} has no product type: complete it in Seller Central."
            )
        await self._reachability.require(patch.fetched)
        given = await self._listings.patch(patch.item.name, patch.body, preview=self._preview)
        return _result(listing, patch, given)


def accepted(listing: str, patch: Patch, message: str = "") -> ItemResult:
    """The answer for a patch that is taken, but for what found no place in it."""
    return ItemResult(
        listing, Answer.ACCEPTED, message, external_ids=dict(patch.external_ids), issues=tuple(patch.issues)
    )


def _result(listing: str, patch: Patch, given: object) -> ItemResult:
    where = f"The answer for {listing}"
    status = shape.member(given, "status", str, where)
    raw = given.get("issues") if isinstance(given, dict) else None
    found = issues.problems(raw or (), patch.item.name.marketplace, listing)
    if status not in _ANSWERS:
        raise shape.drifted(f"{where} has a status that is not known", given)
    if _ANSWERS[status] is Answer.ACCEPTED:
        return accepted(listing, patch, issues.words(found))
    refusing = [problem for problem in found if problem.refuses] or found
    named: list[Issue] = [issue for problem in refusing for issue in problem.naming(patch.placed)]
    return ItemResult(
        listing, Answer.REJECTED, issues.words(refusing) or "Amazon calls it invalid and does not say why.",
        issues=(*named, *patch.issues),
    )  # fmt: skip


def _failed(listing: str, error: SyncdError) -> ItemResult:
    return ItemResult(listing, Answer.REJECTED if error.kind in _REFUSALS else Answer.RETRY, error.what)


async def _each(
    batch: Sequence[Planned], work: Callable[[Planned], Awaitable[ItemResult | SyncdError]]
) -> list[ItemResult | SyncdError]:
    """Do this for each, a few at a time, in order."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(planned: Planned) -> ItemResult | SyncdError:
        async with free:
            return await work(planned)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(planned)) for planned in batch]
    return [task.result() for task in tasks]
