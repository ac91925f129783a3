"""Shopify as a catalogue, against the fake shop."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.shopify import CONTRACT, Bench, bench
from tests.support.vendors.shopify.state import Product, Variant

from syncd.domain.product import ProductStatus
from syncd.errors import NotFoundError, RateLimited, RejectedError, TransientError
from syncd.sdk.catalog import CatalogPage
from syncd.sdk.media import Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.testing.contracts.watch import Watch
from syncd.testing.vendor import Mischief

contract = CONTRACT


@pytest.fixture(autouse=True)
def lies(contracts: Watch):
    """Some of these answers are no answers of Shopify's; requests are held against the contract all the same."""
    with contracts.lying("answers that are not whole, not understood, or refusals"):
        yield


@pytest.fixture
async def shop(tmp_path, clock):
    async with bench(tmp_path, clock, Role.CATALOG) as opened:
        yield opened
    assert opened.shop.violations == []


async def pages(shop: Bench, since: str = "") -> list[CatalogPage]:
    async def read() -> list[CatalogPage]:
        return [page async for page in shop.system.products(since)]

    return await shop.run(read())


async def attach(shop: Bench, sku: str, media: list[Media]) -> list[ObservedMedia]:
    """As the engine does: waits where it is told to."""
    for _ in range(20):
        try:
            return list(await shop.run(shop.system.attach(sku, media)))
        except RateLimited as error:
            await shop.clock.advance(error.retry_after or 0)
    raise AssertionError("it never ends")


# --- products -------------------------------------------------------------------------------------------------------


async def test_variants_with_a_sku_are_products(shop: Bench):
    (page,) = await pages(shop)
    assert (page.complete, page.total, list(page.problems)) == (True, 3, [])
    first, small, _ = page.products
    assert (first.sku, first.parent, first.gtin, first.title) == ("GL-1", "", "0401234567890", "Glow Serum")
    assert first.names == {"shopify": "gid://shopify/ProductVariant/11"}
    assert (small.sku, small.parent, small.title) == ("GL-2-S", "glow-shirt", "Glow Shirt S")
    assert small.fields == {
        "handle": "glow-shirt", "type": "Serum", "vendor": "Acme", "tags": "glow, new", "status": "ACTIVE",
        "product": shop.shop.OTHER, "variant": "gid://shopify/ProductVariant/21", "option Size": "S",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "meaning"),
    [("DRAFT", ProductStatus.ACTIVE), ("UNLISTED", ProductStatus.ACTIVE), ("ARCHIVED", ProductStatus.DISCONTINUED)],
)
async def test_the_status_says_whether_it_is_sold(shop: Bench, status: str, meaning: ProductStatus):
    shop.shop.state.products[shop.shop.LISTING].status = status
    (page,) = await pages(shop)
    assert page.products[0].status is meaning


async def test_what_is_not_understood_is_a_problem_and_the_listing_not_complete(shop: Bench):
    now = shop.clock.now()
    twice = Product("gid://shopify/Product/3", "x", "X", [Variant("gid://shopify/ProductVariant/31", "GL-1")], now)
    bare = Product("gid://shopify/Product/4", "card", "Card", [Variant("gid://shopify/ProductVariant/41", None)], now)
    shop.shop.state.products |= {twice.id: twice, bare.id: bare}
    (page,) = await pages(shop)
    assert [product.sku for product in page.products] == ["GL-1", "GL-2-S", "GL-2-M"]
    assert page.problems == [
        "gid://shopify/ProductVariant/31: the SKU GL-1 is that of gid://shopify/ProductVariant/11 too"
    ]
    assert (page.complete, page.total) == (False, None)


async def test_many_products_come_in_pages_of_which_only_the_last_is_complete(shop: Bench):
    now = shop.clock.now()
    for number in range(1100):
        identifier = f"gid://shopify/Product/{10_000 + number}"
        variant = Variant(f"gid://shopify/ProductVariant/{10_000 + number}", f"S-{number}")
        shop.shop.state.products[identifier] = Product(identifier, f"s-{number}", "S", [variant], now)
    found = await pages(shop)
    assert [page.complete for page in found] == [False, False, True]
    assert [bool(page.checkpoint) for page in found] == [False, False, True]
    assert sum(len(page.products) for page in found) == found[-1].total == 1103


async def test_afterwards_only_what_changed_is_read_and_once_a_day_all(shop: Bench):
    shop.clock.leap(3600)
    (first,) = await pages(shop)
    shop.clock.leap(3600)
    known = shop.shop.state.products[shop.shop.OTHER]
    known.variants += [Variant(f"gid://shopify/ProductVariant/{n}", f"N-{n}") for n in range(300, 400)]
    known.updated = shop.clock.now()
    (changed,) = await pages(shop, first.checkpoint)
    assert {product.parent for product in changed.products} == {"glow-shirt"}
    assert (len(changed.products), changed.complete) == (102, False)
    (again,) = await pages(shop, changed.checkpoint)
    assert len(again.products) == 102  # searches are behind, so a little more is asked for
    shop.clock.leap(timedelta(hours=1).total_seconds())
    del shop.shop.state.products[shop.shop.LISTING]
    (quiet,) = await pages(shop, changed.checkpoint)
    assert quiet.checkpoint == changed.checkpoint
    shop.clock.leap(timedelta(hours=23).total_seconds())
    (whole,) = await pages(shop, quiet.checkpoint)
    assert (whole.complete, len(whole.products)) == (True, 102)


