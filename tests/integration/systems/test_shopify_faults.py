"""Shopify when things go wrong: lost answers, throttles, logins, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.shopify import CONTRACT, Bench, bench
from tests.support.vendors.shopify import ShopifyShop

from syncd.engine.work import Urgency
from syncd.errors import AuthError, NotFoundError, RateLimited, RejectedError, SyncdError, TransientError
from syncd.sdk.media import Answer, MediaState
from syncd.systems.shopify.api import ScopeMissing, ShopClosed
from syncd.testing.contracts.watch import Watch
from syncd.testing.vendor import Mischief, body_of

contract = CONTRACT


@pytest.fixture(autouse=True)
def lies(contracts: Watch):
    """Some of these answers are no answers of Shopify's; requests are held against the contract all the same."""
    with contracts.lying("answers that are not whole, not understood, or refusals"):
        yield


@pytest.fixture
async def shop(tmp_path, clock):
    async with bench(tmp_path, clock) as opened:
        yield opened


def only(shop: Bench, field: str, mischief: Mischief) -> None:
    """Let it go wrong with the requests that have this root field."""
    shop.shop.writes = lambda request: (  # type: ignore[method-assign]
        "graphql" in request.url.path and field in (body_of(request) or {}).get("query", "")
    )
    mischief.on = "write"
    shop.shop.mischief.append(mischief)


# --- answers that never came ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["fileCreate", "fileUpdate", "productReorderMedia"])
@pytest.mark.parametrize("status", [500, 0])
async def test_a_call_whose_answer_was_lost_leaves_one_picture(shop: Bench, field: str, status: int):
    pictures = [shop.media(b"one", "P1"), shop.media(b"two", "P2")]
    only(shop, field, Mischief(status=status, late=True))
    with pytest.raises(TransientError):
        await shop.carry_out(shop.shop.LISTING, pictures, first=True)
    result = await shop.carry_out(shop.shop.LISTING, pictures, first=True)
    assert result.answer is Answer.ACCEPTED
    await shop.clock.advance(10)
    standing = [one.source for one in shop.shop.gallery(shop.shop.LISTING)]
    assert standing == [pictures[0].sha256, pictures[1].sha256, "studio"]
    assert len(shop.shop.state.files) == 3
    assert shop.shop.violations == []


async def test_a_takedown_whose_answer_was_lost_is_done_when_looked_at_again(shop: Bench):
    picture = shop.media(b"one")
    await shop.carry_out(shop.shop.LISTING, [picture])
    only(shop, "fileDelete", Mischief(status=0, late=True))
    change = await shop.change(shop.shop.LISTING, remove=[replace(picture, facts={"cause": "withdrawn"})])
    with pytest.raises(TransientError):
        await shop.apply(change)
    (result,) = await shop.apply(change)
    assert (result.answer, len(shop.shop.gallery(shop.shop.LISTING))) == (Answer.ACCEPTED, 1)


async def test_storage_that_fails_leaves_no_file(shop: Bench):
    picture = shop.media(b"one")
    shop.contents[picture.sha256] = b"other bytes, which are more"
    with pytest.raises(SyncdError):
        await shop.apply(await shop.change(shop.shop.LISTING, [picture]))
    assert shop.shop.asked("fileCreate") == []


async def test_a_reading_is_repeated_and_a_write_is_not(shop: Bench):
    shop.shop.mischief.append(Mischief(status=503, on="read"))
    assert (await shop.observe(shop.shop.LISTING)).exists
    only(shop, "fileDelete", Mischief(status=503))
    picture = shop.media(b"one")
    await shop.carry_out(shop.shop.LISTING, [picture])
    before = len(shop.shop.calls)
    with pytest.raises(TransientError):
        await shop.apply(await shop.change(shop.shop.LISTING, remove=[replace(picture, facts={"cause": "withdrawn"})]))
    assert [call.status for call in shop.shop.calls[before:]].count(503) == 1


# --- limits ---------------------------------------------------------------------------------------------------------


async def test_a_throttled_call_says_when_there_will_be_points_enough(shop: Bench):
    shop.shop.bucket.available = 0
    with pytest.raises(RateLimited) as caught:
        await shop.system.check()
    assert caught.value.retry_after == pytest.approx(4 / 100)


