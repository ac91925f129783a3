"""The feed, read back by parsers of the standard library that share nothing with the one that wrote it."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.support import systems

from syncd.domain.product import ProductRecord
from syncd.errors import HostileInput, NotFoundError, RejectedError, TransientError
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.http import open_client
from syncd.sdk.media import Answer, Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.systems.feed import FeedOptions, FeedSystem
from syncd.testing.clock import ManualClock

G = "{http://base.google.com/ns/1.0}"
BASE = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" xmlns:c="http://base.google.com/cns/1.0" version="2.0">
<channel><title>Acme &amp; Co</title><link>https://shop.example</link><description>d</description>
<item><g:id>GL-1</g:id><title><![CDATA[Glow <b>Serum</b> & more]]></title><g:price>19.90 EUR</g:price>
 <g:gtin>0401</g:gtin>
 <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
 <g:shipping><g:country>AT</g:country><g:price>9.90 EUR</g:price></g:shipping>
 <c:margin type="string">high</c:margin>
 <g:image_link>https://shop.example/1.jpg?a=1&amp;b=2</g:image_link>
 <g:additional_image_link>https://shop.example/2,x.jpg</g:additional_image_link></item>
<item><g:id>GL-2</g:id><title>Tab	"quoted" line
two</title><description>plain <b>bold</b> tail</description><g:image_link>https://shop.example/3.jpg</g:image_link></item>
<item><g:id>GL-3</g:id><title>No image</title></item>
</channel></rss>"""

RSS = "<rss><channel><item><id>&b;</id></item></channel></rss>"


@asynccontextmanager
async def feed(
    root: Path, clock: ManualClock, base: str | None = BASE, name: str = "base.xml", **options: object
) -> AsyncIterator[tuple[FeedSystem, systems.Host]]:
    async with systems.host() as served, open_client("test", clock) as http:
        given = dict(options)
        if base is not None:
            (root / name).write_text(base)
            given["base"] = name
        context = systems.context(root, clock, http=http, served=served)
        yield FeedSystem(context, FeedOptions.model_validate(given), Role.CHANNEL), served


def ours(served: systems.Host, content: bytes = b"jpeg", placement: str = "P1", **facts: str) -> Media:
    item = systems.media(content, placement=placement, **facts)
    url = f"{served.url}/m/{item.name}"
    served.pages[f"/m/{item.name}"] = content
    return systems.media(content, placement=placement, url=url, **facts)


async def observed(system: FeedSystem, *listings: str) -> list[ObservedGallery]:
    return [gallery async for gallery in system.observe(list(listings) or None)]


async def change(
    system: FeedSystem, listing: str, *media: Media, first: bool = False, **facts: object
) -> GalleryChange:
    (now,) = await observed(system, listing)
    theirs = [GalleryItem(theirs=item) for item in now.media if not item.name]
    mine = [GalleryItem(ours=item) for item in media]
    return GalleryChange(listing, (*mine, *theirs) if first else (*theirs, *mine), **facts)


def published(served: systems.Host) -> tuple[dict[str, ET.Element], list[dict[str, str]]]:
    root = ET.fromstring(served.pages["/feeds/test.xml"])
    items = {item.findtext(f"{G}id", ""): item for item in root.iterfind("channel/item")}
    rows = list(csv.DictReader(io.StringIO(served.pages["/feeds/test.tsv"].decode()), dialect=csv.excel_tab))
    return items, rows


def images(item: ET.Element) -> list[str]:
    return [found.text or "" for tag in ("image_link", "additional_image_link") for found in item.iterfind(f"{G}{tag}")]


async def test_before_the_first_publish_the_base_is_what_is_shown(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, _):
        found = {gallery.listing: gallery for gallery in await observed(system)}
        assert list(found) == ["GL-1", "GL-2", "GL-3"]
        assert found["GL-1"].names == {"sku": "GL-1", "gtin": "0401"}
        assert [(item.url, item.name, item.role) for item in found["GL-1"].media] == [
            ("https://shop.example/1.jpg?a=1&b=2", "", "main"),
            ("https://shop.example/2,x.jpg", "", "additional"),
        ]
        assert found["GL-3"].media == ()
        (unknown,) = await observed(system, "GL-9")
        assert not unknown.exists


