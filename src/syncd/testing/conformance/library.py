"""What every library must keep: one current version of an asset, older ones archived, nothing of others' touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from syncd.errors import RateLimited, TransientError
from syncd.sdk.library import LibraryItem, LibraryState
from syncd.sdk.media import Media
from syncd.sdk.roles import Role
from syncd.testing.conformance.account import Account
from syncd.testing.conformance.rules import Conformance
from syncd.testing.vendor import LibraryVendor, Mischief

L = TypeVar("L", bound=LibraryVendor)


class LibraryConformance(Conformance[L]):
    """The suite of a library; its fake is a `LibraryVendor`."""

    role = Role.LIBRARY

    async def read(self, vendor: L, system: Any) -> Any:
        """An asset of ours that stands there from the beginning."""
        return await _one(system, vendor.ASSET)

    async def test_what_is_put_is_held_once(self, account: Account[L]) -> None:
        others, one = account.vendor.others(), account.medium("one")
        async with account.opened() as system:
            states = [await account.run(system.put(_item(one))) for _ in range(2)]
            found = await account.run(_one(system, one.asset))
        assert account.vendor.held(one.asset) == [one.sha256]
        assert states[0].external_id == states[1].external_id == found.external_id != ""
        assert (found.exists, found.sha256) == (True, one.sha256)
        assert account.vendor.others() == others

    async def test_a_new_version_is_the_only_current_one(self, account: Account[L]) -> None:
        old = account.medium("old")
        new = replace(account.medium("new", version=2), asset=old.asset)
        async with account.opened() as system:
            for medium in (old, new):
                await account.run(system.put(_item(medium)))
            found = await account.run(_one(system, old.asset))
        assert account.vendor.held(old.asset) == [new.sha256]
        assert found.sha256 == new.sha256

    async def test_what_is_withdrawn_is_in_use_no_more_and_can_come_back(self, account: Account[L]) -> None:
        others, one = account.vendor.others(), account.medium("one")
        async with account.opened() as system:
            await account.run(system.put(_item(one)))
            for _ in range(2):
                await account.run(system.withdraw(one.asset, "withdrawn"))
            assert not (await account.run(_one(system, one.asset))).exists
            assert account.vendor.held(one.asset) == []
            await account.run(system.put(_item(one)))
            assert (await account.run(_one(system, one.asset))).exists
        assert account.vendor.others() == others

    async def test_withdrawing_what_was_never_held_is_no_fault(self, account: Account[L]) -> None:
        async with account.opened() as system:
            await account.run(system.withdraw(account.medium("one").asset, "withdrawn"))

    @pytest.mark.parametrize("late", [False, True], ids=["before the write", "after the write"])
    @pytest.mark.parametrize("status", [500, 0], ids=["500", "no answer"])
    @pytest.mark.parametrize("at", [0, 1, 2], ids=["first write", "second write", "third write"])
    async def test_a_put_that_failed_is_there_once_when_it_is_made_again(
        self, account: Account[L], status: int, late: bool, at: int
    ) -> None:
        others, one = account.vendor.others(), account.medium("one")
        account.vendor.mischief = [Mischief(status, late=late, on="write", times=1, well=at)]
        for _ in range(3):
            async with account.opened() as system:
                try:
                    await account.run(system.put(_item(one)))
                except (TransientError, RateLimited):
                    continue
        assert account.vendor.held(one.asset) == [one.sha256]
        assert account.vendor.others() == others

    async def test_assets_it_does_not_hold_are_read_as_such(self, account: Account[L]) -> None:
        async with account.opened() as system:
            assert not (await account.run(_one(system, "A0000000"))).exists


def _item(medium: Media) -> LibraryItem:
    metadata = {"asset": medium.asset, "version": str(medium.version)}
    return LibraryItem(medium, medium.alt, "approved", rights_until=None, metadata=metadata)


async def _one(system: Any, asset: str) -> LibraryState:
    found: list[LibraryState] = list(await system.read([asset]))
    assert [state.asset for state in found] == [asset]
    return found[0]
