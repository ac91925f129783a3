"""Walmart against a Walmart that works as the vendor documents it: feeds, their items, what is seen afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.vendors.walmart import Walmart
from tests.support.vendors.walmart_account import PREFIX, Account, account

from syncd.errors import RejectedError, TransientError
from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Answer, MediaState
from syncd.systems.walmart import WalmartSystem
from syncd.systems.walmart.items import UNREADABLE
from syncd.testing.clock import ManualClock
from syncd.testing.vendor import Mischief

LISTING, OTHER, FOREIGN = Walmart.LISTING, Walmart.OTHER, list(Walmart.FOREIGN)


@pytest.fixture
async def us(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Account]:
    async with account(tmp_path, clock) as opened:
        yield opened


def truth(us: Account, listing: str = LISTING) -> list[str]:
    return [one.source for one in us.vendor.gallery(listing)]


# --- reading --------------------------------------------------------------------------------------------------------


async def test_an_item_is_read_with_its_images_in_order_and_ours_are_known_by_name(us: Account):
    picture = us.ours()
    await us.place(LISTING, picture)
    (gallery,) = await us.observed(LISTING)
    assert gallery.names == {"sku": LISTING, "gtin": "1"}
    assert [(one.url, one.name, one.role, one.slot) for one in gallery.media] == [
        (FOREIGN[0], "", "main", "mainImageUrl"),
        (FOREIGN[1], "", "additional", "productSecondaryImageURL[0]"),
        (picture.url, picture.name, "additional", "productSecondaryImageURL[1]"),
    ]
    assert {(one.state, one.shown) for one in gallery.media} == {(MediaState.READY, None)}


async def test_a_missing_and_a_retired_item_are_told_apart_from_an_empty_one(us: Account):
    us.vendor.add("GL-OLD", FOREIGN[0], lifecycle="RETIRED", published="UNPUBLISHED")
    missing, old, empty = await us.observed("GL-9", "GL-OLD", OTHER)
    assert (missing.exists, old.exists, empty.exists) == (False, False, True)
    assert empty.media == ()
    assert "no primary image" in empty.issues[0].message


async def test_what_shoppers_cannot_see_is_told(us: Account):
    us.vendor.add("GL-OFF", *FOREIGN, published="UNPUBLISHED", reasons=(f"The image {FOREIGN[1]} is blurred.",))
    us.vendor.add("GL-NEW", *FOREIGN, published="IN_PROGRESS")
    off, new = await us.observed("GL-OFF", "GL-NEW")
    assert {one.shown for one in off.media} == {False}
    assert (off.issues[0].media, off.issues[0].message) == (FOREIGN[1], f"The image {FOREIGN[1]} is blurred.")
    assert {one.state for one in new.media} == {MediaState.PROCESSING}


async def test_the_whole_catalogue_is_read_page_by_page(us: Account):
    for number in range(128):
        us.vendor.add(f"N-{number}", FOREIGN[0])
    galleries = await us.observed()
    assert [gallery.listing for gallery in galleries] == list(us.vendor.listings)
    assert sum("/v3/items?" in call.url for call in us.vendor.calls) == 3


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda page: {**page, "ItemResponse": page["ItemResponse"][:1]}, TransientError, "ended after 1 of 2"),
        (lambda page: {**page, "ItemResponse": [], "totalItems": 0}, RejectedError, "lists no item"),
        (lambda page: {**page, "ItemResponse": []}, TransientError, "ended after 0 of 2"),
        (lambda page: {"items": page["ItemResponse"], "totalItems": 2}, RejectedError, "no list ItemResponse"),
        (lambda page: {**page, "totalItems": None}, RejectedError, "no totalItems"),
        (lambda page: {**page, "ItemResponse": [{"SKU": "x"}]}, RejectedError, "has no sku"),
        (lambda page: [page], RejectedError, "is no object"),
    ],
)  # fmt: skip
async def test_a_catalogue_cut_short_or_of_another_shape_raises(us: Account, change, error, words):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(on="read", change=change, times=2))
    with pytest.raises(error, match=words):
        await us.observed()


async def test_a_cursor_that_ended_begins_anew_next_time(us: Account):
    for number in range(60):
        us.vendor.add(f"N-{number}", FOREIGN[0])
    galleries = us.system.observe(None)
    await us.run(anext(galleries))
    us.clock.leap(300)
    with pytest.raises(TransientError, match="before its end"):
        await us.run(_rest(galleries))
    assert len(await us.observed()) == 62


async def _rest(galleries) -> list[object]:
    return [gallery async for gallery in galleries]


# --- images that cannot be read ---------------------------------------------------------------------------------------


async def test_an_item_whose_images_are_not_told_raises_after_all_others_were_read(us: Account):
    us.vendor.tells = lambda listing: listing.sku != LISTING
    us.vendor.add("GL-1", FOREIGN[0])
    read: list[str] = []
    with pytest.raises(RejectedError, match=f"does not tell the images of {LISTING}: .*countPerPack") as raised:
        await us.run(_names(us.system.observe([LISTING, "GL-1", OTHER]), read))
    assert read == ["GL-1", OTHER]
    assert "nothing is replaced" in raised.value.remedy


async def _names(galleries, into: list[str]) -> None:
    async for gallery in galleries:
        into += [gallery.listing]


async def test_in_the_catalogue_it_is_never_empty_and_never_ours(us: Account):
    us.vendor.tells = lambda listing: listing.sku != LISTING
    (held, _) = await us.observed()
    assert [(one.external_id, one.name, one.state) for one in held.media] == [(UNREADABLE, "", MediaState.PROCESSING)]
    assert held.names["sku"] == LISTING
    us.vendor.tells = lambda listing: False
    with pytest.raises(RejectedError, match="nor of 1 items more"):
        await us.observed()


@pytest.mark.parametrize("renamed", ["mainImageUrl", "productSecondaryImageURL", "nameValueAttribute", "value"])
async def test_a_renamed_field_is_no_empty_gallery(us: Account, renamed: str):
    await us.observed(OTHER)
    us.vendor.mischief.append(Mischief(on="read", change=lambda data: _renamed(data, renamed)))
    with pytest.raises(RejectedError, match="does not tell the images"):
        await us.observed(LISTING)


def _renamed(data, name: str):
    if isinstance(data, list):
        return [_renamed(one, name) for one in data]
    if not isinstance(data, dict):
        return f"{data}2" if data == name else data
    return {f"{key}2" if key == name else key: _renamed(value, name) for key, value in data.items()}


async def test_nothing_is_replaced_where_images_cannot_be_read(us: Account):
    change = await us.change(LISTING, us.ours())
    us.vendor.tells = lambda listing: False
    result = (await us.apply(change))[LISTING]
    assert result.answer is Answer.REJECTED
    assert "no image of others is lost" in result.message
    assert truth(us) == FOREIGN
    assert us.vendor.written == 0


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_one_feed_carries_the_whole_batch_and_is_settled_item_by_item(us: Account):
    skus = [f"N-{number}" for number in range(120)]
    for sku in skus:
        us.vendor.add(sku, *FOREIGN)
    picture = us.ours()
    results = await us.apply(*[await us.change(sku, picture) for sku in skus])
    assert {result.answer for result in results.values()} == {Answer.PENDING}
    (job,) = {result.job for result in results.values()}
    assert (us.vendor.written, len(us.vendor.submitted)) == (1, 1)
    assert {result.answer for result in (await us.settle(job, *skus)).values()} == {Answer.PENDING}
    await us.clock.advance(us.vendor.ingestion.begins + us.vendor.ingestion.each * 60)
    halfway = await us.settle(job, *skus)
    assert [halfway[sku].answer for sku in (skus[0], skus[-1])] == [Answer.ACCEPTED, Answer.PENDING]
    await us.clock.advance(us.vendor.ingestion.each * 60)
    assert {result.answer for result in (await us.settle(job, *skus)).values()} == {Answer.ACCEPTED}
    assert all(truth(us, sku) == [*FOREIGN, picture.url] for sku in skus)
    assert us.vendor.violations == []


async def test_a_feed_names_the_whole_set_in_order_and_others_images_as_they_are(us: Account):
    picture = us.ours()
    await us.apply(await us.change(LISTING, picture))
    assert us.vendor.submitted == [
        {
            "MPItemFeedHeader": {
                "businessUnit": "WALMART_US",
                "locale": "en",
                "version": WalmartSystem.options.model_fields["spec_version"].default,
            },
            "MPItem": [
                {
                    "Orderable": {
                        "sku": LISTING,
                        "productIdentifiers": {"productIdType": "GTIN", "productId": "00000000000001"},
                    },
                    "Visible": {
                        "Facial Serums": {
                            "mainImageUrl": FOREIGN[0],
                            "productSecondaryImageURL": [FOREIGN[1], picture.url],
                        }
                    },
                }
            ],
        }
    ]


async def test_images_are_seen_some_time_after_the_feed_said_so(us: Account):
    picture = us.ours()
    job = (await us.apply(await us.change(LISTING, picture)))[LISTING].job
    await us.clock.advance(us.vendor.ingestion.begins)
    assert (await us.settle(job, LISTING))[LISTING].answer is Answer.ACCEPTED
    (gallery,) = await us.observed(LISTING)
    assert [one.url for one in gallery.media] == FOREIGN
    await us.clock.advance(us.vendor.ingestion.shows_after)
    (gallery,) = await us.observed(LISTING)
    assert [one.name for one in gallery.media] == ["", "", picture.name]


async def test_an_item_without_any_image_gets_its_first_as_the_main_one(us: Account):
    picture = us.ours()
    await us.place(OTHER, picture)
    (gallery,) = await us.observed(OTHER)
    assert [(one.name, one.role) for one in gallery.media] == [(picture.name, "main")]
    assert gallery.issues == ()


async def test_taking_ours_away_leaves_exactly_what_was_there(us: Account):
    picture, other = us.ours(), us.ours(b"two", "P2")
    await us.place(LISTING, picture, other)
    await us.apply(await us.change(LISTING, removes=[picture]))
    us.vendor.settle()
    assert truth(us) == [*FOREIGN, other.url]
    await us.apply(await us.change(LISTING, removes=[other]))
    us.vendor.settle()
    assert truth(us) == FOREIGN


@pytest.mark.parametrize(("late", "status"), [(True, 500), (True, 0), (False, 500), (False, 0)])
async def test_a_feed_whose_answer_was_lost_leaves_one_when_it_is_sent_again(us: Account, late: bool, status: int):
    picture = us.ours()
    change = await us.change(LISTING, picture)
    us.vendor.mischief.append(Mischief(status=status, late=late))
    with pytest.raises(TransientError):
        await us.apply(change)
    await us.place(LISTING, picture)
    assert truth(us) == [*FOREIGN, picture.url]
    await us.apply(await us.change(LISTING))
    us.vendor.settle()
    assert truth(us) == [*FOREIGN, picture.url]


async def test_an_answer_without_a_feed_id_leaves_the_call_in_doubt(us: Account):
    change = await us.change(LISTING, us.ours())
    us.vendor.mischief.append(Mischief(change=lambda data: {"id": data["feedId"]}))
    with pytest.raises(TransientError, match="no feedId"):
        await us.apply(change)


async def test_what_others_added_meanwhile_is_not_lost(us: Account):
    picture = us.ours()
    stale = await us.change(LISTING, picture)
    us.vendor.listings[LISTING].images.secondary += ("https://shop.example/new.jpg",)
    result = (await us.apply(stale))[LISTING]
    assert (result.answer, "https://shop.example/new.jpg" in result.message) == (Answer.RETRY, True)
    assert us.vendor.written == 0
    await us.place(LISTING, picture)
    assert truth(us) == [*FOREIGN, "https://shop.example/new.jpg", picture.url]


async def test_an_empty_batch_calls_nobody(us: Account):
    assert await us.apply() == {}
    assert us.vendor.calls == []


async def test_a_feed_takes_only_so_many_items(tmp_path: Path, clock: ManualClock):
    async with account(tmp_path, clock, sandbox=True) as us:
        skus = [f"N-{number}" for number in range(52)]
        for sku in skus:
            us.vendor.add(sku, *FOREIGN)
        results = await us.apply(*[await us.change(sku, us.ours()) for sku in skus])
        assert [results[sku].answer for sku in skus[49:]] == [Answer.PENDING, Answer.RETRY, Answer.RETRY]
        assert len(us.vendor.submitted[0]["MPItem"]) == 50
        assert {call.url.partition("/v3")[0] for call in us.vendor.calls} == {"https://sandbox.walmartapis.com"}


# --- what a feed cannot say -------------------------------------------------------------------------------------------


async def test_the_last_images_can_only_be_replaced(us: Account):
    mine, next_one = us.ours(), us.ours(b"two", "P2")
    us.vendor.add("GL-1", FOREIGN[0])
    await us.place("GL-1", mine)
    await us.place(OTHER, next_one)
    results = await us.apply(
        await us.change("GL-1", removes=[mine]), await us.change(OTHER, removes=[next_one])
    )  # fmt: skip
    assert {result.answer for result in results.values()} == {Answer.REJECTED}
    assert "cannot take the last secondary image of GL-1 away" in results["GL-1"].message
    assert "keeps a main image" in results[OTHER].message
    assert "put another picture there" in results[OTHER].message
    await us.apply(await us.change("GL-1", us.ours(b"new", "P3"), removes=[mine]))
    us.vendor.settle()
    assert truth(us, "GL-1") == [FOREIGN[0], us.ours(b"new").url]


async def test_a_listing_that_is_not_there_does_not_stop_the_others(us: Account):
    picture = us.ours()
    gone = GalleryChange("GL-9", [GalleryItem(ours=picture)], [picture])
    results = await us.apply(gone, await us.change(LISTING, picture))
    assert (results["GL-9"].answer, results[LISTING].answer) == (Answer.REJECTED, Answer.PENDING)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"url": f"{PREFIX}a.jpg?token=1"}, "has a query string"),
        ({"url": f"{PREFIX}picture"}, "does not end in one of jpg"),
        ({"url": "https://media.acme.example:9000/m/a.jpg"}, "on port 80, 443, 8080, 8443"),
        ({"url": f"{PREFIX}{'a' * 2000}.jpg"}, "2000 are taken"),
        ({"media_type": "image/webp"}, "image/webp is not taken"),
        ({"media_type": "video/mp4", "url": f"{PREFIX}a.jpg"}, "video/mp4 is not taken"),
        ({"size": 5_000_001}, "5,000,001 bytes"),
    ],
)  # fmt: skip
async def test_an_image_against_the_rules_costs_no_feed(us: Account, facts: dict, words: str):
    picture = replace(us.ours(), **facts)
    result = (await us.apply(await us.change(LISTING, picture)))[LISTING]
    assert result.answer is Answer.REJECTED
    assert words in result.message
    assert [(issue.media, words in issue.message) for issue in result.issues] == [("P1", True)]
    assert us.vendor.written == 0


@pytest.mark.parametrize(
    ("status", "headers", "answer", "words"),
    [
        (404, {}, Answer.REJECTED, "answers 404 to HEAD"),
        (405, {}, Answer.REJECTED, "answers 405 to HEAD"),
        (302, {"location": "https://elsewhere.example/a.jpg"}, Answer.REJECTED, "answers 302 to HEAD"),
        (200, {"content-type": "text/html; charset=utf-8"}, Answer.REJECTED, "served as text/html"),
        (503, {}, Answer.RETRY, "503"),
    ],
)  # fmt: skip
async def test_an_image_that_cannot_be_fetched_is_not_sent(us: Account, status, headers, answer, words):
    picture, sound = us.ours(), us.ours(b"two", "P2")
    us.public.answers[picture.url].status_code = status
    us.public.answers[picture.url].headers.clear()
    us.public.answers[picture.url].headers.update(headers)
    us.vendor.add("GL-1", *FOREIGN)
    results = await us.apply(await us.change(LISTING, picture), await us.change("GL-1", sound))
    assert (results[LISTING].answer, results["GL-1"].answer) == (answer, Answer.PENDING)
    assert words in results[LISTING].message
    assert [issue.media for issue in results[LISTING].issues] == (["P1"] if answer is Answer.REJECTED else [])


# --- what Walmart says of it ------------------------------------------------------------------------------------------


async def test_a_refused_image_is_an_issue_of_exactly_that_image_in_walmarts_words(us: Account):
    picture, sound = us.ours(), us.ours(b"two", "P2")
    us.vendor.add("GL-1", *FOREIGN)
    us.vendor.ingestion.refuses = lambda sku, url: "Image could not be downloaded." if url == picture.url else ""
    results = await us.apply(await us.change(LISTING, sound, picture), await us.change("GL-1", sound))
    await us.clock.advance(3600)
    settled = await us.settle(results[LISTING].job, LISTING, "GL-1")
    assert (settled[LISTING].answer, settled["GL-1"].answer) == (Answer.REJECTED, Answer.ACCEPTED)
    assert [(issue.media, issue.code) for issue in settled[LISTING].issues] == [(picture.name, "ERR_PDI_0002")]
    assert "Image could not be downloaded." in settled[LISTING].issues[0].message
    assert truth(us) == FOREIGN


async def test_an_image_of_others_that_is_refused_is_named_by_its_address(us: Account):
    us.vendor.ingestion.refuses = lambda sku, url: "Image is gone." if url == FOREIGN[1] else ""
    job = (await us.apply(await us.change(LISTING, us.ours())))[LISTING].job
    await us.clock.advance(3600)
    settled = await us.settle(job, LISTING)
    assert [issue.media for issue in settled[LISTING].issues] == [FOREIGN[1]]


async def test_faults_of_walmarts_own_are_tried_again(us: Account):
    us.vendor.ingestion.troubles = {LISTING: ["SYSTEM_ERROR", "TIMEOUT_ERROR"]}
    picture = us.ours()
    for _ in range(2):
        job = (await us.apply(await us.change(LISTING, picture)))[LISTING].job
        await us.clock.advance(3600)
        assert (await us.settle(job, LISTING))[LISTING].answer is Answer.RETRY
    await us.place(LISTING, picture)
    assert truth(us) == [*FOREIGN, picture.url]


async def test_a_feed_that_failed_as_a_whole_rejects_all_its_items_with_its_words(tmp_path: Path, clock: ManualClock):
    async with account(tmp_path, clock, spec_version="4.8") as us:
        job = (await us.apply(await us.change(LISTING, us.ours())))[LISTING].job
        await us.clock.advance(3600)
        settled = (await us.settle(job, LISTING))[LISTING]
        assert settled.answer is Answer.REJECTED
        assert "MPItemFeedHeader does not follow the item spec." in settled.message


async def test_a_feed_nobody_knows_yet_and_items_nobody_speaks_of_are_pending(us: Account):
    assert (await us.settle("F0@AU8BAQA", LISTING))[LISTING].answer is Answer.PENDING
    job = (await us.apply(await us.change(LISTING, us.ours())))[LISTING].job
    await us.clock.advance(3600)
    assert (await us.settle(job, LISTING, "GL-9"))["GL-9"].answer is Answer.PENDING


@pytest.mark.parametrize("renamed", ["feedStatus", "itemsReceived", "itemDetails", "itemIngestionStatus"])
async def test_a_status_of_another_shape_raises(us: Account, renamed: str):
    job = (await us.apply(await us.change(LISTING, us.ours())))[LISTING].job
    await us.clock.advance(600)
    us.vendor.mischief.append(Mischief(on="read", change=lambda data: _renamed(data, renamed)))
    with pytest.raises(TransientError, match="The status of feed F0"):
        await us.settle(job, LISTING)


async def test_only_what_still_answers_under_our_own_address_is_not_gone(us: Account):
    standing, gone = us.ours(), us.ours(b"two", "P2")
    del us.public.answers[gone.url]
    assert await us.run(us.system.check_gone([standing, gone])) == {"P1": f"{standing.url} still answers 200"}


async def test_check_tells_how_much_can_be_read(us: Account):
    us.vendor.tells = lambda listing: listing.sku == LISTING
    assert await us.run(us.system.check()) == "2 items on Walmart; the images of 1 of the first 2 can be read"
    us.vendor.tells = lambda listing: False
    assert (await us.run(us.system.check())).endswith(
        "0 of the first 2 can be read: until they can be, nothing is replaced"
    )


async def test_cancelling_leaves_no_task(us: Account):
    before = asyncio.all_tasks()
    work = asyncio.ensure_future(us.system.apply([await us.change(LISTING, us.ours())]))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    for _ in range(5):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
