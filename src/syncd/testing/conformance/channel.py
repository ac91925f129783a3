"""What every channel must keep: others' media, one copy of ours, and the truth about both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

import pytest

from syncd.domain.gallery import reconcile
from syncd.domain.placement import Desired, Placed, PlacementState, RemovalCause, Seen
from syncd.domain.step import UNBOUNDED, Slots, Step
from syncd.errors import RateLimited, SyncdError, TransientError
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery, Previews, Settles
from syncd.sdk.media import Answer, ItemResult, Media, MediaState, ObservedMedia
from syncd.sdk.roles import Role
from syncd.testing.conformance.account import Account
from syncd.testing.conformance.rules import Conformance, emptied, halved
from syncd.testing.vendor import Mischief, ShopVendor, Stands

S = TypeVar("S", bound=ShopVendor)
_ROUNDS = 12
_STANDING = (PlacementState.LIVE, PlacementState.SHOWN)


@dataclass
class _Convergence:
    """What the engine knows of one listing: it looks, decides, applies, and looks again until nothing is to do."""

    account: Account[Any]
    listing: str
    slots: Slots
    media: dict[str, Media] = field(default_factory=dict)
    rows: dict[str, Placed] = field(default_factory=dict)
    external_ids: dict[str, str] = field(default_factory=dict)

    async def bring(self, *wanted: Media) -> None:
        """Have the listing hold exactly these of ours; a new instance of the connector after every failure."""
        self.media |= {medium.name: medium for medium in wanted}
        for _ in range(_ROUNDS):
            async with self.account.opened() as system:
                try:
                    if await self._round(system, wanted):
                        return
                except (TransientError, RateLimited):
                    self._doubt()
            self.account.vendor.settle()
            await self.account.clock.advance(self.account.system_class.floor.total_seconds() + 60)
        raise AssertionError(f"{self.listing} did not come to rest: {self.account.vendor.gallery(self.listing)}")

    async def _round(self, system: Any, wanted: Sequence[Media]) -> bool:
        gallery = await self.account.run(_one(system, self.listing))
        step = self._step(gallery, wanted)
        self._note(step)
        if not step.write_needed:
            return all(row.state in (*_STANDING, PlacementState.GONE) for row in self.rows.values())
        change = self._change(step, gallery)
        results = await self.account.run(self._answered(system, change))
        for result in results:
            assert result.answer is not Answer.REJECTED, result.message
        self._sent(step, PlacementState.ACCEPTED)
        if any(result.answer is Answer.RETRY for result in results):
            self._doubt()
        return False

    async def _answered(self, system: Any, change: GalleryChange) -> Sequence[ItemResult]:
        results = await system.apply([change])
        assert [result.listing for result in results] == [change.listing]
        self._called(results)
        for _ in range(_ROUNDS):
            pending = next((result for result in results if result.answer is Answer.PENDING), None)
            if pending is None:
                return list(results)
            assert isinstance(system, Settles)
            self.account.vendor.settle()
            results = await system.settle(pending.job, [change.listing])
            self._called(results)
        raise AssertionError("a job never ended")

    def _step(self, gallery: ObservedGallery, wanted: Sequence[Media]) -> Step:
        desired = [
            Desired(f"{medium.asset}:{medium.role}", medium.asset, medium.version, medium.name, medium.role, (place,))
            for place, medium in enumerate(wanted)
        ]
        seen = [
            Seen(m.external_id, self.name_of(m), place, m.state is MediaState.READY)
            for place, m in enumerate(gallery.media, start=1)
        ]
        gone = {row.key: RemovalCause.WITHDRAWN for row in self.rows.values()}
        causes = {key: cause for key, cause in gone.items() if key not in {one.key for one in desired}}
        return reconcile(desired, list(self.rows.values()), seen, self.slots, causes, UNBOUNDED, fresh=True)

    def name_of(self, seen: ObservedMedia) -> str:
        if seen.name:
            return seen.name if seen.name in self.media else ""
        rows = [row for row in self.rows.values() if row.state is not PlacementState.GONE]
        if any(row.external_id == seen.external_id for row in rows):
            return ""
        known = [row for row in rows if seen.external_id == row.id or row.external_id == (seen.placed_as or None)]
        return min(known, key=lambda row: row.state is PlacementState.WITHDRAWING).fingerprint if known else ""

    def _note(self, step: Step) -> None:
        for confirm in step.confirms:
            if confirm.placed is not None:
                row = confirm.placed._replace(state=PlacementState.LIVE, external_id=confirm.seen.external_id)
                self.rows[row.id] = row
        for placed in step.gone:
            self.rows[placed.id] = placed._replace(state=PlacementState.GONE)

    def _change(self, step: Step, gallery: ObservedGallery) -> GalleryChange:
        items = []
        for entry in step.gallery:
            name = entry.desired.fingerprint if entry.desired else entry.placed.fingerprint if entry.placed else ""
            seen = gallery.media[entry.seen.position - 1] if entry.seen else None
            items.append(GalleryItem(ours=self.known(name)) if name else GalleryItem(theirs=seen))
        adds = [self.known(add.desired.fingerprint) for add in step.adds]
        removes = [self.known(removal.placed.fingerprint) for removal in step.removes]
        self._sent(step, PlacementState.SENT)
        return GalleryChange(self.listing, items, adds, removes)

    def known(self, name: str) -> Media:
        row = self.rows.get(self.media[name].placement)
        return replace(self.media[name], external_id=row.external_id if row else "")

    def _sent(self, step: Step, state: PlacementState) -> None:
        for add in step.adds:
            medium = self.media[add.desired.fingerprint]
            external = self.external_ids.get(medium.placement, "")
            self.rows[medium.placement] = Placed(
                medium.placement, add.desired.key, medium.version, medium.name, state, external
            )
        for removal in step.removes:
            self.rows[removal.placed.id] = removal.placed._replace(state=PlacementState.WITHDRAWING)

    def _called(self, results: Sequence[ItemResult]) -> None:
        """Keep what the system calls ours from now on."""
        for result in results:
            self.external_ids |= result.external_ids
            for placement in self.rows.keys() & result.external_ids.keys():
                self.rows[placement] = self.rows[placement]._replace(external_id=result.external_ids[placement])

    def _doubt(self) -> None:
        """What was to be added and is not seen counts as never sent."""
        for row in self.rows.values():
            if row.state in (PlacementState.SENT, PlacementState.ACCEPTED):
                self.rows[row.id] = row._replace(state=PlacementState.PLANNED)


async def _one(system: Any, listing: str) -> ObservedGallery:
    galleries: list[ObservedGallery] = [gallery async for gallery in system.observe([listing])]
    assert [gallery.listing for gallery in galleries] == [listing]
    return galleries[0]


class ChannelConformance(Conformance[S]):
    """The suite of a channel; its fake is a `ShopVendor`. `slots` are what a connection of it may use."""

    role = Role.CHANNEL
    slots: ClassVar[Slots] = Slots()

    async def read(self, vendor: S, system: Any) -> Any:
        """The listing that holds an item of others'."""
        gallery = await _one(system, vendor.LISTING)
        assert gallery.exists
        return gallery

    def converging(self, account: Account[S], listing: str = "") -> _Convergence:
        """What brings a listing to hold media of ours, as the engine does."""
        return _Convergence(account, listing or account.vendor.LISTING, self.slots)

    # --- ours ----------------------------------------------------------------------------------------------------

    async def test_what_is_applied_stands_once_behind_what_others_placed(self, account: Account[S]) -> None:
        others = _foreign(account)
        one, two = account.medium("one"), account.medium("two")
        await self.converging(account).bring(one, two)
        assert _foreign(account) == others
        assert [_is(stands.source, one) + 2 * _is(stands.source, two) for stands in _ours(account)] == [1, 2]

    async def test_at_rest_nothing_is_written(self, account: Account[S]) -> None:
        convergence = self.converging(account)
        await convergence.bring(account.medium("one"))
        written = account.vendor.written
        await convergence.bring(account.medium("one"))
        assert account.vendor.written == written

    async def test_applied_twice_changes_nothing(self, account: Account[S]) -> None:
        convergence = self.converging(account)
        one = account.medium("one")
        await convergence.bring(one)
        truth = list(account.vendor.gallery(account.vendor.LISTING))
        async with account.opened() as system:
            gallery = await account.run(_one(system, account.vendor.LISTING))
            items = [
                GalleryItem(ours=convergence.known(name)) if (name := convergence.name_of(m))
                else GalleryItem(theirs=m)
                for m in gallery.media
            ]  # fmt: skip
            again = GalleryChange(account.vendor.LISTING, items, add=[convergence.known(one.name)])
            for _ in range(2):
                await account.run(convergence._answered(system, again))
                account.vendor.settle()
        assert account.vendor.gallery(account.vendor.LISTING) == truth

    async def test_a_new_version_takes_the_place_of_the_old(self, account: Account[S]) -> None:
        convergence, old = self.converging(account), account.medium("old")
        others = _foreign(account)
        await convergence.bring(old)
        new = replace(account.medium("new", version=2), asset=old.asset)
        await convergence.bring(new)
        assert [_is(stands.source, new) for stands in _ours(account)] == [True]
        assert _foreign(account) == others

    async def test_what_is_taken_down_is_gone_and_nothing_else(self, account: Account[S]) -> None:
        convergence, others = self.converging(account), _foreign(account)
        one, two = account.medium("one"), account.medium("two")
        await convergence.bring(one, two)
        await convergence.bring(two)
        assert [_is(stands.source, two) for stands in _ours(account)] == [True]
        await convergence.bring()
        assert _ours(account) == []
        assert _foreign(account) == others
        async with account.opened() as system:
            assert await account.run(system.check_gone([])) == {}

    async def test_a_listing_without_media_gets_ours(self, account: Account[S]) -> None:
        one = account.medium("one")
        await self.converging(account, account.vendor.OTHER).bring(one)
        assert [_is(stands.source, one) for stands in account.vendor.gallery(account.vendor.OTHER)] == [True]

    # --- failures ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("late", [False, True], ids=["before the write", "after the write"])
    @pytest.mark.parametrize("status", [500, 503, 0], ids=["500", "503", "no answer"])
    @pytest.mark.parametrize("at", [0, 1, 2], ids=["first write", "second write", "third write"])
    async def test_a_failed_write_leaves_one(self, account: Account[S], status: int, late: bool, at: int) -> None:
        others, one = _foreign(account), account.medium("one")
        account.vendor.mischief = [Mischief(status, late=late, on="write", well=at)]
        await self.converging(account).bring(one)
        assert [_is(stands.source, one) for stands in _ours(account)] == [True]
        assert _foreign(account) == others

    async def test_a_crash_at_any_call_leaves_one(self, account: Account[S]) -> None:
        one = account.medium("one")
        for calls in range(1, 8):
            convergence = self.converging(account)
            await _interrupted(convergence, calls, one)
            await convergence.bring(one)
            assert [_is(stands.source, one) for stands in _ours(account)] == [True]
            await convergence.bring()
            assert _ours(account) == []

    # --- looking -------------------------------------------------------------------------------------------------

    async def test_a_listing_that_is_not_there_says_so(self, account: Account[S]) -> None:
        async with account.opened() as system:
            gallery = await account.run(_one(system, "no-such-listing-0"))
        assert (gallery.exists, list(gallery.media)) == (False, [])

    async def test_all_listings_are_read_whole_or_not_at_all(self, account: Account[S]) -> None:
        async with account.opened() as system:
            found = await account.run(_all(system))
            assert {account.vendor.LISTING, account.vendor.OTHER} <= set(found)
            for change in (emptied, halved):
                account.vendor.mischief = [Mischief(on="read", times=-1, change=change)]
                try:
                    seen = await account.run(_all(system))
                except SyncdError:
                    continue
                assert all(gallery.exists for gallery in seen.values()), "what was not listed is not gone"

    async def test_the_limits_are_kept(self, account: Account[S]) -> None:
        convergence = self.converging(account)
        for number in range(4):
            await convergence.bring(account.medium(str(number)))
        assert not account.vendor.violations

    async def test_a_preview_changes_nothing(self, account: Account[S]) -> None:
        async with account.opened() as system:
            if not isinstance(system, Previews):
                pytest.skip("this system cannot say beforehand what it would answer")
            gallery = await account.run(_one(system, account.vendor.LISTING))
            one = account.medium("one")
            items = [*(GalleryItem(theirs=m) for m in gallery.media), GalleryItem(ours=one)]
            truth = account.vendor.gallery(account.vendor.LISTING)
            await account.run(system.preview([GalleryChange(account.vendor.LISTING, items, add=[one])]))
        assert account.vendor.gallery(account.vendor.LISTING) == truth


async def _interrupted(convergence: _Convergence, calls: int, wanted: Media) -> None:
    """Let a convergence be killed once the vendor has seen so many calls."""
    vendor, clock = convergence.account.vendor, convergence.account.clock
    limit = len(vendor.calls) + calls
    task = asyncio.ensure_future(convergence.bring(wanted))
    while not task.done() and len(vendor.calls) < limit:
        await asyncio.sleep(0)
        await clock.advance(min(clock.next_wake() or 0.0, 60.0))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    convergence._doubt()


async def _all(system: Any) -> dict[str, ObservedGallery]:
    return {gallery.listing: gallery async for gallery in system.observe(None)}


def _is(source: str, medium: Media) -> bool:
    """Whether what stands there was made from this medium: by its public address, or by its bytes."""
    return medium.name in source or medium.sha256 in source


def _ours(account: Account[Any]) -> list[Stands]:
    return [stands for stands in account.vendor.gallery(account.vendor.LISTING) if not stands.foreign]


def _foreign(account: Account[Any]) -> list[Stands]:
    found = [stands for stands in account.vendor.gallery(account.vendor.LISTING) if stands.foreign]
    assert found, "a fake always holds something of others'"
    return found
