"""The suite itself: a plain channel passes it, and each way of being wrong is found by some rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from syncd.sdk.channel import GalleryChange
from syncd.sdk.media import ItemResult
from syncd.testing.clock import ManualClock
from syncd.testing.conformance.account import Account, exchanges
from syncd.testing.example.connector import PlainShopSystem
from syncd.testing.example.fake import PlainShop
from syncd.testing.example.test_connector import TestPlainShop

OPTIONS = TestPlainShop.options


class DropsOthers(PlainShopSystem):
    async def _apply(self, change: GalleryChange) -> ItemResult:
        ours = [item for item in change.gallery if item.ours]
        return await super()._apply(GalleryChange(change.listing, ours, change.add, change.remove))


class AddsAgain(PlainShopSystem):
    async def _apply(self, change: GalleryChange) -> ItemResult:
        twice = [item for item in change.gallery for _ in range(2 if item.ours in change.add else 1)]
        return await super()._apply(GalleryChange(change.listing, twice, change.add, change.remove))


class BelievesAnything(PlainShopSystem):
    def _media(self, found: Any) -> list[Any]:
        return super()._media(found) if found.get("images") else []


class Blabs(PlainShopSystem):
    async def _get(self, path: str, expect: Sequence[int] = ()) -> httpx.Response:
        self._context.log.info("asking", headers=self._headers)
        return await super()._get(path, expect)


class KnowsNoEnd(PlainShopSystem):
    async def check(self) -> str:
        try:
            return await super().check()
        except Exception:
            return "all is well"


RULES = {
    DropsOthers: "test_what_is_applied_stands_once_behind_what_others_placed",
    AddsAgain: "test_applied_twice_changes_nothing",
    KnowsNoEnd: "test_check_tells_a_wrong_login_from_an_unreachable_system",
    Blabs: "test_no_secret_reaches_an_error_or_the_log",
}


@pytest.mark.parametrize("wrong", RULES, ids=lambda wrong: wrong.__name__)
async def test_what_is_wrong_is_found(wrong: type[PlainShopSystem]) -> None:
    suite, clock = TestPlainShop(), ManualClock()
    account = Account(wrong, OPTIONS, suite.role, PlainShop(clock), clock)
    async with exchanges(account):
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await getattr(suite, RULES[wrong])(account)


async def test_an_answer_that_lacks_the_images_is_not_believed() -> None:
    suite, clock = TestPlainShop(), ManualClock()
    account = Account(BelievesAnything, OPTIONS, suite.role, PlainShop(clock), clock)
    async with exchanges(account):
        with pytest.raises(AssertionError, match="believed"):
            await suite.test_damaged_answers_never_look_like_less(account, "renamed")