async def test_what_answers_say_of_the_bucket_is_kept_to(shop: Bench):
    for number in range(40):
        shop.shop.add_foreign(shop.shop.LISTING, f"{number}.jpg")
    shop.shop.bucket.available = 400
    await shop.observe(shop.shop.OTHER)  # its answer tells how little there is

    async def read() -> None:
        for _ in range(30):
            assert [gallery async for gallery in shop.system.observe([shop.shop.LISTING, shop.shop.OTHER])]

    began = shop.clock.monotonic()
    await asyncio.wait_for(shop.run(asyncio.gather(*(read() for _ in range(3)))), 60)
    assert shop.shop.throttled == 0
    assert shop.clock.monotonic() - began > 30


async def test_a_larger_plan_is_learned(tmp_path, clock):
    async with bench(tmp_path, clock, shop=ShopifyShop(clock, plan=1000, most=20_000)) as shop:
        await shop.observe(shop.shop.LISTING)
        await asyncio.wait_for(shop.gate.limiter.begin({"points": 15_000}, Urgency.PUBLISH, 0), 20)


async def test_uploads_need_no_lease_and_all_else_does(shop: Bench):
    await shop.carry_out(shop.shop.LISTING, [shop.media(b"one")])
    assert sorted(set(shop.gate.needed)) == [0.0, 20.0]
    assert shop.gate.needed.count(0.0) == 1


# --- logins ---------------------------------------------------------------------------------------------------------


async def test_a_client_gets_one_token_for_all_calls_and_another_before_it_ends(tmp_path, clock):
    options = {"client_id": ShopifyShop.CLIENT_ID, "client_secret": ShopifyShop.CLIENT_SECRET}
    async with bench(tmp_path, clock, **options) as shop:
        await shop.run(asyncio.gather(*(shop.system.check() for _ in range(4))))
        assert len(shop.shop.tokens) == 2
        clock.leap(timedelta(hours=23, minutes=59, seconds=30).total_seconds())
        await shop.run(shop.system.check())
        assert len(shop.shop.tokens) == 3
        assert {call.status for call in shop.shop.calls} == {200}


async def test_a_refused_token_is_renewed_once_and_then_the_owner_is_told(tmp_path, clock):
    options = {"client_id": ShopifyShop.CLIENT_ID, "client_secret": ShopifyShop.CLIENT_SECRET}
    async with bench(tmp_path, clock, **options) as shop:
        await shop.run(shop.system.check())
        shop.shop.tokens.clear()
        await shop.run(shop.system.check())
        assert len(shop.shop.tokens) == 1
        shop.shop._known = lambda token: False  # type: ignore[method-assign]
        with pytest.raises(AuthError):
            await shop.run(shop.system.check())
        assert [call.status for call in shop.shop.calls[-3:]] == [401, 200, 401]


async def test_a_wrong_secret_is_told_without_telling_it(tmp_path, clock):
    options = {"client_id": ShopifyShop.CLIENT_ID, "client_secret": "shpss_wrong-secret"}
    async with bench(tmp_path, clock, **options) as shop:
        with pytest.raises(AuthError) as caught:
            await shop.run(shop.system.check())
    assert "invalid_client" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


async def test_tokens_of_a_person_who_signed_in_are_renewed_with_what_replaces_them(tmp_path, clock):
    options = {
        "client_id": ShopifyShop.CLIENT_ID, "client_secret": ShopifyShop.CLIENT_SECRET, "login": "authorization-code",
    }  # fmt: skip
    async with bench(tmp_path, clock, **options) as shop:
        shop.shop.codes.add("c0de")
        for _ in range(3):
            await shop.run(shop.system.check())
            clock.leap(3590)
        assert len(shop.shop.tokens) == 4
        assert len(shop.shop.refresh_tokens) == 1


async def test_a_missing_scope_is_named(shop: Bench):
    shop.shop.granted = ["read_products", "write_files"]
    with pytest.raises(ScopeMissing, match="write_products"):
        await shop.system.check()
    shop.shop.granted = ["write_products"]
    with pytest.raises(ScopeMissing, match="read_files"):
        await shop.apply(await shop.change(shop.shop.LISTING, [shop.media(b"one")]))


@pytest.mark.parametrize(
    ("status", "kind"), [(402, ShopClosed), (423, ShopClosed), (404, NotFoundError), (403, AuthError)]
)
async def test_a_shop_that_answers_nobody(shop: Bench, status: int, kind: type[SyncdError]):
    shop.shop.mischief.append(Mischief(status=status, on="any", times=-1, body='{"errors": "closed"}'))
    with pytest.raises(kind):
        await shop.system.check()


async def test_check_says_what_it_found(shop: Bench):
    assert await shop.run(shop.system.check()) == "Acme US: 2 products"


