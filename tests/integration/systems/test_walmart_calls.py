"""Walmart's token, headers and allowances: what is told to whom, and how often anything is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from tests.support.vendors.walmart import FEEDS, ITEM, TOKEN_SECONDS, Walmart, refused
from tests.support.vendors.walmart_account import Account, account

from syncd.engine.work import Urgency
from syncd.errors import AuthError, RateLimited, SyncdError, TransientError
from syncd.sdk.media import Answer
from syncd.systems.walmart import WalmartOptions, WalmartSystem, api
from syncd.testing.clock import ManualClock
from syncd.testing.vendor import Mischief

LISTING, OTHER = Walmart.LISTING, Walmart.OTHER


@pytest.fixture
async def us(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Account]:
    async with account(tmp_path, clock) as opened:
        yield opened


def asked_for_tokens(us: Account) -> int:
    return sum(call.url.endswith("/v3/token") for call in us.vendor.calls)


# --- token ----------------------------------------------------------------------------------------------------------


async def test_calls_under_way_share_one_token_which_is_replaced_ahead_of_its_end(us: Account):
    await us.observed(*([LISTING, OTHER] + [f"GL-{number}" for number in range(6)]))
    assert asked_for_tokens(us) == 1
    us.clock.leap(TOKEN_SECONDS - 90)
    await us.observed(LISTING)
    assert asked_for_tokens(us) == 1
    us.clock.leap(31)
    await us.observed(LISTING)
    assert asked_for_tokens(us) == 2
    assert 401 not in {call.status for call in us.vendor.calls}


async def test_a_token_that_ended_early_is_renewed_once_for_all_calls(us: Account):
    await us.observed(LISTING)
    us.vendor.tokens.clear()
    assert len(await us.observed(LISTING, OTHER, "GL-8", "GL-9")) == 4
    assert asked_for_tokens(us) == 2
    us.vendor.tokens.clear()
    assert (await us.apply(await us.change(LISTING, us.ours())))[LISTING].answer is Answer.PENDING


async def test_a_token_refused_again_is_told(us: Account):
    us.vendor.mischief.append(Mischief(status=401, on="any", times=-1))
    us.vendor.mischief.insert(0, Mischief(on="read", change=lambda token: token))  # the first token is given out
    with pytest.raises(AuthError):
        await us.observed(LISTING)
    assert asked_for_tokens(us) == 2


async def test_a_forbidden_call_is_not_tried_with_another_token(us: Account):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(status=403, on="read", times=-1))
    with pytest.raises(AuthError):
        await us.observed(LISTING)
    assert asked_for_tokens(us) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_wrong_secret_is_told_from_an_unreachable_walmart(us: Account, status: int):
    us.vendor.mischief.append(Mischief(status=status, on="read"))
    with pytest.raises(AuthError, match=f"neither id nor secret \\({status}\\)"):
        await us.run(us.system.check())
    us.vendor.mischief.append(Mischief(status=503, on="any", times=-1))
    with pytest.raises(TransientError, match="503"):
        await us.run(us.system.check())


async def test_a_wrong_secret_is_refused_by_the_vendor_itself(tmp_path: Path, clock: ManualClock):
    async with account(tmp_path, clock, client_secret="wrong") as us:
        with pytest.raises(AuthError):
            await us.run(us.system.check())


async def test_an_answer_without_a_token_is_no_token(us: Account):
    us.vendor.mischief.append(Mischief(on="read", change=lambda token: {"token": token["access_token"]}))
    with pytest.raises(TransientError, match="without an access_token") as raised:
        await us.observed(LISTING)
    assert "eyJ-walmart" not in str(raised.value)


async def test_secret_and_token_are_quoted_nowhere(us: Account):
    def echo(request: httpx.Request) -> httpx.Response:
        sent = " ".join(f"{name}={value}" for name, value in request.headers.items())
        return refused(400, "INVALID_REQUEST", f"{sent} {us.vendor.client[1]}")

    us.vendor._item = lambda request, sku: echo(request)  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs, pytest.raises(SyncdError) as raised:
        await us.observed(LISTING)
    us.vendor._token = lambda request, now: echo(request)  # type: ignore[method-assign]
    us.clock.leap(TOKEN_SECONDS)
    with structlog.testing.capture_logs() as more, pytest.raises(SyncdError) as again:
        await us.observed(LISTING)
    told = f"{logs} {more} {raised.value!r} {raised.value} {again.value}"
    assert "INVALID_REQUEST" in told
    for hidden in (*us.vendor.tokens, us.vendor.client[1], "Basic YWNtZ"):
        assert hidden not in told


async def test_every_call_has_a_correlation_id_of_its_own(us: Account):
    await us.place(LISTING, us.ours())
    await us.observed()
    assert len(us.vendor.correlations) == len(us.vendor.calls)
    assert {call.status for call in us.vendor.calls} == {200}


async def test_a_channel_type_goes_with_every_call(tmp_path: Path, clock: ManualClock):
    async with account(tmp_path, clock, channel_type="partner-7") as us:
        seen = []
        us.vendor._headers = lambda request: seen.append(request.headers.get("WM_CONSUMER.CHANNEL.TYPE"))  # type: ignore[method-assign,func-returns-value,return-value]
        await us.observed(LISTING)
        assert seen == ["partner-7", "partner-7"]


async def test_a_404_that_is_not_walmarts_own_is_no_missing_item(us: Account):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(status=404, on="read", body="<html>nginx</html>"))
    with pytest.raises(TransientError, match="no JSON"):
        await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(status=404, on="read", body='{"message": "no route"}'))
    with pytest.raises(TransientError, match="not Walmart's own"):
        await us.observed(LISTING)


@pytest.mark.parametrize("change", [lambda data: {"ItemResponse": []}, lambda data: {"ItemResponse": [{"sku": "X"}]}])
async def test_an_answer_about_another_item_raises(us: Account, change):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(on="read", change=change))
    with pytest.raises(SyncdError, match=f"no item {LISTING}"):
        await us.observed(LISTING)


async def test_both_shapes_of_an_items_answer_are_understood(us: Account):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(on="read", change=lambda data: {"responseRecord": data["ItemResponse"][0]}))
    (gallery,) = await us.observed(LISTING)
    assert len(gallery.media) == 2


# --- allowances -----------------------------------------------------------------------------------------------------


def test_one_feed_an_hour_is_kept_for_takedowns():
    options = WalmartOptions.model_validate({"client_id": "id", "client_secret": "secret"})
    (feeds,) = [limit for limit in WalmartSystem.limits(options) if limit.name == api.FEEDS]
    assert (feeds.most, feeds.per, feeds.reserve) == (10, timedelta(hours=1), 1)
    granted = WalmartOptions.model_validate({"client_id": "id", "client_secret": "secret", "feeds_an_hour": 20})
    assert WalmartSystem.limits(granted)[0].most == 20
    assert WalmartSystem.limits(options.model_copy(update={"sandbox": True}))[0].most == 5


async def test_publishing_leaves_a_feed_for_a_takedown_and_no_limit_is_broken(us: Account):
    picture = us.ours()
    change = await us.change(LISTING, picture)
    for _ in range(9):
        assert (await us.apply(change))[LISTING].answer is Answer.PENDING
    with pytest.raises(RateLimited) as raised:
        await us.apply(change)
    assert 3500 < raised.value.retry_after <= 3600
    us.gate.urgency = Urgency.TAKEDOWN
    assert (await us.apply(change))[LISTING].answer is Answer.PENDING
    with pytest.raises(RateLimited):
        await us.apply(change)
    assert us.vendor.violations == []


async def test_many_items_are_read_within_the_published_limits(us: Account):
    skus = [f"N-{number}" for number in range(1000)]
    for sku in skus:
        us.vendor.add(sku, *Walmart.FOREIGN)
    assert len(await us.observed(*skus)) == 1000
    assert us.vendor.violations == []


async def test_a_smaller_allowance_than_published_is_learned_from_what_is_told(us: Account):
    us.vendor.buckets[ITEM].most = 3  # what other programs of this seller leave of it
    us.vendor.buckets[ITEM].level = 3
    galleries = await us.observed(*[f"GL-{number}" for number in range(3)])
    assert len(galleries) == 3
    started = us.clock.monotonic()
    assert len(await us.observed(LISTING)) == 1
    assert us.clock.monotonic() - started >= 19  # a third of a minute: one of three comes back
    assert us.vendor.violations == []


async def test_a_feed_refused_for_its_number_is_not_sent_again_before_walmart_says(us: Account):
    change = await us.change(LISTING, us.ours())
    us.vendor.buckets[FEEDS].level = 0
    with pytest.raises(RateLimited):
        await us.apply(change)
    assert len(us.vendor.violations) == 1
    with pytest.raises(RateLimited) as raised:
        await us.apply(change)
    assert 300 < raised.value.retry_after <= 360
    assert len(us.vendor.violations) == 1
    await us.clock.advance(361)
    assert (await us.apply(change))[LISTING].answer is Answer.PENDING


async def test_a_refusal_that_tells_nothing_holds_for_the_published_pace(us: Account):
    change = await us.change(LISTING, us.ours())
    us.vendor.mischief.append(Mischief(status=429))
    with pytest.raises(RateLimited):
        await us.apply(change)
    with pytest.raises(RateLimited) as raised:
        await us.apply(change)
    assert 350 < raised.value.retry_after <= 360


async def test_retry_after_is_honoured(us: Account):
    await us.observed(LISTING)
    us.vendor.mischief.append(Mischief(status=429, on="read", headers={"retry-after": "7"}))
    started = us.clock.monotonic()
    work = asyncio.ensure_future(us.system.settle("F0@AU8BAQA", [LISTING]))
    await us.run(asyncio.wait({work}))
    assert us.clock.monotonic() - started >= 7
    assert work.result()[0].answer is Answer.PENDING