async def test_ours_is_added_and_everything_else_stays_as_it_was(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        video = ours(served, b"mp4", "P2", media_type="video/mp4")
        (result,) = await system.apply([await change(system, "GL-1", item, video)])
        assert (result.answer, result.external_ids) == (Answer.ACCEPTED, {"P1": item.url, "P2": video.url})
        items, rows = published(served)
        before = {i.findtext(f"{G}id", ""): i for i in ET.fromstring(BASE).iterfind("channel/item")}
        assert list(items) == ["GL-1", "GL-2", "GL-3"]
        assert images(items["GL-1"]) == [*images(before["GL-1"]), item.url]
        assert [found.text for found in items["GL-1"].iterfind(f"{G}video_link")] == [video.url]
        for listing, element in items.items():
            kept = [e for e in element if not e.tag.endswith(("image_link", "video_link"))]
            was = [e for e in before[listing] if not e.tag.endswith("image_link")]
            assert [ET.tostring(e).split() for e in kept] == [ET.tostring(e).split() for e in was]
        assert images(items["GL-2"]) == images(before["GL-2"])
        assert [row["id"] for row in rows] == ["GL-1", "GL-2", "GL-3"]
        assert rows[0]["title"] == "Glow <b>Serum</b> & more"
        assert rows[0]["shipping(country:price)"] == "DE:4.90 EUR,AT:9.90 EUR"
        assert rows[0]["additional_image_link"] == f"https://shop.example/2%2Cx.jpg,{item.url}"
        assert rows[1]["title"] == 'Tab "quoted" line two'
        assert rows[1]["description"] == "plain bold tail"


async def test_what_is_observed_is_read_over_http_and_the_bytes_are_hashed(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        await system.apply([await change(system, "GL-1", item, first=True)])
        served.calls.clear()
        (gallery,) = await observed(system, "GL-1")
        assert next((m.name, m.role, m.fetched) for m in gallery.media) == (item.name, "main", item.sha256)
        assert ("GET", "/feeds/test.xml") in served.calls
        assert served.calls[-2:] == [("HEAD", f"/m/{item.name}"), ("GET", f"/m/{item.name}")]
        assert gallery.issues == ()
        del served.pages[f"/m/{item.name}"]
        (gallery,) = await observed(system, "GL-1")
        assert gallery.media[0].fetched == ""
        assert "404" in gallery.issues[0].message
        assert all(m.fetched == "" for g in await observed(system) for m in g.media)


async def test_a_feed_that_cannot_be_read_raises_and_never_looks_empty(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        await system.apply([await change(system, "GL-1", ours(served))])

        async def fail(request: web.Request) -> web.Response:
            return web.Response(status=403)

        served.handlers["/feeds/test.xml"] = fail
        with pytest.raises(Exception, match="403"):
            await observed(system)
        del served.handlers["/feeds/test.xml"]
        served.pages["/feeds/test.xml"] = served.pages["/feeds/test.xml"][:400]
        with pytest.raises(RejectedError):
            await observed(system)


async def test_removing_ours_leaves_exactly_what_was_there(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        await system.apply([await change(system, "GL-1", item, first=True)])
        await system.apply([await change(system, "GL-1")])
        items, _ = published(served)
        assert images(items["GL-1"]) == ["https://shop.example/1.jpg?a=1&b=2", "https://shop.example/2,x.jpg"]
        assert await system.check_gone([item]) == {"P1": f"{item.url} still answers 200"}
        del served.pages[f"/m/{item.name}"]
        assert await system.check_gone([item]) == {}


async def test_a_server_that_fails_is_not_gone_and_one_without_head_is_asked_with_get(tmp_path, clock):
    statuses = {"HEAD": 405, "GET": 200}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=statuses[request.method])

    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        served.handlers[f"/m/{item.name}"] = answer
        assert "P1" in await system.check_gone([item])
        statuses["GET"] = 410
        assert await system.check_gone([item]) == {}

        async def fail(request: web.Request) -> web.Response:
            return web.Response(status=502, headers={"retry-after": "60"})

        served.handlers[f"/m/{item.name}"] = fail
        with pytest.raises(TransientError):
            await system.check_gone([item])


async def test_the_published_feed_follows_the_base_and_keeps_ours(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        await system.apply([await change(system, "GL-1", item, first=True)])
        newer = BASE.replace("19.90", "17.50").replace("https://shop.example/2,x.jpg", "https://shop.example/new.jpg")
        newer = newer.replace(
            "</channel>",
            "<item><g:id>GL-4</g:id><g:image_link>https://shop.example/4.jpg</g:image_link></item></channel>",
        )
        (tmp_path / "base.xml").write_text(newer)
        assert await system.apply([]) == []
        items, _ = published(served)
        assert items["GL-1"].findtext(f"{G}price") == "17.50 EUR"
        assert images(items["GL-1"]) == [item.url, "https://shop.example/1.jpg?a=1&b=2", "https://shop.example/new.jpg"]
        assert "GL-4" in items
        assert system._context.documents.publishes == 2
        await system.apply([])
        assert system._context.documents.publishes == 2


async def test_a_change_made_from_an_old_observation_cannot_touch_images_of_others(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        stale = GalleryChange(
            "GL-1", (GalleryItem(theirs=ObservedMedia("x", "https://shop.example/gone.jpg")), GalleryItem(ours=item))
        )
        await system.apply([stale])
        items, _ = published(served)
        assert images(items["GL-1"]) == [item.url, "https://shop.example/1.jpg?a=1&b=2", "https://shop.example/2,x.jpg"]


async def test_one_batch_is_one_publish_and_a_bad_change_does_not_stop_the_others(tmp_path, clock):
    twice = BASE.replace("</channel>", "<item><g:id>GL-2</g:id><title>Double</title></item></channel>")
    async with feed(tmp_path, clock, base=twice) as (system, served):
        item = ours(served)
        many = [ours(served, str(n).encode(), f"P{n}") for n in range(12)]
        long = ours(served, b"long", "PL", name="x" * 2100 + ".jpg")
        batch = [
            await change(system, "GL-1", item),
            await change(system, "GL-2", item),
            GalleryChange("GL-9", (GalleryItem(ours=item),)),
            await change(system, "GL-3", *many),
        ]
        results = {result.listing: result for result in await system.apply(batch)}
        assert results["GL-1"].answer is Answer.ACCEPTED
        assert "item 2 (Tab" in results["GL-2"].message
        assert "item 4 (Double)" in results["GL-2"].message
        assert "no item GL-9" in results["GL-9"].message
        assert "12 images, 11 are taken" in results["GL-3"].message
        assert [r.answer for r in results.values()].count(Answer.REJECTED) == 3
        assert system._context.documents.publishes == 1
        (result,) = await system.apply([await change(system, "GL-3", long)])
        assert "2000 characters" in result.message
        (gallery,) = await observed(system, "GL-2")
        assert "stands 2 times" in gallery.issues[0].message
        assert len(published(served)[1]) == 4


async def test_applying_again_changes_nothing(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, served):
        batch = [await change(system, "GL-1", ours(served))]
        await system.apply(batch)
        before = served.pages["/feeds/test.xml"]
        await system.apply(batch)
        assert served.pages["/feeds/test.xml"] == before
        assert system._context.documents.publishes == 1


async def test_a_tsv_base_keeps_its_columns(tmp_path, clock):
    base = (
        "id\ttitle\timage link\tadditional_image_link\tshipping(country:price)\n"
        'GL-1\t"A ""b"" & c"\thttps://a/1.jpg\thttps://a/2.jpg,https://a/3.jpg\tDE:4 EUR,AT:5 EUR\n'
        "GL-2\tx\t\t\t\n"
    )
    async with feed(tmp_path, clock, base=base, name="base.tsv") as (system, served):
        item = ours(served)
        await system.apply([await change(system, "GL-1", item)])
        items, rows = published(served)
        assert images(items["GL-1"]) == ["https://a/1.jpg", "https://a/2.jpg", "https://a/3.jpg", item.url]
        assert [e.findtext(f"{G}country") for e in items["GL-1"].iterfind(f"{G}shipping")] == ["DE", "AT"]
        assert items["GL-1"].findtext(f"{G}title") == 'A "b" & c'
        assert rows[0]["title"] == 'A "b" & c'
        assert rows[0]["shipping(country:price)"] == "DE:4 EUR,AT:5 EUR"
        assert [row["id"] for row in rows] == ["GL-1", "GL-2"]


async def test_without_a_base_products_become_items_and_leave_with_their_last_image(tmp_path, clock):
    async with feed(tmp_path, clock, base=None) as (system, served):
        assert await observed(system) == []
        (empty,) = await observed(system, "GL-1")
        assert (empty.exists, empty.media, empty.names) == (True, (), {"sku": "GL-1"})
        product = ProductRecord(
            sku="GL-1",
            title="Glow & Co \x07",
            gtin="0401",
            parent="GL",
            fields={"price": "5 EUR", "Not A Field": "x", "image_link": "no"},
        )
        item, other = ours(served), ours(served, b"two", "P2")
        await system.apply([await change(system, "GL-1", item, product=product)])
        await system.apply([await change(system, "GL-2", other, product=ProductRecord(sku="GL-2", title="Two"))])
        items, rows = published(served)
        assert list(items) == ["GL-1", "GL-2"]
        assert images(items["GL-1"]) == [item.url]
        assert rows[0] == {
            "id": "GL-1",
            "title": "Glow & Co",
            "gtin": "0401",
            "item_group_id": "GL",
            "price": "5 EUR",
            "image_link": item.url,
        }
        (result,) = await system.apply([GalleryChange("GL-3", (GalleryItem(ours=item),))])
        assert result.answer is Answer.REJECTED
        await system.apply([await change(system, "GL-1", product=product)])
        assert list(published(served)[0]) == ["GL-2"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", RejectedError),
        ("<html><body>Service unavailable</body></html>", RejectedError),
        (BASE[:-40], RejectedError),
        ("name\tprice\nx\t1\n", RejectedError),
        (f'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>{RSS}', HostileInput),
        (f'<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd">{RSS}', HostileInput),
        (f'<!DOCTYPE r [<!ENTITY b SYSTEM "file:///etc/passwd">]>{RSS}', HostileInput),
        ("<rss><channel><item>" + "<a>" * 50 + "</a>" * 50 + "</item></channel></rss>", HostileInput),
    ],
)  # fmt: skip
async def test_a_base_that_is_no_whole_feed_is_refused_and_nothing_is_published(
    tmp_path, clock, text: str, error: type
):
    async with feed(tmp_path, clock) as (system, served):
        item = ours(served)
        await system.apply([await change(system, "GL-1", item)])
        before = served.pages["/feeds/test.xml"]
        batch = [await change(system, "GL-1")]
        (tmp_path / "base.xml").write_text(text)
        with pytest.raises(error):
            await system.apply(batch)
        assert served.pages["/feeds/test.xml"] == before


async def test_a_base_that_is_missing_is_said(tmp_path, clock):
    async with feed(tmp_path, clock) as (system, _):
        assert await system.check() == f"3 items in base.xml; publishes {system._context.documents.url('xml')}"
        (tmp_path / "base.xml").unlink()
        with pytest.raises(NotFoundError, match=r"base\.xml"):
            await system.check()


@pytest.mark.timeout(60)  # it ends
async def test_twenty_thousand_items_take_seconds(tmp_path, clock):
    item = "<item><g:id>S-{0}</g:id><title>Product {0}</title><g:price>1 EUR</g:price><g:image_link>https://a/{0}.jpg</g:image_link></item>"
    base = BASE.split("<item>")[0] + "".join(item.format(n) for n in range(20_000)) + "</channel></rss>"
    async with feed(tmp_path, clock, base=base) as (system, served):
        batch = [await change(system, "S-19999", ours(served))]
        await system.apply(batch)
        assert len(await observed(system)) == 20_000
