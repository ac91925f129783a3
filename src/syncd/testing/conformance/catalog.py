"""What every catalogue must keep: products are never fewer than they are, and links of others are not ours to touch."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from syncd.errors import RateLimited, SyncdError, TransientError
from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.media import Media
from syncd.sdk.roles import Role
from syncd.testing.conformance.account import Account
from syncd.testing.conformance.rules import Conformance, emptied, halved
from syncd.testing.vendor import CatalogVendor, Mischief

C = TypeVar("C", bound=CatalogVendor)


class CatalogConformance(Conformance[C]):
    """The suite of a catalogue; its fake is a `CatalogVendor`."""

    role = Role.CATALOG

    async def read(self, vendor: C, system: Any) -> Any:
        """The product that others linked something to."""
        return await _one(system, vendor.PRODUCT)

    # --- products ------------------------------------------------------------------------------------------------

    async def test_a_full_listing_has_every_product_once_and_says_it_is_complete(self, account: Account[C]) -> None:
        async with account.opened() as system:
            pages = await account.run(_pages(system, ""))
        skus = [product.sku for page in pages for product in page.products]
        assert sorted(skus) == sorted(account.vendor.skus())
        assert pages[-1].complete
        assert not any(page.problems for page in pages)

    @pytest.mark.parametrize("how", ["emptied", "halved", "refused", "silent"])
    async def test_a_listing_that_lacks_something_is_never_complete(self, account: Account[C], how: str) -> None:
        account.vendor.mischief = [
            {
                "emptied": Mischief(on="read", times=-1, change=emptied),
                "halved": Mischief(on="read", times=-1, change=halved),
                "refused": Mischief(403, on="read", times=-1),
                "silent": Mischief(0, on="read", times=-1),
            }[how]
        ]
        async with account.opened() as system:
            try:
                pages = await account.run(_pages(system, ""))
            except SyncdError:
                return
        assert not any(page.complete for page in pages)

    async def test_after_a_checkpoint_nothing_comes_twice_and_the_checkpoint_goes_on(self, account: Account[C]) -> None:
        async with account.opened() as system:
            first = (await account.run(_pages(system, "")))[-1].checkpoint
            if not first:
                pytest.skip("this catalogue is always read whole")
            await account.clock.advance(3600)
            later = await account.run(_pages(system, first))
            assert not any(page.complete for page in later if not page.products)
            changed = account.vendor.touch(account.vendor.PRODUCT)
            pages = await account.run(_pages(system, first))
        assert changed in [product.sku for page in pages for product in page.products]
        assert pages[-1].checkpoint >= first or pages[-1].checkpoint == ""

    # --- links ---------------------------------------------------------------------------------------------------

    async def test_links_are_made_once_and_taken_away_alone(self, account: Account[C]) -> None:
        product, others = account.vendor.PRODUCT, self._foreign(account)
        one, two = account.medium("one"), account.medium("two")
        async with account.opened() as system:
            await self._prepare(account, one, two)
            for _ in range(2):
                await account.run(system.attach(product, [one, two]))
            assert self._ours(account, one, two) == [1, 1]
            assert self._foreign(account) == others
            for _ in range(2):
                await account.run(system.detach(product, [one]))
            assert self._ours(account, one, two) == [0, 1]
            assert self._foreign(account) == others

    @pytest.mark.parametrize("late", [False, True], ids=["before the write", "after the write"])
    @pytest.mark.parametrize("status", [500, 0], ids=["500", "no answer"])
    async def test_a_failed_link_is_there_once_when_it_is_made_again(
        self, account: Account[C], status: int, late: bool
    ) -> None:
        others, one = self._foreign(account), account.medium("one")
        await self._prepare(account, one)
        account.vendor.mischief = [Mischief(status, late=late, on="write", times=1)]
        for _ in range(3):
            async with account.opened() as system:
                try:
                    await account.run(system.attach(account.vendor.PRODUCT, [one]))
                except (TransientError, RateLimited):
                    continue
        assert self._ours(account, one) == [1]
        assert self._foreign(account) == others

    async def test_what_is_linked_is_read_back(self, account: Account[C]) -> None:
        one = account.medium("one")
        async with account.opened() as system:
            before = await account.run(_one(system, account.vendor.PRODUCT))
            await self._prepare(account, one)
            linked = await account.run(system.attach(account.vendor.PRODUCT, [one]))
            after = await account.run(_one(system, account.vendor.PRODUCT))
        assert len(after.observed) == len(before.observed) + 1
        assert {m.external_id for m in linked} <= {m.external_id for m in after.observed}

    async def test_a_product_that_is_not_there_says_so(self, account: Account[C]) -> None:
        async with account.opened() as system:
            assert not (await account.run(_one(system, "no-such-sku-0"))).exists

    async def _prepare(self, account: Account[C], *media: Media) -> None:
        """Where links are made to what a library holds, let it hold these."""
        for medium in media:
            account.vendor.hold(medium)

    def _ours(self, account: Account[C], *media: Media) -> list[int]:
        sources = [stands.source for stands in account.vendor.links(account.vendor.PRODUCT) if not stands.foreign]
        return [sum(medium.sha256 in source or medium.name in source for source in sources) for medium in media]

    def _foreign(self, account: Account[C]) -> list[Any]:
        found = [stands for stands in account.vendor.links(account.vendor.PRODUCT) if stands.foreign]
        assert found, "a fake always holds something of others'"
        return found


async def _pages(system: Any, since: str) -> list[CatalogPage]:
    return [page async for page in system.products(since)]


async def _one(system: Any, sku: str) -> ProductMedia:
    found: list[ProductMedia] = list(await system.linked([sku]))
    assert [one.sku for one in found] == [sku]
    return found[0]
