"""Many changes as a feed: handed over once, asked about until it is through, told listing by listing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.amazon import CONTRACT, Book, Shop, open_shop
from tests.support.vendors.amazon.feeds import QUEUED, WORKED, Feed
from tests.support.vendors.amazon.shelf import TAKES
from tests.support.vendors.amazon.vendor import CA, US

from syncd.errors import RateLimited
from syncd.sdk.channel import GalleryChange, Settles
from syncd.sdk.media import Answer, Issue, ItemResult
from syncd.testing.clock import ManualClock
from syncd.testing.vendor import Mischief

contract = CONTRACT
NAMES = [f"GL-0412@{US}", f"GL-0413@{US}", f"GL-0412@{CA}"]


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, clock, feed_from=2) as shop:
        yield shop
        assert shop.vendor.violations == []


Books = dict[str, Book]
"""What the ledger knows, by listing."""


async def additions(shop: Shop, books: Books | None = None) -> list[GalleryChange]:
    """One picture more for every listing, each of its own."""
    kept = {} if books is None else books
    return [
        kept.setdefault(gallery.listing, Book()).change(gallery, add=[shop.picture(f"new{number}")])
        for number, gallery in enumerate(await shop.look(*NAMES))
    ]


async def hand_over(shop: Shop, books: Books) -> list[ItemResult]:
    results = await shop.apply(*await additions(shop, books))
    for result in results:
        books[result.listing].answered([result])
    return results


async def settle(shop: Shop, results: Sequence[ItemResult]) -> dict[str, ItemResult]:
    found = await shop.run(shop.system.settle(results[0].job, [result.listing for result in results]))
    return {result.listing: result for result in found}


def feeds(shop: Shop) -> list[Feed]:
    return list(shop.vendor.feeds.feeds.values())


async def test_many_additions_are_one_feed_per_marketplace(shop: Shop):
    results = await shop.apply(*await additions(shop))
    assert {result.answer for result in results} == {Answer.PENDING}
    assert len({result.job for result in results}) == 1
    assert [feed.marketplaces for feed in feeds(shop)] == [[US], [CA]]
    document = json.loads(shop.vendor.feeds.documents[feeds(shop)[0].document])
    assert document["header"] == {"sellerId": "A3AYAZLIQ7AX77", "version": "2.0"}
    assert sorted(message["sku"] for message in document["messages"]) == ["GL-0412", "GL-0413"]


async def test_a_feed_is_pending_until_it_is_through(shop: Shop):
    assert isinstance(shop.system, Settles)
    books: Books = {}
    results = await hand_over(shop, books)
    for wait in (0.0, QUEUED):
        await shop.clock.advance(wait)
        assert {result.answer for result in (await settle(shop, results)).values()} == {Answer.PENDING}
    await shop.clock.advance(WORKED)
    assert {result.answer for result in (await settle(shop, results)).values()} == {Answer.ACCEPTED}
    await shop.clock.advance(TAKES)
    for gallery in await shop.look(*NAMES):  # Amazon has copied them before anybody looked
        assert len(books[gallery.listing].see(gallery)) == 1


async def test_each_listing_has_its_own_result(shop: Shop):
    results = await shop.apply(*await additions(shop))
    shop.vendor.invalid["other_product_image_locator_5"] = "The image is blurred."
    shop.vendor.settle()
    found = await settle(shop, results)
    assert {listing: result.answer for listing, result in found.items()} == {
        NAMES[0]: Answer.REJECTED, NAMES[1]: Answer.ACCEPTED, NAMES[2]: Answer.ACCEPTED,
    }  # fmt: skip
    assert found[NAMES[0]].issues == [Issue("The image is blurred.", "90000900", "PT05")]
    assert next(r for r in results if r.listing == NAMES[0]).external_ids == {"P-new0": "PT05"}


async def test_what_takes_away_does_not_wait_in_a_feed(shop: Shop):
    books: Books = {}
    await hand_over(shop, books)
    shop.vendor.settle()
    batch = [
        books[gallery.listing].change(gallery, remove=[f"P-new{number}"])
        for number, gallery in enumerate(await shop.look(*NAMES))
    ]
    results = await shop.apply(*batch)
    assert {result.answer for result in results} == {Answer.ACCEPTED}
    assert len(feeds(shop)) == 2
    assert not [one for name in NAMES for one in shop.vendor.gallery(name) if not one.foreign]


async def test_few_additions_are_patched_at_once(tmp_path: Path, clock: ManualClock):
    async with open_shop(tmp_path, clock) as shop:
        results = await shop.apply(*await additions(shop))
        assert {result.answer for result in results} == {Answer.ACCEPTED}
        assert feeds(shop) == []


async def test_a_picture_the_world_cannot_fetch_stays_out_of_the_feed(shop: Shop):
    batch = await additions(shop)
    shop.served.discard("https://media.acme.example/m/new1.jpg")
    answers = {result.listing: result.answer for result in await shop.apply(*batch)}
    assert answers == {NAMES[0]: Answer.PENDING, NAMES[1]: Answer.RETRY, NAMES[2]: Answer.PENDING}


@pytest.mark.parametrize(
    ("end", "answer", "words"),
    [
        (lambda house, feed: house.give_up(feed, "The file is no JSON."), Answer.REJECTED, "The file is no JSON."),
        (lambda house, feed: setattr(feed, "state", "FATAL"), Answer.REJECTED, "no report"),
        (lambda house, feed: setattr(feed, "state", "CANCELLED"), Answer.RETRY, "cancelled"),
        (lambda house, feed: house.feeds.pop(feed.id), Answer.RETRY, "no feed"),
    ],
)
async def test_a_feed_that_ends_otherwise_says_so(shop: Shop, end: Any, answer: Answer, words: str):
    results = await shop.apply(*await additions(shop))
    end(shop.vendor.feeds, feeds(shop)[0])
    found = await settle(shop, results)
    assert {found[name].answer for name in NAMES[:2]} == {answer}
    assert words in found[NAMES[0]].message
    assert found[NAMES[2]].answer is Answer.PENDING


async def test_a_feed_whose_answer_is_lost_is_handed_over_again_behind_the_first(shop: Shop):
    batch = await additions(shop)
    shop.vendor.mischief.append(Mischief(500, late=True))
    results = await shop.apply(*batch)
    assert [(feed.id, feed.marketplaces) for feed in feeds(shop)] == [("50001", [US]), ("50002", [US]), ("50003", [CA])]
    assert results[0].job == f"{US}=50002 {CA}=50003"
    shop.vendor.settle()
    assert [[one.source for one in shop.vendor.gallery(name) if not one.foreign] for name in NAMES] == [
        [f"https://media.acme.example/m/new{number}.jpg"] for number in range(3)
    ]


async def test_a_report_that_is_cut_off_settles_nothing(shop: Shop):
    results = await shop.apply(*await additions(shop))
    shop.vendor.settle()
    for identifier, content in shop.vendor.feeds.documents.items():
        if "report" in identifier:
            shop.vendor.feeds.documents[identifier] = content[:-12]
    with pytest.raises(Exception, match="cut off"):
        await settle(shop, results)


async def test_no_more_feeds_are_handed_over_than_amazon_takes(shop: Shop):
    for _ in range(2):
        await shop.apply(*await additions(shop))
        shop.vendor.settle()
    batch = [
        Book().change(gallery, add=[shop.picture(f"more{n}")]) for n, gallery in enumerate(await shop.look(*NAMES))
    ]
    answers = {result.listing: result.answer for result in await shop.apply(*batch)}
    assert answers == {NAMES[0]: Answer.PENDING, NAMES[1]: Answer.PENDING, NAMES[2]: Answer.RETRY}
    with pytest.raises(RateLimited) as raised:  # five in five minutes were handed over
        await shop.apply(*batch)
    assert 200 < (raised.value.retry_after or 0) <= 300