async def test_a_checkpoint_never_goes_back(shop: Bench):
    (first,) = await pages(shop)
    shop.clock.leap(60)
    (second,) = await pages(shop, first.checkpoint)
    assert json.loads(second.checkpoint)["changed"] >= json.loads(first.checkpoint)["changed"]


async def test_a_checkpoint_of_another_version_reads_all(shop: Bench):
    (page,) = await pages(shop, "2026-11-22")
    assert page.complete


async def test_a_page_without_products_raises(shop: Bench):
    (first,) = await pages(shop)

    def renamed(answer: dict) -> dict:
        return json.loads(json.dumps(answer).replace('"nodes"', '"items"'))

    shop.shop.mischief.append(Mischief(on="read", change=renamed))
    with pytest.raises(RejectedError, match="nodes"):
        await pages(shop, first.checkpoint)


# --- media ----------------------------------------------------------------------------------------------------------


async def test_media_are_linked_to_the_product_of_the_variant_behind_what_stands_there(shop: Bench):
    picture = shop.media(b"one", alt="Glow")
    linked = await attach(shop, "GL-1", [picture])
    (seen,) = await shop.run(shop.system.linked(["GL-1"]))
    assert [one.name for one in seen.observed] == ["", f"{picture.sha256[:12]}-{picture.name}"]
    assert [one.external_id for one in linked] == [seen.observed[1].external_id]
    written = shop.shop.written
    assert await attach(shop, "GL-1", [picture]) == linked
    assert shop.shop.written == written


async def test_two_pictures_of_one_version_are_told_apart(shop: Bench):
    """Towards a catalogue a picture is named by its asset and version alone."""
    one, two = shop.media(b"one", "P1", name="A1-v1.jpg"), shop.media(b"two", "P2", name="A1-v1.jpg")
    await attach(shop, "GL-1", [one])
    await attach(shop, "GL-1", [two])
    assert [one.source for one in shop.shop.links("GL-1")] == ["studio", one.sha256, two.sha256]


async def test_the_variant_gets_its_picture(shop: Bench):
    (linked,) = await attach(shop, "GL-2-M", [shop.media(b"one")])
    assert shop.shop.state.products[shop.shop.OTHER].variants[1].media == [linked.external_id]


async def test_exactly_these_links_are_removed(shop: Bench):
    one, two = shop.media(b"one", "P1"), shop.media(b"two", "P2")
    await attach(shop, "GL-1", [one, two])
    for _ in range(2):
        await shop.run(shop.system.detach("GL-1", [replace(one, facts={"cause": "unmatched"})]))
    assert [one.source for one in shop.shop.links("GL-1")] == ["studio", two.sha256]
    await shop.run(shop.system.detach("GL-1", [replace(two, facts={"cause": "grant_ended"})]))
    assert shop.shop.names(shop.shop.LISTING) == ["studio.jpg"]
    assert not any(two.name in file.name for file in shop.shop.state.files.values())
    await shop.run(shop.system.detach("GL-404", [one]))


async def test_products_that_are_not_there(shop: Bench):
    found = await shop.run(shop.system.linked(["GL-1", "GL-404", "gl-1", "GL-2"]))
    assert {one.sku: one.exists for one in found} == {"GL-1": True, "GL-404": False, "gl-1": False, "GL-2": False}
    with pytest.raises(NotFoundError, match="GL-404"):
        await shop.run(shop.system.attach("GL-404", [shop.media(b"one")]))


async def test_a_sku_of_two_products_belongs_to_neither(shop: Bench):
    variant = Variant("gid://shopify/ProductVariant/31", "GL-1")
    twice = Product("gid://shopify/Product/3", "x", "X", [variant], shop.clock.now())
    shop.shop.state.products[twice.id] = twice
    with pytest.raises(RejectedError, match="several products"):
        await shop.run(shop.system.linked(["GL-1"]))


async def test_a_picture_that_is_refused_is_told_in_shopifys_words(shop: Bench):
    with pytest.raises(RejectedError, match="could not be processed"):
        await attach(shop, "GL-1", [shop.media(b"BROKEN")])


async def test_a_lost_answer_leaves_one_link(shop: Bench):
    picture = shop.media(b"one")
    shop.shop.mischief.append(Mischief(status=0, late=True))
    with pytest.raises(TransientError):
        await attach(shop, "GL-1", [picture])
    await attach(shop, "GL-1", [picture])
    assert [one.source for one in shop.shop.gallery(shop.shop.LISTING)] == ["studio", picture.sha256]