# --- refused media --------------------------------------------------------------------------------------------------


async def test_a_picture_that_cannot_be_processed_is_refused_alone_and_leaves_no_file(shop: Bench):
    good, bad = shop.media(b"good", "P1"), shop.media(b"BROKEN", "P2")
    result = await shop.carry_out(shop.shop.LISTING, [good, bad])
    assert (result.answer, result.message) == (Answer.REJECTED, "The image could not be processed.")
    (issue,) = result.issues
    assert (issue.media, issue.code) == (bad.name, "IMAGE_PROCESSING_FAILURE")
    rest = await shop.carry_out(shop.shop.LISTING, [good])
    assert (rest.answer, len(shop.shop.gallery(shop.shop.LISTING))) == (Answer.ACCEPTED, 2)
    assert len(shop.shop.state.files) == 2
    shop.contents[bad.sha256] = b"mended"  # as long as the broken one
    assert (await shop.carry_out(shop.shop.LISTING, [good, bad])).answer is Answer.ACCEPTED


async def test_a_format_shopify_does_not_take_is_an_issue_of_that_picture(shop: Bench):
    odd, good = shop.media(b"odd", "P1", media_type="image/x-odd"), shop.media(b"good", "P2")
    (result,) = await shop.apply(await shop.change(shop.shop.LISTING, [odd, good]))
    assert result.answer is Answer.REJECTED
    assert [issue.media for issue in result.issues] == ["P1"]
    assert "not a recognized format" in result.issues[0].message


async def test_a_failure_while_nobody_waited_is_told_at_the_next_apply(shop: Bench):
    bad = shop.media(b"BROKEN")
    change = await shop.change(shop.shop.LISTING, [bad])
    await shop.apply(change)
    await shop.clock.advance(60)
    (result,) = await shop.apply(change)
    assert (result.answer, [issue.media for issue in result.issues]) == (Answer.REJECTED, ["P1"])


async def test_a_file_that_is_processed_for_ever_is_given_up(shop: Bench):
    shop.shop.state.processing = timedelta(days=1)
    change = await shop.change(shop.shop.LISTING, [shop.media(b"film", media_type="video/mp4")])
    await shop.apply(change)
    shop.clock.leap(3700)
    (result,) = await shop.apply(change)
    (settled,) = await shop.run(shop.system.settle(result.job, [shop.shop.LISTING]))
    assert settled.answer is Answer.REJECTED
    assert "has been processing the file since" in settled.issues[0].message


async def test_what_shopify_works_on_or_failed_at_is_seen_as_such(shop: Bench):
    identifier = shop.shop.add_foreign(shop.shop.LISTING, "new.jpg")
    file = shop.shop.state.files[identifier]
    file.ready_at = shop.clock.now() + timedelta(seconds=5)
    seen = (await shop.observe(shop.shop.LISTING)).media[1]
    assert (seen.state, seen.url, seen.shown) == (MediaState.PROCESSING, "", None)
    file.faults = [("INVALID_IMAGE_RESOLUTION", "The resolution exceeds the limit.")]
    await shop.clock.advance(6)
    seen = (await shop.observe(shop.shop.LISTING)).media[1]
    assert (seen.state, seen.message) == (MediaState.FAILED, "The resolution exceeds the limit.")


async def test_a_lock_is_waited_for_and_a_refusal_is_told(shop: Bench):
    def refused(code: str) -> Callable[[Any], Any]:
        def change(answer: Any) -> Any:
            error = {"field": ["files"], "message": "No.", "code": code}
            return {**answer, "data": {"fileUpdate": {"files": [], "userErrors": [error]}}}

        return change

    picture = shop.media(b"one")
    only(shop, "fileUpdate", Mischief(change=refused("FILE_LOCKED")))
    with pytest.raises(TransientError, match="FILE_LOCKED"):
        await shop.carry_out(shop.shop.LISTING, [picture])
    only(shop, "fileUpdate", Mischief(change=refused("PRODUCT_MEDIA_LIMIT_EXCEEDED")))
    with pytest.raises(RejectedError, match="PRODUCT_MEDIA_LIMIT_EXCEEDED"):
        await shop.carry_out(shop.shop.LISTING, [picture, shop.media(b"two", "P2")])


async def test_a_job_of_another_version_is_decided_anew(shop: Bench):
    (result,) = await shop.run(shop.system.settle('{"files": 1}', [shop.shop.LISTING]))
    assert result.answer is Answer.RETRY
