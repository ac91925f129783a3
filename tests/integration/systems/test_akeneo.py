"""Akeneo as the catalogue: signing in, products, what changed, events, statuses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs
from tests.support.akeneo import LOGIN, PRODUCTS, opened, run
from tests.support.vendors.akeneo import APP_TOKEN, PASSWORD, SECRET, AkeneoVendor
from tests.support.vendors.akeneo import values as akeneo_values
from tests.support.vendors.akeneo.catalogue import BLUE, RED, RED_MODEL, ROOT_MODEL, SIMPLE

from syncd.domain.product import ProductStatus
from syncd.errors import AuthError, ConfigError, HookRefused, NotFoundError, RateLimited, RejectedError, TransientError
from syncd.sdk.catalog import CatalogPage
from syncd.sdk.changes import Change, ChangePage, Hears, StatusWrite, Subject, Watches, WritesStatus
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest
from syncd.systems.akeneo import AkeneoSystem
from syncd.testing.clock import ManualClock
from syncd.testing.vendor import Mischief

of = akeneo_values.of


@pytest.fixture
def vendor(clock: ManualClock) -> AkeneoVendor:
    """A PIM that nobody changed for an hour."""
    pim = AkeneoVendor(clock)
    clock.leap(3600)
    return pim


async def listed(system: AkeneoSystem, clock: ManualClock, since: str = "") -> list[CatalogPage]:
    async def read() -> list[CatalogPage]:
        return [page async for page in system.products(since)]

    return await run(clock, read())


def skus(pages: list[CatalogPage]) -> list[str]:
    return [product.sku for page in pages for product in page.products]


# --- signing in -----------------------------------------------------------------------------------------------------


async def test_one_login_serves_calls_that_come_together_and_is_replaced_before_it_ends(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, asyncio.gather(*(system.check() for _ in range(3))))
        assert vendor.signed_in == 1
        clock.leap(3600 - 61)
        await run(clock, system.check())
        assert vendor.signed_in == 1
        clock.leap(2)
        await run(clock, system.check())
    assert vendor.signed_in == 2
    assert 401 not in {call.status for call in vendor.calls}


async def test_a_token_that_ended_early_is_renewed_once(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        vendor.end_tokens()
        assert "products" in await run(clock, system.check())
    assert vendor.signed_in == 2


@pytest.mark.parametrize("wrong", ["client_secret", "password"])
async def test_a_wrong_login_is_told_in_the_words_of_akeneo_without_its_secrets(vendor, clock, tmp_path, wrong: str):
    async with opened(vendor, clock, tmp_path, login={**LOGIN, wrong: "wrong-secret-text"}) as system:
        with capture_logs() as logs, pytest.raises(AuthError) as raised:
            await run(clock, system.check())
    said = f"{raised.value} {raised.value.data} {logs}"
    assert "secret is invalid" in said or "No user found" in said
    assert not any(secret in said for secret in ("wrong-secret-text", SECRET, PASSWORD, "access-"))


async def test_the_token_of_an_app_needs_no_login(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, login={"token": APP_TOKEN}) as system:
        assert "3 products" in await run(clock, system.check())
        assert vendor.signed_in == 0
    async with opened(vendor, clock, tmp_path, login={"token": "revoked-token-of-an-app"}) as system:
        with pytest.raises(AuthError, match="Authentication is required"):
            await run(clock, system.check())


async def test_unreachable_is_not_unauthorised(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        vendor.mischief.append(Mischief(status=0, on="any", times=-1))
        with pytest.raises(TransientError):
            await run(clock, system.check())
        vendor.mischief.clear()
        await run(clock, system.check())
        vendor.mischief[:] = [Mischief(status=200, on="read", times=-1, body="<html>Maintenance</html>")]
        with pytest.raises(TransientError, match="no JSON"):
            await run(clock, system.check())


async def test_a_permission_that_the_role_lacks_stops_the_connection_and_names_it(vendor, clock, tmp_path):
    vendor.forbidden.add("list products")
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(AuthError, match="You are not allowed to list products") as raised:
            await listed(system, clock)
    assert "role" in raised.value.remedy


async def test_retry_after_is_kept_and_what_is_too_far_away_is_told(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        vendor.mischief.append(Mischief(status=429, on="read", headers={"Retry-After": "7"}))
        before = clock.monotonic()
        await run(clock, system.check())
        assert clock.monotonic() - before >= 7
        vendor.mischief.append(Mischief(status=429, on="read", headers={"Retry-After": "600"}))
        with pytest.raises(RateLimited) as raised:
            await run(clock, system.check())
    assert raised.value.retry_after == 600


# --- the whole catalogue --------------------------------------------------------------------------------------------


async def test_products_and_variants_say_what_the_options_ask_of_them(vendor, clock, tmp_path):
    vendor.catalogue.product("GL-0001", None, of("lifecycle", "active"), enabled=False)
    vendor.catalogue.product("GL-0002", None, of("lifecycle", "phased_out"))
    async with opened(vendor, clock, tmp_path) as system:
        pages = await listed(system, clock)
    known = {product.sku: product for page in pages for product in page.products}
    serum, red = known[SIMPLE], known[RED]
    assert (serum.title, serum.gtin, serum.version) == ("Glow Serum", "0401234567890", "v3")
    assert serum.names == {"shopify-us": "8812"}
    assert serum.fields == {"claim": "Glänzt", "weight": "30.0000 GRAM", "family": "clothing", "level": "product"}
    assert (red.parent, red.title, red.fields["level"]) == (RED_MODEL, "T-shirt", "variant")
    gone = {sku for sku, product in known.items() if product.status is ProductStatus.DISCONTINUED}
    assert gone == {"GL-0001", "GL-0002"}
    assert (pages[-1].complete, pages[-1].total) == (True, 5)


async def test_models_count_as_products_where_that_is_asked(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, products={**PRODUCTS, "models": True}) as system:
        pages = await listed(system, clock)
    known = {product.sku: product for page in pages for product in page.products}
    assert known[RED_MODEL].parent == ROOT_MODEL
    assert (known[ROOT_MODEL].title, known[ROOT_MODEL].fields["level"]) == ("T-shirt", "model")
    assert (pages[-1].complete, pages[-1].total) == (True, 5)


async def test_a_large_catalogue_is_read_page_by_page_to_its_end(vendor, clock, tmp_path):
    for number in range(347):
        vendor.catalogue.product(f"N-{number:04}", None, {})
    async with opened(vendor, clock, tmp_path) as system:
        pages = await listed(system, clock)
    assert len(set(skus(pages))) == 350 == len(skus(pages)) == pages[-1].total
    assert [page.complete for page in pages] == [False, False, False, True]
    assert [bool(page.checkpoint) for page in pages] == [False, False, False, True]


async def test_products_without_an_identifier_are_left_out(vendor, clock, tmp_path):
    vendor.catalogue.product("", None, of("ean", "4"))
    async with opened(vendor, clock, tmp_path) as system:
        pages = await listed(system, clock)
    assert sorted(skus(pages)) == sorted([SIMPLE, RED, BLUE])
    assert pages[-1].complete


async def test_what_is_not_understood_is_told_and_nothing_counts_as_gone_then(vendor, clock, tmp_path):
    vendor.catalogue.edit(RED, of("lifecycle", "new"))
    vendor.catalogue.attributes["lifecycle"].options.append("odd")
    vendor.catalogue.edit(BLUE, of("lifecycle", "odd"))
    async with opened(vendor, clock, tmp_path) as system:
        pages = await listed(system, clock)
    assert "status `odd` of TS-BLUE-S is not known" in pages[-1].problems[0]
    assert not pages[-1].complete
    assert SIMPLE in skus(pages)


def _cut(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "_links": {}, "_embedded": {"items": answer["_embedded"]["items"][:1]}}


def _renamed(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "_embedded": {"entries": answer["_embedded"]["items"]}}


def _without(name: str) -> Any:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        items = [{key: value for key, value in item.items() if key != name} for item in answer["_embedded"]["items"]]
        return {**answer, "_embedded": {"items": items}}

    return change


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (_cut, TransientError, "listed 1 of 3"), (_renamed, RejectedError, "`items` is missing"),
        (_without("values"), RejectedError, "`values` is missing"), (_without("uuid"), RejectedError, "`uuid`"),
        (_without("enabled"), RejectedError, "`enabled` is missing"),
    ],
)  # fmt: skip
async def test_a_listing_that_is_not_whole_or_not_as_it_was_raises(
    vendor, clock, tmp_path, change: Any, error: type[Exception], says: str
):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        vendor.mischief += [
            Mischief(on="read", change=lambda answer: answer),
            Mischief(on="read", change=change),
        ]
        with pytest.raises(error, match=says):
            await listed(system, clock)


async def test_an_empty_listing_raises(vendor, clock, tmp_path):
    vendor.catalogue.products.clear()
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(RejectedError, match="lists no product"):
            await listed(system, clock)
    for number in range(3):
        vendor.catalogue.product("", None, of("ean", str(number)))
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(RejectedError, match="none of 3 products has a value of sku"):
            await listed(system, clock)


async def test_unknown_fields_are_passed_over(vendor, clock, tmp_path):
    def more(answer: dict[str, Any]) -> dict[str, Any]:
        items = [{**item, "new_field": [1]} for item in answer["_embedded"].get("items", [])]
        return {**answer, "new": {}, "_embedded": {**answer["_embedded"], "items": items}}

    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        vendor.mischief.append(Mischief(on="read", times=-1, change=more))
        assert len(skus(await listed(system, clock))) == 3


async def test_an_attribute_that_does_not_exist_is_named(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, products={"gtin": "gtin_13"}) as system:
        with pytest.raises(RejectedError, match='Attribute "gtin_13" does not exist'):
            await listed(system, clock)


# --- what changed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York"])
@pytest.mark.parametrize("ahead", [0.0, -900.0, 900.0])
async def test_only_what_changed_is_read_again_whatever_the_clocks_say(
    vendor, clock, tmp_path, zone: str, ahead: float
):
    vendor.zone, vendor.ahead = ZoneInfo(zone), ahead
    async with opened(vendor, clock, tmp_path, zone=zone) as system:
        since = (await listed(system, clock))[-1].checkpoint
        clock.leap(600)
        nothing = await listed(system, clock, since)
        assert skus(nothing) == []
        assert not nothing[-1].complete
        vendor.catalogue.edit(SIMPLE, of("packaging_version", "v4"))
        clock.leap(1)
        for found in ([(SIMPLE, "v4")], [(SIMPLE, "v4")], []):  # told once more where readings overlap
            pages = await listed(system, clock, nothing[-1].checkpoint)
            assert [(product.sku, product.version) for product in pages[-1].products] == found
            nothing = pages
            clock.leap(600)


async def test_a_change_of_the_model_brings_its_variants(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        since = (await listed(system, clock))[-1].checkpoint
        clock.leap(600)
        vendor.catalogue.edit(ROOT_MODEL, of("name", "Tee", "en_US", "ecommerce"))
        pages = await listed(system, clock, since)
    assert {product.sku: product.title for product in pages[-1].products} == {RED: "Tee", BLUE: "Tee"}


async def test_a_cut_list_of_changes_raises_too(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        since = (await listed(system, clock))[-1].checkpoint
        clock.leap(600)
        vendor.catalogue.edit(ROOT_MODEL, of("name", "Tee", "en_US", "ecommerce"))
        vendor.mischief += [Mischief(on="read", change=lambda answer: answer), Mischief(on="read", change=_cut)]
        with pytest.raises(TransientError, match="listed 1 of 2"):
            await listed(system, clock, since)


async def test_everything_is_listed_again_once_a_day_and_when_the_options_mean_something_else(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        since = (await listed(system, clock))[-1].checkpoint
        clock.leap(3600)
        assert not (await listed(system, clock, since))[-1].complete
        del vendor.catalogue.products[vendor.catalogue.uuid(BLUE)]
        clock.leap(24 * 3600)
        pages = await listed(system, clock, since)
        assert pages[-1].complete
        assert BLUE not in skus(pages)
    async with opened(vendor, clock, tmp_path, products={"sku": "sku"}) as system:
        assert (await listed(system, clock, pages[-1].checkpoint))[-1].complete


async def test_products_made_while_all_are_listed_do_not_end_the_listing_nor_complete_it(vendor, clock, tmp_path):
    def made_meanwhile(answer: dict[str, Any]) -> dict[str, Any]:
        vendor.catalogue.product("GL-9999", None, {})
        return answer

    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        vendor.mischief += [
            Mischief(on="read", change=lambda answer: answer),
            Mischief(on="read", change=made_meanwhile),
        ]
        pages = await listed(system, clock)
        assert not pages[-1].complete
        assert len(skus(pages)) == 3
        assert (await listed(system, clock))[-1].complete


async def changes(system: AkeneoSystem, clock: ManualClock, since: str) -> tuple[list[Change], str]:
    async def read() -> list[ChangePage]:
        return [page async for page in system.changes(since)]

    pages = await run(clock, read())
    return [change for page in pages for change in page.changes], pages[-1].checkpoint


async def test_changes_of_products_are_told_from_the_first_look_on(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, products={**PRODUCTS, "models": True}) as system:
        first, since = await changes(system, clock, "")
        assert first == []
        clock.leap(600)
        nothing, since = await changes(system, clock, since)
        assert nothing == []
        clock.leap(60)
        at = clock.now()
        vendor.catalogue.edit(SIMPLE, of("ean", "1"))
        clock.leap(60)
        told, since = await changes(system, clock, since)
        assert told == [Change(Subject.PRODUCT, SIMPLE, at=at)]
        clock.leap(600)
        _, since = await changes(system, clock, since)
        clock.leap(600)
        vendor.catalogue.edit(RED_MODEL, of("claim", "Rot", "de_DE"))
        told, _ = await changes(system, clock, since)
        assert {change.name for change in told} == {RED, BLUE, RED_MODEL}


# --- events ---------------------------------------------------------------------------------------------------------

KEYS = ("primary-secret-of-the-subscription", "secondary-secret-of-it")
AT = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def signature(key: str, body: bytes) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def event(kind: str, data: dict[str, Any], *, at: datetime = AT, **headers: str) -> HookRequest:
    """What the Event Platform sends, signed with the primary secret unless told otherwise."""
    body = json.dumps({
        "specversion": "1.0", "id": "018e32f9-dfe4", "source": "pim", "type": f"com.akeneo.pim.v1.{kind}",
        "subject": "019256aa-7f77", "datacontenttype": "application/json", "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "data": {**data, "author": {"identifier": "julia", "type": "user"}},
    }).encode()  # fmt: skip
    given = headers or {"x-akeneo-signature-primary": signature(KEYS[0], body)}
    signed = {name: signature(value, body) if value in KEYS else value for name, value in given.items()}
    algorithm = {"x-akeneo-signature-algorithm": "HmacSHA256"}
    return HookRequest("POST", "/hooks/akeneo", {**signed, **algorithm}, body, AT + timedelta(seconds=30))


@pytest.fixture
async def hearing(vendor: AkeneoVendor, clock: ManualClock, tmp_path: Path) -> AsyncIterator[AkeneoSystem]:
    async with opened(vendor, clock, tmp_path, events={"keys": list(KEYS)}) as system:
        yield system


PRODUCT = {"product": {"uuid": "3444ec1b-058e-4208-9b6c-284f47a7aa17", "identifier": SIMPLE}}


def test_the_connector_can_watch_hear_and_write_statuses():
    assert issubclass(AkeneoSystem, Watches)
    assert issubclass(AkeneoSystem, Hears)
    assert issubclass(AkeneoSystem, WritesStatus)


@pytest.mark.parametrize("name", ["x-akeneo-signature-primary", "x-akeneo-signature-secondary"])
@pytest.mark.parametrize("key", KEYS)
async def test_an_event_signed_with_either_secret_is_taken(hearing, name: str, key: str):
    item = hearing.verify(event("product.updated", PRODUCT, **{name: key}))
    assert item.vendor_id == "018e32f9-dfe4"
    assert hearing.heard(item) == [Change(Subject.PRODUCT, SIMPLE, by="julia", at=AT)]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (event("product.updated", PRODUCT, **{"x-akeneo-signature-primary": "00" * 32}), "bad-signature"),
        (event("product.updated", PRODUCT, **{"x-other": KEYS[0]}), "no-signature"),
        (event("product.updated", PRODUCT, at=AT - timedelta(hours=3)), "stale"),
        (event("product.updated", PRODUCT, at=AT + timedelta(hours=3)), "future"),
    ],
)
async def test_a_forged_or_stale_event_is_refused(hearing, request_: HookRequest, reason: str):
    with pytest.raises(HookRefused) as raised:
        hearing.verify(request_)
    assert raised.value.reason == reason


async def test_a_changed_body_is_refused_and_a_late_repetition_taken(hearing):
    sent = event("product.updated", PRODUCT, at=AT - timedelta(minutes=35))
    hearing.verify(sent)
    changed = HookRequest("POST", sent.path, sent.headers, sent.body.replace(b"julia", b"mallory"), sent.received_at)
    with pytest.raises(HookRefused, match="not signed"):
        hearing.verify(changed)


async def test_without_a_key_every_event_is_refused(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(HookRefused) as raised:
            system.verify(event("product.updated", PRODUCT))
    assert raised.value.reason == "no-key"


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("product.deleted", PRODUCT, [Change(Subject.PRODUCT, SIMPLE)]),
        ("product.updated.delta", {"product": {"uuid": "3444ec1b"}}, [Change(Subject.EVERYTHING)]),
        ("product-model.updated", {"product_model": {"code": "tshirt"}}, [Change(Subject.EVERYTHING)]),
        ("asset.updated", {"asset": {"code": "syncd_A1", "asset_family": {"code": "creator_content"}}},
         [Change(Subject.ASSET, "A1")]),
        ("asset.updated", {"asset": {"code": "studio_front", "asset_family": {"code": "creator_content"}}}, []),
        ("asset.deleted", {"asset": {"code": "syncd_A1", "asset_family": {"code": "other"}}}, []),
        ("attribute.updated", {"attribute": {"code": "name"}}, []),
    ],
)  # fmt: skip
async def test_events_say_what_to_look_at(hearing, kind: str, data: dict[str, Any], told: list[Change]):
    heard = hearing.heard(hearing.verify(event(kind, data)))
    assert [(change.subject, change.name) for change in heard] == [(change.subject, change.name) for change in told]


async def test_a_suspended_subscription_has_lost_events(hearing):
    notice = {"notification_type": "subscription.suspended.system", "timestamp": "2026-11-22T13:00:00Z"}
    body = json.dumps(notice).encode()
    headers = {"x-akeneo-signature-primary": signature(KEYS[1], body)}
    item = hearing.verify(HookRequest("POST", "/hooks/akeneo", headers, body, AT))
    assert hearing.heard(item) == (Change(Subject.EVERYTHING),)


async def test_an_event_without_what_it_must_have_is_told_with_a_sample(hearing):
    with pytest.raises(RejectedError, match=r"product\.updated.*has no `data.product`.*julia"):
        hearing.heard(hearing.verify(event("product.updated", {"article": {}})))


# --- statuses -------------------------------------------------------------------------------------------------------


async def test_statuses_of_products_are_written_in_one_batch_and_refusals_told_one_by_one(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.write_status([StatusWrite(Subject.PRODUCT, sku, "live") for sku in (SIMPLE, RED)]))
        assert vendor.catalogue.data(SIMPLE, "content") == vendor.catalogue.data(RED, "content") == "live"
        assert vendor.written == 1
        mixed = [StatusWrite(Subject.PRODUCT, SIMPLE, "none"), StatusWrite(Subject.PRODUCT, RED, "hidden")]
        with pytest.raises(RejectedError) as raised:
            await run(clock, system.write_status(mixed))
    assert vendor.catalogue.data(SIMPLE, "content") == "none"
    assert raised.value.data["items"].keys() == {RED}
    assert "The hidden value is not in the content attribute option list" in raised.value.what
    assert "It knows live, none" in raised.value.what


async def test_a_status_makes_nothing_that_was_not_there(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        for subject in (Subject.PRODUCT, Subject.ASSET):
            with pytest.raises(NotFoundError, match="GL-0815"):
                await run(clock, system.write_status([StatusWrite(subject, "GL-0815", "live")]))
    assert vendor.written == 0
    async with opened(vendor, clock, tmp_path, products={}) as system:
        with pytest.raises(ConfigError, match="status of products"):
            await run(clock, system.write_status([StatusWrite(Subject.PRODUCT, SIMPLE, "live")]))


# --- looking it over ------------------------------------------------------------------------------------------------


async def test_check_says_what_was_found(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        found = await run(clock, system.check())
    assert found == "3 products; media are linked from creator_pictures, model_pictures"
    async with opened(vendor, clock, tmp_path, role=Role.LIBRARY) as system:
        found = await run(clock, system.check())
    assert found == "the asset family creator_content has the 8 attributes named"


@pytest.mark.parametrize(
    ("links", "says"),
    [
        ({"*": {"attribute": "nothing"}}, "has no attribute nothing"),
        ({"*": {"attribute": "ean"}}, "of the type pim_catalog_text"),
        ({"*": {"attribute": "creator_pictures-de_DE"}}, "has no locale"),
        ({"*": {"attribute": "local_pictures"}}, "has a value for each locale"),
        ({"*": {"attribute": "creator_pictures", "holds": "file"}}, "of the type pim_catalog_asset_collection"),
    ],
)
async def test_check_names_a_link_that_cannot_be(vendor, clock, tmp_path, links: dict[str, Any], says: str):
    async with opened(vendor, clock, tmp_path, links=links) as system:
        with pytest.raises(ConfigError, match=says):
            await run(clock, system.check())


@pytest.mark.parametrize("turns", [1, 5, 12])
async def test_cancelled_work_leaves_no_task(vendor, clock, tmp_path, turns: int):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(anext(system.products("")))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(200):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before
