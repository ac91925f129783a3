"""Amazon as its documents describe it: listings read, patched, previewed; limits kept; failures that change nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.support.amazon import CONTRACT, Book, Shop, open_shop
from tests.support.vendors.amazon.login import REFRESH, SECRET
from tests.support.vendors.amazon.shelf import TAKES
from tests.support.vendors.amazon.vendor import CA, US

from syncd.errors import AuthError, ConfigError, HostileInput, RejectedError, SyncdError, TransientError
from syncd.sdk.channel import GalleryChange
from syncd.sdk.media import Answer, MediaState
from syncd.testing.clock import ManualClock
from syncd.testing.contracts.watch import Watch
from syncd.testing.vendor import Mischief

contract = CONTRACT
LISTING, OTHER = f"GL-0412@{US}", f"GL-0413@{US}"
STUDIO = {"MAIN": "studio://front.jpg", "PT01": "studio://back.jpg", "PT04": "studio://size-chart.jpg"}


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, clock) as shop:
        yield shop
        assert shop.vendor.violations == []


async def publish(shop: Shop, book: Book, *names: str, listing: str = LISTING) -> None:
    """Put pictures up, and let Amazon take them in."""
    gallery = await shop.gallery(listing)
    results = await shop.apply(book.change(gallery, add=[shop.picture(name) for name in names]))
    assert [result.answer for result in results] == [Answer.ACCEPTED]
    book.answered(results)
    await shop.clock.advance(TAKES)
    book.see(await shop.gallery(listing))


async def additions(shop: Shop, count: int) -> list[GalleryChange]:
    """A picture more for each of so many listings."""
    for number in range(1000, 1000 + count):
        shop.vendor.shelf.add(f"GL-{number}", US, f"B{number:09}", MAIN="studio://a.jpg")
    galleries = await shop.look(*(f"GL-{number}@{US}" for number in range(1000, 1000 + count)))
    return [Book().change(gallery, add=[shop.picture(gallery.listing[:7])]) for gallery in galleries]


# --- looking --------------------------------------------------------------------------------------------------------


async def test_all_listings_of_all_marketplaces_are_read(shop: Shop):
    found = {gallery.listing: gallery for gallery in await shop.look()}
    assert set(found) == {LISTING, OTHER, f"GL-0412@{CA}"}
    assert [one.slot for one in found[LISTING].media] == ["MAIN", "PT01", "PT04"]
    assert {gallery.market for gallery in found.values()} == {"US", "CA"}
    assert found[LISTING].names["gtin"] == "4012345000000"


async def test_listings_are_read_together_and_what_is_not_found_is_asked_for(shop: Shop):
    found = await shop.look(LISTING, OTHER, f"GL-9999@{US}", f"GL-0412@{CA}")
    assert {gallery.listing: gallery.exists for gallery in found} == {
        LISTING: True, OTHER: True, f"GL-9999@{US}": False, f"GL-0412@{CA}": True,
    }  # fmt: skip
    listings = [call for call in shop.vendor.calls if "/listings/" in call.url]
    assert len(listings) == 3  # one search, the one it did not find, the one alone in Canada


async def test_a_sku_no_list_can_hold_is_asked_for_alone(shop: Shop):
    shop.vendor.shelf.add("A,B 1/2", US, "B0COMMA", MAIN="studio://a.jpg")
    found = await shop.look(f"A,B 1/2@{US}", LISTING)
    assert {gallery.listing: gallery.exists for gallery in found} == {f"A,B 1/2@{US}": True, LISTING: True}


async def test_more_listings_than_a_search_gives_out_are_all_read(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.support.vendors.amazon.vendor.MOST", 40)
    monkeypatch.setattr("syncd.systems.amazon.sweep.MOST", 40)
    for number in range(100):
        shop.vendor.shelf.add(f"GL-{number + 1000}", US, f"B{number:09}")
    found = [gallery.listing for gallery in await shop.look()]
    assert len(found) == len(set(found)) == 103


async def test_more_listings_of_one_instant_than_a_search_gives_out_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tests.support.vendors.amazon.vendor.MOST", 40)
    monkeypatch.setattr("syncd.systems.amazon.sweep.MOST", 40)
    for number in range(60):
        offer = shop.vendor.shelf.add(f"GL-{number + 1000}", US, "")
        offer.created = datetime(2025, 1, 1, tzinfo=UTC)
    with pytest.raises(RejectedError, match="2025-01-01"):
        await shop.look()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda found: {**found, "items": found["items"][:1], "pagination": {}}, id="truncated"),
        pytest.param(lambda found: {**found, "items": []}, id="empty"),
        pytest.param(lambda found: {**found, "items": [], "numberOfResults": 0}, id="nothing"),
        pytest.param(lambda found: {"entries": found["items"], "numberOfResults": 2}, id="renamed"),
        pytest.param(lambda found: {**found, "numberOfResults": "two"}, id="retyped"),
        pytest.param(lambda found: [found], id="no object"),
        pytest.param(lambda found: {**found, "items": [{"sku": "GL-0412"}]}, id="without attributes"),
    ],
)
async def test_a_listing_that_is_not_whole_raises(shop: Shop, change: Any, contracts: Watch):
    shop.vendor.mischief.append(Mischief(on="read", times=-1, change=lambda found: _listing(found, change)))
    with contracts.lying("listings that are not whole"), pytest.raises(SyncdError) as raised:
        await shop.look()
    assert raised.value.kind in ("rejected", "transient")


def _listing(found: Any, change: Any) -> Any:
    """Changes pages of listings alone, not tokens."""
    return change(found) if "numberOfResults" in found else found


async def test_unknown_members_are_tolerated(shop: Shop, contracts: Watch):
    shop.vendor.mischief.append(Mischief(on="read", times=-1, change=_decorated))
    with contracts.lying("members that nobody knows yet"):
        assert len(await shop.look()) == 3


def _decorated(found: Any) -> Any:
    if isinstance(found, dict):
        return {**{name: _decorated(value) for name, value in found.items()}, "newMember": {"a": [1]}}
    return [_decorated(each) for each in found] if isinstance(found, list) else found


async def test_a_404_that_is_not_amazons_word_is_no_missing_listing(shop: Shop, contracts: Watch):
    await shop.run(shop.system.check())  # signs in
    shop.vendor.mischief.append(Mischief(status=404, on="read", body="<html>gateway</html>"))
    with contracts.lying("a gateway's page"), pytest.raises(TransientError):
        await shop.gallery(LISTING)


async def test_a_marketplace_that_was_left_out_is_not_taken_for_gone(shop: Shop):
    with pytest.raises(ConfigError, match="marketplaces"):
        await shop.look("GL-0412@A1PA6795UKMFR9")


async def test_shoppers_may_see_anothers_image(shop: Shop):
    shop.vendor.shelf.others_shown.add(("B0GLOW0412", "PT01"))
    gallery = await shop.gallery(LISTING)
    assert {one.slot: one.shown for one in gallery.media} == {"MAIN": True, "PT01": False, "PT04": True}


async def test_the_catalogue_is_asked_only_if_wanted(tmp_path: Path, clock: ManualClock):
    async with open_shop(tmp_path, clock, shoppers=False) as shop:
        gallery = await shop.gallery(LISTING)
        assert {one.slot: one.shown for one in gallery.media} == {"MAIN": True, "PT01": None, "PT04": None}
        assert not [call for call in shop.vendor.calls if "/catalog/" in call.url]


# --- writing --------------------------------------------------------------------------------------------------------


async def test_a_picture_goes_up_is_copied_by_amazon_and_still_known(shop: Shop):
    book = Book()
    await publish(shop, book, "beach")
    gallery = await shop.gallery(LISTING)
    assert list(book.see(gallery)) == ["PT05"]
    assert [one.shown for one in gallery.media] == [True] * 4
    assert shop.vendor.slots(LISTING) == {**STUDIO, "PT05": "https://media.acme.example/m/beach.jpg"}


async def test_amazon_may_keep_our_address_for_ever(shop: Shop):
    shop.vendor.shelf.copies = False
    book = Book()
    await publish(shop, book, "beach")
    [mine] = [one for one in (await shop.gallery(LISTING)).media if one.name]
    assert (mine.name, mine.slot, mine.shown) == ("beach.jpg", "PT05", None)


@pytest.mark.parametrize("copied", [False, True])
async def test_applying_twice_changes_nothing(shop: Shop, copied: bool):
    book = Book()
    change = book.change(await shop.gallery(LISTING), add=[shop.picture("beach")])
    book.answered(await shop.apply(change))
    if copied:
        await shop.clock.advance(TAKES)
        change = book.change(await shop.gallery(LISTING))
    assert [result.answer for result in await shop.apply(change)] == [Answer.ACCEPTED]
    assert len(shop.vendor.patches) == 1


async def test_an_order_is_kept_by_moving_ours_among_others(shop: Shop):
    book = Book()
    await publish(shop, book, "old")
    gallery = await shop.gallery(LISTING)
    change = book.change(gallery, add=[shop.picture("new")])
    change = replace(change, gallery=[*change.gallery[:3], change.gallery[4], change.gallery[3]])
    book.answered(await shop.apply(change))
    await shop.clock.advance(TAKES)
    assert {slot: one.placement for slot, one in book.see(await shop.gallery(LISTING)).items()} == {
        "PT05": "P-new", "PT06": "P-old",
    }  # fmt: skip
    assert {slot: source for slot, source in shop.vendor.slots(LISTING).items() if slot in STUDIO} == STUDIO


async def test_a_takedown_clears_its_slot_alone(shop: Shop):
    book = Book()
    await publish(shop, book, "beach", "pool")
    await shop.apply(book.change(await shop.gallery(LISTING), remove=["P-beach"]))
    assert shop.vendor.slots(LISTING) == {**STUDIO, "PT06": "https://media.acme.example/m/pool.jpg"}
    await shop.apply(book.change(await shop.gallery(LISTING), remove=["P-pool"]))
    assert shop.vendor.slots(LISTING) == STUDIO


async def test_an_image_of_others_in_a_slot_that_was_ours_survives_our_takedown(shop: Shop):
    book = Book()
    await publish(shop, book, "beach")
    change = book.change(await shop.gallery(LISTING), remove=["P-beach"])
    shop.vendor.offer(LISTING).images["other_product_image_locator_5"] = "https://m.media-amazon.com/images/I/61new.jpg"
    await shop.apply(change)
    assert shop.vendor.slots(LISTING)["PT05"] == "https://m.media-amazon.com/images/I/61new.jpg"


async def test_what_amazon_calls_invalid_is_a_reason_on_exactly_its_picture(shop: Shop):
    shop.vendor.invalid["other_product_image_locator_5"] = "The image is smaller than 500 pixels."
    gallery = await shop.gallery(LISTING)
    book = Book()
    [result] = await shop.apply(book.change(gallery, add=[shop.picture("small"), shop.picture("large")]))
    assert (result.answer, result.message) == (Answer.REJECTED, "The image is smaller than 500 pixels.")
    assert [(issue.media, issue.code) for issue in result.issues] == [("P-small", "90000900")]
    assert shop.vendor.slots(LISTING) == STUDIO


async def test_an_image_amazon_cannot_use_afterwards_fails_with_its_words(shop: Shop):
    book = Book()
    picture = shop.picture("beach")
    book.answered(await shop.apply(book.change(await shop.gallery(LISTING), add=[picture])))
    shop.served.clear()
    await shop.clock.advance(TAKES)
    gallery = await shop.gallery(LISTING)
    [failed] = [one for one in gallery.media if one.state is MediaState.FAILED]
    assert (failed.slot, failed.name) == ("PT05", "beach.jpg")
    assert "Unable to retrieve" in failed.message
    assert [issue.media for issue in gallery.issues] == ["beach.jpg"]


async def test_a_preview_changes_nothing(shop: Shop):
    gallery = await shop.gallery(LISTING)
    change = Book().change(gallery, add=[shop.picture("beach")])
    [said] = await shop.run(shop.system.preview([change]))
    assert said.answer is Answer.ACCEPTED
    shop.vendor.invalid["other_product_image_locator_5"] = "Too small."
    [said] = await shop.run(shop.system.preview([change]))
    assert (said.answer, said.message) == (Answer.REJECTED, "Too small.")
    assert (shop.vendor.written, shop.vendor.slots(LISTING)) == (0, STUDIO)


async def test_a_listing_amazon_does_not_know_is_rejected_and_the_others_go_on(shop: Shop):
    book = Book()
    known = book.change(await shop.gallery(OTHER), add=[shop.picture("beach")])
    unknown = replace(known, listing=f"GL-9999@{US}")
    found = {result.listing: result.answer for result in await shop.apply(unknown, known)}
    assert found == {f"GL-9999@{US}": Answer.REJECTED, OTHER: Answer.ACCEPTED}


async def test_a_listing_that_is_not_complete_is_not_written_to(shop: Shop):
    change = Book().change(await shop.gallery(OTHER), add=[shop.picture("beach")])
    shop.vendor.offer(OTHER).product_type = ""
    [result] = await shop.apply(change)
    assert (result.answer, shop.vendor.patches) == (Answer.REJECTED, [])
    assert "product type" in result.message


# --- reachability ---------------------------------------------------------------------------------------------------


async def test_a_picture_the_world_cannot_fetch_is_not_submitted(shop: Shop):
    picture = shop.picture("beach")
    shop.served.clear()
    change = Book().change(await shop.gallery(LISTING), add=[picture])
    with pytest.raises(TransientError, match=r"could not fetch .*/m/beach\.jpg"):
        await shop.apply(change)
    assert shop.vendor.patches == []


async def test_one_unreachable_picture_keeps_no_other_listing_back(shop: Shop):
    lost, found = shop.picture("lost"), shop.picture("found")
    shop.served.discard(lost.url)
    first = Book().change(await shop.gallery(LISTING), add=[lost])
    second = Book().change(await shop.gallery(OTHER), add=[found])
    answers = {result.listing: result.answer for result in await shop.apply(first, second)}
    assert answers == {LISTING: Answer.RETRY, OTHER: Answer.ACCEPTED}


async def test_a_private_address_is_a_fault_of_the_configuration(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    async def refuse(url: str) -> AsyncIterator[bytes]:
        raise HostileInput("private-address", f"{url} is at 10.0.0.1.")
        yield b""

    monkeypatch.setattr(shop.system._reachability, "_context", _with_fetch(shop, refuse))
    change = Book().change(await shop.gallery(LISTING), add=[shop.picture("beach")])
    with pytest.raises(ConfigError, match="SYNCD_PUBLIC_URL"):
        await shop.apply(change)


def _with_fetch(shop: Shop, fetch: Any) -> Any:
    return replace(shop.system._context, fetch=fetch)


async def test_what_still_answers_after_a_takedown_is_told(shop: Shop):
    there, gone = shop.picture("there"), shop.picture("gone")
    shop.served.discard(gone.url)
    assert await shop.run(shop.system.check_gone([there, gone])) == {
        "P-there": "https://media.acme.example/m/there.jpg still answers 200"
    }


# --- failures -------------------------------------------------------------------------------------------------------


def limited(**headers: str) -> Mischief:
    """Amazon had too many patches."""
    error = {"code": "QuotaExceeded", "message": "You exceeded your quota for the requested resource.", "details": ""}
    headers = {"content-type": "application/json", **headers}
    return Mischief(429, headers=headers, body=json.dumps({"errors": [error]}))


@pytest.mark.parametrize("mischief", [Mischief(500, late=True), Mischief(0, late=True), Mischief(503), limited()])
async def test_whatever_happens_to_the_call_one_picture_stands(shop: Shop, mischief: Mischief):
    change = Book().change(await shop.gallery(LISTING), add=[shop.picture("beach")])
    shop.vendor.mischief.append(mischief)
    assert [result.answer for result in await shop.apply(change)] == [Answer.ACCEPTED]
    assert list(shop.vendor.slots(LISTING)) == ["MAIN", "PT01", "PT04", "PT05"]


async def test_retry_after_is_waited_for(shop: Shop):
    change = Book().change(await shop.gallery(LISTING), add=[shop.picture("beach")])
    shop.vendor.mischief.append(limited(**{"Retry-After": "17"}))
    began = shop.clock.monotonic()
    await shop.apply(change)
    assert shop.clock.monotonic() - began >= 17


async def test_a_login_that_fails_stops_the_whole_call(shop: Shop):
    first = Book().change(await shop.gallery(LISTING), add=[shop.picture("beach")])
    second = Book().change(await shop.gallery(OTHER), add=[shop.picture("pool")])
    shop.vendor.desk.closed = True
    shop.vendor.desk.end_all()
    with pytest.raises(AuthError):
        await shop.apply(first, second)


async def test_a_cancelled_call_leaves_no_task(shop: Shop):
    batch = await additions(shop, 12)
    before = asyncio.all_tasks()
    work = asyncio.create_task(shop.system.apply(batch))
    for _ in range(1000):  # until four have gone, one token is kept for takedowns, and the others wait for time
        await asyncio.sleep(0)
    assert len(shop.vendor.patches) == 4
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert {task for task in asyncio.all_tasks() - before if task.get_name() != "limits"} == set()


# --- login ----------------------------------------------------------------------------------------------------------


async def test_a_token_serves_all_calls_and_is_renewed_before_it_ends(shop: Shop):
    await asyncio.gather(*(shop.run(shop.system.check()) for _ in range(2)))
    assert shop.vendor.desk.given == 1
    await shop.clock.advance(3541)
    await shop.run(shop.system.check())
    assert shop.vendor.desk.given == 2
    assert not [call for call in shop.vendor.calls if call.status == 403]


async def test_a_token_that_ended_is_renewed_once(shop: Shop):
    await shop.run(shop.system.check())
    shop.vendor.desk.end_all()
    await shop.run(shop.system.check())
    assert shop.vendor.desk.given == 2
    assert [call.status for call in shop.vendor.calls].count(403) == 1


async def test_an_authorization_that_was_taken_back_is_an_auth_error_without_secrets(shop: Shop):
    shop.vendor.desk.closed = True
    with structlog.testing.capture_logs() as lines, pytest.raises(AuthError) as raised:
        await shop.run(shop.system.check())
    told = f"{raised.value} {raised.value.data} {lines}"
    assert "invalid_grant" in told
    for secret in (SECRET, REFRESH, "s3cr3t"):
        assert secret not in told


async def test_what_the_application_may_not_do_is_tried_with_one_other_token_at_most(shop: Shop):
    await shop.run(shop.system.check())
    shop.vendor.desk.forbidden.add("searchListingsItems")
    for _ in range(3):
        with pytest.raises(AuthError):
            await shop.run(shop.system.check())
    assert shop.vendor.desk.given == 2


async def test_an_unreachable_amazon_is_no_auth_error(shop: Shop):
    shop.vendor.mischief.append(Mischief(0, on="any", times=-1))
    with pytest.raises(TransientError):
        await shop.run(shop.system.check())


async def test_the_check_says_what_was_found(shop: Shop):
    assert await shop.run(shop.system.check()) == f"seller A3AYAZLIQ7AX77 has listings: 2 in {US}, 1 in {CA}"


# --- limits ---------------------------------------------------------------------------------------------------------


async def test_usage_plans_are_kept(shop: Shop):
    batch = await additions(shop, 40)
    began = shop.clock.monotonic()
    results = await shop.apply(*batch)
    assert {result.answer for result in results} == {Answer.ACCEPTED}
    assert shop.clock.monotonic() - began > 6  # 40 patches, four of them at once, five a second


async def test_the_accounts_own_rate_counts(shop: Shop):
    shop.vendor.buckets.plans["searchListingsItems"] = (0.5, 5)
    await shop.run(shop.system.check())
    began = shop.clock.monotonic()
    for _ in range(4):
        await shop.run(shop.system.check())
    assert shop.clock.monotonic() - began >= 8  # two calls each, one in two seconds, four of five tokens to begin with
