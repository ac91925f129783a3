"""Shopify as a channel, against the fake shop: what is put up, ordered and taken down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.shopify import CONTRACT, Bench, bench
from tests.support.vendors.shopify.state import Product, Variant

from syncd.domain.product import ProductRecord
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.media import Answer, MediaState
from syncd.testing.contracts.watch import Watch

contract = CONTRACT


@pytest.fixture
async def shop(tmp_path, clock):
    async with bench(tmp_path, clock) as opened:
        yield opened
    assert opened.shop.violations == []


def sources(shop: Bench, listing: str) -> list[str]:
    return [one.source for one in shop.shop.gallery(listing)]


# --- putting up -----------------------------------------------------------------------------------------------------


async def test_a_picture_is_uploaded_processed_and_put_behind_what_others_placed(shop: Bench, contracts: Watch):
    picture = shop.media(b"a beach", alt="Glow at the beach")
    result = await shop.carry_out(shop.shop.LISTING, [picture])
    assert result.answer is Answer.ACCEPTED
    seen = await shop.observe(shop.shop.LISTING)
    assert [(one.name, one.alt, one.state) for one in seen.media] == [
        ("", "on white", MediaState.READY),
        (picture.name, "Glow at the beach", MediaState.READY),
    ]
    assert result.external_ids == {"P1": seen.media[1].external_id}
    assert sources(shop, shop.shop.LISTING) == ["studio", picture.sha256]
    asked = {"stagedUploadsCreate", "fileCreate", "fileUpdate"}
    assert asked <= set(contracts.operations) or not contracts.validates


async def test_nothing_is_put_in_before_it_is_ready_and_then_only_by_another_apply(shop: Bench):
    picture = shop.media(b"a beach")
    (result,) = await shop.apply(await shop.change(shop.shop.LISTING, [picture]))
    assert (result.answer, result.message) == (Answer.PENDING, "Shopify is processing the files.")
    (early,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    assert early.answer is Answer.PENDING
    await shop.clock.advance(5)
    (ready,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    assert ready.answer is Answer.RETRY
    assert sources(shop, shop.shop.LISTING) == ["studio"]


async def test_a_long_video_keeps_no_call_open(shop: Bench):
    shop.shop.state.processing *= 100
    film = shop.media(b"film", media_type="video/mp4")
    change = await shop.change(shop.shop.LISTING, [film])
    (result,) = await shop.apply(change)
    await shop.clock.advance(30)
    (late,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    assert late.answer is Answer.RETRY
    (again,) = await shop.apply(change)
    assert again.answer is Answer.PENDING
    assert len(shop.shop.asked("fileCreate")) == 1


async def test_applying_twice_changes_nothing(shop: Bench):
    pictures = [shop.media(b"one", "P1", alt="One"), shop.media(b"two", "P2")]
    await shop.carry_out(shop.shop.LISTING, pictures)
    written = shop.shop.written
    result = await shop.carry_out(shop.shop.LISTING, pictures, add=pictures)
    assert (result.answer, set(result.external_ids)) == (Answer.ACCEPTED, {"P1", "P2"})
    assert shop.shop.written == written
    assert len(shop.shop.asked("fileCreate")) == 2


async def test_one_file_serves_several_listings(shop: Bench):
    picture = shop.media(b"both")
    await shop.carry_out(shop.shop.LISTING, [picture])
    await shop.carry_out(shop.shop.OTHER, [replace(picture, placement="P2")])
    assert sources(shop, shop.shop.OTHER) == [picture.sha256]
    assert len(shop.shop.asked("fileCreate")) == 1


async def test_listings_of_one_call_that_get_the_same_picture_share_its_upload(shop: Bench):
    picture = shop.media(b"both")
    changes = [
        await shop.change(shop.shop.LISTING, [picture]),
        await shop.change(shop.shop.OTHER, [replace(picture, placement="P2")]),
    ]
    first, second = await shop.apply(*changes)
    assert first.job == second.job
    await shop.clock.advance(5)
    settled = await shop.run(shop.system.settle(first.job, [shop.shop.LISTING, shop.shop.OTHER]))
    assert [one.answer for one in settled] == [Answer.RETRY, Answer.RETRY]
    done = await shop.apply(*changes)
    assert [one.answer for one in done] == [Answer.ACCEPTED, Answer.ACCEPTED]
    assert len(shop.shop.asked("fileCreate")) == 1


async def test_another_process_finds_the_file_by_its_name(tmp_path, clock, shop: Bench):
    picture = shop.media(b"a beach")
    await shop.apply(await shop.change(shop.shop.LISTING, [picture]))
    async with bench(tmp_path, clock, shop=shop.shop) as other:
        other.media(b"a beach")
        result = await other.carry_out(shop.shop.LISTING, [picture])
    assert result.answer is Answer.ACCEPTED
    assert len(shop.shop.state.files) == 2  # the studio's and ours, although searches did not know it at first


async def test_what_a_search_finds_besides_is_neither_put_in_nor_deleted(tmp_path, clock, shop: Bench):
    """Searches find words within; a file that is processed, or failed, does not tell its name."""
    picture = shop.media(b"a beach", alt="Glow")
    await shop.apply(await shop.change(shop.shop.LISTING, [picture]))
    theirs = shop.shop.state.add_file("MediaImage", "beach.jpg", "theirs", alt="A beach", foreign=True)
    theirs.ready_at = clock.now() + timedelta(seconds=2)
    theirs.faults = [("UNKNOWN", "It failed.")]
    found = shop.shop._reading.found_files
    shop.shop._reading.found_files = lambda query: [shop.shop._reading.file(theirs), *found(query)]  # type: ignore
    async with bench(tmp_path, clock, shop=shop.shop) as other:
        other.media(b"a beach")
        result = await other.carry_out(shop.shop.LISTING, [picture])
    assert result.answer is Answer.ACCEPTED
    assert sources(shop, shop.shop.LISTING) == ["studio", picture.sha256]
    assert theirs.id in shop.shop.state.files


async def test_a_failed_file_that_only_its_alt_text_tells_is_refused_and_deleted(tmp_path, clock, shop: Bench):
    bad = shop.media(b"BROKEN", alt="Glow")
    await shop.apply(await shop.change(shop.shop.LISTING, [bad]))
    async with bench(tmp_path, clock, shop=shop.shop) as other:
        other.media(b"BROKEN")
        result = await other.carry_out(shop.shop.LISTING, [bad])
    assert (result.answer, [issue.media for issue in result.issues]) == (Answer.REJECTED, ["P1"])
    assert len(shop.shop.state.files) == 1


async def test_the_ending_of_a_name_that_was_taken_does_not_hide_that_it_is_ours(shop: Bench):
    film = shop.media(b"film", media_type="video/mp4")
    for _ in range(2):  # of a video Shopify takes no other mode than to add a copy
        await shop.run(shop.system._files.make([film]))
    await shop.clock.advance(10)
    for file in list(shop.shop.state.files.values())[1:]:
        shop.shop.state.reference(file.id, shop.shop.LISTING)
    seen = await shop.observe(shop.shop.LISTING)
    assert [one.name for one in seen.media] == ["", film.name, film.name]
    assert [one.role for one in seen.media] == ["main", "video", "video"]


async def test_the_alt_text_is_cut_and_follows(shop: Bench):
    picture = shop.media(b"a beach", alt="x" * 600)
    await shop.carry_out(shop.shop.LISTING, [picture])
    assert (await shop.observe(shop.shop.LISTING)).media[1].alt == "x" * 512
    await shop.carry_out(shop.shop.LISTING, [replace(picture, alt="Glow")], add=[])
    assert (await shop.observe(shop.shop.LISTING)).media[1].alt == "Glow"


async def test_a_listing_that_is_not_there_keeps_the_others_going(shop: Bench):
    picture = shop.media(b"a beach")
    missing = GalleryChange("gid://shopify/Product/404", [GalleryItem(ours=picture)], [picture])
    odd = GalleryChange("no id at all", [GalleryItem(ours=picture)], [picture])
    results = await shop.apply(missing, odd, await shop.change(shop.shop.LISTING, [picture]))
    assert {one.listing: one.answer for one in results} == {
        "gid://shopify/Product/404": Answer.REJECTED,
        "no id at all": Answer.REJECTED,
        shop.shop.LISTING: Answer.PENDING,
    }


# --- order ----------------------------------------------------------------------------------------------------------


async def test_ours_come_first_where_the_gallery_says_so_and_others_keep_their_order(shop: Bench):
    shop.shop.add_foreign(shop.shop.LISTING, "second.jpg")
    pictures = [shop.media(b"one", "P1"), shop.media(b"two", "P2")]
    result = await shop.carry_out(shop.shop.LISTING, pictures, first=True)
    assert result.answer is Answer.ACCEPTED
    assert sources(shop, shop.shop.LISTING) == [pictures[0].sha256, pictures[1].sha256, "studio", "second.jpg"]
    moved = {move["id"] for asked in shop.shop.asked("productReorderMedia") for move in asked["moves"]}
    assert not {one for one in moved if shop.shop.state.files[one].foreign}


async def test_a_move_is_pending_until_shopify_has_carried_it_out(shop: Bench):
    pictures = [shop.media(b"one", "P1"), shop.media(b"two", "P2")]
    await shop.carry_out(shop.shop.LISTING, pictures)
    (result,) = await shop.apply(await shop.change(shop.shop.LISTING, pictures[::-1]))
    assert result.answer is Answer.PENDING
    (early,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    await shop.clock.advance(3)
    (done,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    assert (early.answer, done.answer) == (Answer.PENDING, Answer.ACCEPTED)
    assert sources(shop, shop.shop.LISTING)[1:] == [pictures[1].sha256, pictures[0].sha256]


async def test_what_others_added_since_the_decision_stays_where_it_is(shop: Bench):
    picture = shop.media(b"one")
    await shop.carry_out(shop.shop.LISTING, [picture])
    change = await shop.change(shop.shop.LISTING, [picture], first=True)
    shop.shop.add_foreign(shop.shop.LISTING, "late.jpg")
    await shop.apply(change)
    await shop.clock.advance(3)
    assert sources(shop, shop.shop.LISTING) == [picture.sha256, "studio", "late.jpg"]


# --- taking down ----------------------------------------------------------------------------------------------------


async def test_what_leaves_is_taken_out_and_deleted_once_nothing_uses_it(shop: Bench):
    picture = shop.media(b"old")
    await shop.carry_out(shop.shop.LISTING, [picture])
    gone = replace(picture, facts={"cause": "superseded"})
    result = await shop.carry_out(shop.shop.LISTING, [], remove=[gone])
    assert result.answer is Answer.ACCEPTED
    assert sources(shop, shop.shop.LISTING) == ["studio"]
    assert [file.name for file in shop.shop.state.files.values()] == ["studio.jpg"]


async def test_what_leaves_one_listing_stays_in_another(shop: Bench):
    picture = shop.media(b"both")
    await shop.carry_out(shop.shop.LISTING, [picture])
    await shop.carry_out(shop.shop.OTHER, [picture])
    gone = replace(picture, facts={"cause": "unmatched"})
    result = await shop.carry_out(shop.shop.LISTING, [], remove=[gone])
    assert result.answer is Answer.ACCEPTED  # in time, although the file is not deleted
    assert (sources(shop, shop.shop.LISTING), sources(shop, shop.shop.OTHER)) == (["studio"], [picture.sha256])
    await shop.carry_out(shop.shop.OTHER, [], remove=[gone])
    assert len(shop.shop.state.files) == 1


async def test_what_left_one_listing_and_is_put_into_another_is_not_deleted_there(shop: Bench):
    """Searches are behind: they call a file unused for a while after it was put in."""
    picture = shop.media(b"both")
    await shop.carry_out(shop.shop.LISTING, [picture])
    shop.shop.state.index_lag = timedelta(minutes=1)
    gone = replace(picture, facts={"cause": "unmatched"})
    await shop.apply(await shop.change(shop.shop.LISTING, remove=[gone]))
    removed = shop.clock.now()
    await shop.clock.advance(20)
    (result,) = await shop.apply(await shop.change(shop.shop.OTHER, [picture]))
    assert result.answer is Answer.ACCEPTED
    between = removed + timedelta(seconds=5)
    await shop.clock.advance((between + shop.shop.state.index_lag - shop.clock.now()).total_seconds())
    file = result.external_ids["P1"]
    assert await shop.run(shop.system._files.unused([file])) == [file]
    await shop.apply()
    assert sources(shop, shop.shop.OTHER) == [picture.sha256]


async def test_a_legal_reason_deletes_the_file_at_once_in_one_call_for_many_listings(shop: Bench):
    picture, film = shop.media(b"both"), shop.media(b"film", "P2", media_type="video/mp4")
    await shop.carry_out(shop.shop.LISTING, [picture])
    await shop.carry_out(shop.shop.OTHER, [picture, film])
    gone = [replace(one, facts={"cause": "grant_revoked"}) for one in (picture, film)]
    changes = [
        await shop.change(shop.shop.LISTING, remove=gone[:1]),
        await shop.change(shop.shop.OTHER, remove=gone),
    ]
    results = await shop.apply(*changes)
    assert [one.answer for one in results] == [Answer.ACCEPTED, Answer.ACCEPTED]
    assert [file.name for file in shop.shop.state.files.values()] == ["studio.jpg"]
    assert len(shop.shop.asked("fileDelete")) == 1
    again = await shop.apply(*changes)
    assert [one.answer for one in again] == [Answer.ACCEPTED, Answer.ACCEPTED]


async def test_a_revocation_that_comes_while_the_file_is_processed_keeps_it_out_for_good(shop: Bench):
    picture = shop.media(b"a beach")
    (result,) = await shop.apply(await shop.change(shop.shop.LISTING, [picture]))
    await shop.clock.advance(10)
    await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    gone = replace(picture, facts={"cause": "grant_ended"})
    (taken,) = await shop.apply(await shop.change(shop.shop.LISTING, remove=[gone]))
    assert taken.answer is Answer.ACCEPTED
    assert [file.name for file in shop.shop.state.files.values()] == ["studio.jpg"]


async def test_a_file_without_our_name_is_known_by_its_id(shop: Bench):
    picture = shop.media(b"a beach")
    result = await shop.carry_out(shop.shop.LISTING, [picture])
    known = result.external_ids["P1"]
    shop.shop.state.files[known].name = "renamed-by-a-merchant.jpg"
    gone = replace(picture, external_id=known, facts={"cause": "superseded"})
    await shop.apply(await shop.change(shop.shop.LISTING, remove=[gone]))
    assert sources(shop, shop.shop.LISTING) == ["studio"]


async def test_copies_of_ours_leave(shop: Bench):
    film = shop.media(b"film", media_type="video/mp4")
    await shop.carry_out(shop.shop.LISTING, [film])
    await shop.run(shop.system._files.make([film]))
    await shop.clock.advance(10)
    shop.shop.state.reference(list(shop.shop.state.files)[-1], shop.shop.LISTING)
    assert len(sources(shop, shop.shop.LISTING)) == 3
    await shop.carry_out(shop.shop.LISTING, [film], add=[])
    assert sources(shop, shop.shop.LISTING) == ["studio", film.sha256]


async def test_what_the_network_still_serves_is_told(shop: Bench):
    picture = shop.media(b"a beach")
    result = await shop.carry_out(shop.shop.LISTING, [picture])
    seen = (await shop.observe(shop.shop.LISTING)).media[1]
    media = replace(picture, external_id=result.external_ids["P1"], seen_url=seen.url)
    gone = replace(media, facts={"cause": "consent_withdrawn"})
    await shop.apply(await shop.change(shop.shop.LISTING, remove=[gone]))
    shop.shop.serve_deleted = shop.shop.state.processing
    assert await shop.run(shop.system.check_gone([media])) == {"P1": f"{seen.url} still answers 200"}
    shop.shop.serve_deleted *= 0
    assert await shop.run(shop.system.check_gone([media])) == {}


async def test_what_the_shop_goes_on_using_elsewhere_is_no_leftover(shop: Bench):
    picture = shop.media(b"both")
    result = await shop.carry_out(shop.shop.LISTING, [picture])
    await shop.carry_out(shop.shop.OTHER, [picture])
    seen = (await shop.observe(shop.shop.LISTING)).media[1]
    media = replace(picture, external_id=result.external_ids["P1"], seen_url=seen.url)
    assert await shop.run(shop.system.check_gone([media])) == {}


# --- variants -------------------------------------------------------------------------------------------------------


async def test_a_variant_gets_the_first_picture_that_shows_it(shop: Bench):
    pictures = [shop.media(b"film", "P1", media_type="video/mp4"), shop.media(b"medium", "P2")]
    product = ProductRecord(sku="GL-2-M")
    result = await shop.carry_out(shop.shop.OTHER, pictures, product=product)
    small, medium = shop.shop.state.products[shop.shop.OTHER].variants
    assert (small.media, medium.media) == ([], [result.external_ids["P2"]])
    newer = [shop.media(b"newer", "P3")]
    gone = [replace(one, facts={"cause": "displaced"}) for one in pictures]
    result = await shop.carry_out(shop.shop.OTHER, newer, remove=gone, product=product)
    assert medium.media == [result.external_ids["P3"]]


async def test_a_variants_picture_that_others_chose_stays(shop: Bench):
    studio = shop.shop.add_foreign(shop.shop.OTHER, "studio-m.jpg")
    medium = shop.shop.state.products[shop.shop.OTHER].variants[1]
    medium.media = [studio]
    await shop.carry_out(shop.shop.OTHER, [shop.media(b"medium")], product=ProductRecord(sku="GL-2-M"))
    assert medium.media == [studio]


async def test_variants_are_left_alone_where_the_options_say_so(tmp_path, clock):
    async with bench(tmp_path, clock, variant_media=False) as shop:
        await shop.carry_out(shop.shop.OTHER, [shop.media(b"medium")], product=ProductRecord(sku="GL-2-M"))
        assert shop.shop.state.products[shop.shop.OTHER].variants[1].media == []


# --- reading --------------------------------------------------------------------------------------------------------


async def everything(shop: Bench) -> dict[str, ObservedGallery]:
    async def read() -> dict[str, ObservedGallery]:
        return {gallery.listing: gallery async for gallery in shop.system.observe(None)}

    return await shop.run(read())


async def test_the_whole_shop_is_read_by_one_bulk_operation(shop: Bench):
    picture, film = shop.media(b"both"), shop.media(b"film", "P2", media_type="video/mp4")
    await shop.carry_out(shop.shop.LISTING, [film, picture])
    one_by_one = {listing: await shop.observe(listing) for listing in (shop.shop.LISTING, shop.shop.OTHER)}
    assert await everything(shop) == one_by_one
    assert one_by_one[shop.shop.OTHER].names == {
        "sku": ["GL-2-S", "GL-2-M"],
        "gtin": ["0401"],
        "handle": "glow-shirt",
    }
    assert len(shop.shop.asked("bulkOperationRunQuery")) == 1


async def test_long_galleries_and_many_variants_are_read_with_all_their_pages(shop: Bench):
    for number in range(230):
        shop.shop.add_foreign(shop.shop.OTHER, f"{number}.jpg")
    known = shop.shop.state.products[shop.shop.OTHER]
    known.variants = [Variant(f"gid://shopify/ProductVariant/{n}", f"S-{n}") for n in range(100, 350)]
    seen = await shop.observe(shop.shop.OTHER)
    assert [one.url.rpartition("/")[2].partition("?")[0] for one in seen.media] == [f"{n}.jpg" for n in range(230)]
    assert seen.names["sku"] == [f"S-{n}" for n in range(100, 350)]


async def test_many_listings_are_read_within_the_cost_of_a_query(shop: Bench):
    now = shop.clock.now()
    ids = [f"gid://shopify/Product/{number}" for number in range(100, 140)]
    shop.shop.state.products |= {one: Product(one, one[-3:], "x", [Variant(f"{one}v", one)], now) for one in ids}

    async def read() -> list[ObservedGallery]:
        return [gallery async for gallery in shop.system.observe([*ids, "gid://shopify/Product/9", "nonsense"])]

    seen = {gallery.listing: gallery.exists for gallery in await shop.run(read())}
    assert seen == {**dict.fromkeys(ids, True), "gid://shopify/Product/9": False, "nonsense": False}


@pytest.mark.parametrize(
    ("status", "store", "shown"),
    [("ACTIVE", "https://x.example", True), ("ACTIVE", None, None), ("DRAFT", None, False), ("NEW", None, None)],
)
async def test_whether_shoppers_see_it(shop: Bench, status: str, store: str | None, shown: bool | None):
    known = shop.shop.state.products[shop.shop.LISTING]
    known.store_url = store
    if status != "NEW":
        known.status = status
    assert (await shop.observe(shop.shop.LISTING)).media[0].shown is shown
