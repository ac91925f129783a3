"""What Walmart's connector decides without calling anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import RejectedError, TransientError
from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Answer, Media, ObservedMedia
from syncd.systems.walmart import WalmartSystem, budget, feed, figures
from syncd.systems.walmart.ingestion import Ingestion
from syncd.systems.walmart.items import MAIN, SECONDARY, Item, gallery_of, item_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PREFIX = "https://media.acme.example/m/"
urls = st.integers(0, 999).map(lambda number: f"https://shop.example/{number}.jpg")
galleries = st.lists(urls, unique=True, min_size=1, max_size=9)


def record(images: list[str], **facts: object) -> dict[str, object]:
    bag = [
        {"name": MAIN, "type": "STRING", "value": [{"value": images[0]}]},
        {"name": SECONDARY, "type": "STRING", "value": [{"value": u, "rank": n} for n, u in enumerate(images[1:])]},
    ]
    return {
        "sku": "GL-1",
        "gtin": "0401",
        "productType": "Serums",
        "additionalAttributes": {"nameValueAttribute": bag},
    } | facts


def change(images: list[str], *ours: Media, removes: tuple[Media, ...] = ()) -> GalleryChange:
    held = [GalleryItem(theirs=ObservedMedia(url, url)) for url in images]
    return GalleryChange("GL-1", [*held, *(GalleryItem(ours=media) for media in ours)], ours, removes)


def picture(name: str = "a.jpg", **facts: str) -> Media:
    return Media("P1", name, f"{PREFIX}{name}", "", 1, "image/jpeg", "lifestyle", "A1", 1, **facts)


# --- allowances -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, budget.Allowance()),
        ({"X-Current-Token-Count": "9"}, budget.Allowance(9.0)),
        ({"x-current-token-count": "0", "X-Next-Replenishment-Time": "1795435260000"}, budget.Allowance(0.0, 60.0)),
        ({"x-next-replenish-time": "1795435260"}, budget.Allowance(None, 60.0)),
        ({"x-next-replenish-time": "2026-11-23T12:01:00Z"}, budget.Allowance(None, 60.0)),
        ({"x-next-replenish-time": "2026-11-23T12:01:00"}, budget.Allowance(None, 60.0)),
        ({"x-next-replenish-time": "2026-11-23T11:00:00Z"}, budget.Allowance(None, 0.0)),
        ({"x-next-replenish-time": "2027-01-01T00:00:00Z"}, budget.Allowance(None, 3600.0)),
        ({"retry-after": "7"}, budget.Allowance(None, 7.0)),
        ({"x-current-token-count": "many", "x-next-replenish-time": "soon"}, budget.Allowance()),
        ({"x-next-replenish-time": "9" * 15}, budget.Allowance()),
    ],
)  # fmt: skip
def test_an_allowance_is_read_in_every_spelling(headers: dict[str, str], told: budget.Allowance):
    assert budget.told(httpx.Headers(headers), NOW) == told


def test_figures_are_dated_and_have_their_source():
    for feeds in (figures.FEEDS, figures.SANDBOX_FEEDS):
        assert feeds.source
        assert feeds.dated <= NOW.date()
    assert figures.FEEDS.pace == timedelta(minutes=6)
    assert figures.IMAGES.source


def test_the_figures_stand_in_the_documents():
    text = (Path(__file__).parents[3] / "docs" / "systems.md").read_text()
    section = text[text.index("## Walmart Marketplace") : text.index("<!-- generated: systems -->")]
    feeds, sandbox, images = figures.FEEDS, figures.SANDBOX_FEEDS, figures.IMAGES
    for said in (
        f"{feeds.an_hour} an hour", f"{feeds.items:,} items, {feeds.size:,} bytes",
        f"{feeds.processing.seconds // 3600} hours", f"{sandbox.an_hour} an hour, {sandbox.items} items",
        f"{sandbox.size:,} bytes", f"{figures.ITEM.a_minute} of an item",
        f"{figures.ITEMS.a_minute} of the catalogue's pages", f"{figures.FEED_STATUS.a_minute:,} of a feed's status",
        f"{images.size:,} bytes", f"{images.url_characters:,} characters", f"{WalmartSystem.max_batch:,} listings",
        f"{WalmartSystem.linger.seconds} seconds", f"up to {figures.SHOWN_WITHIN.total_seconds() / 3600:g} hours",
    ):  # fmt: skip
        assert said in section


# --- items ----------------------------------------------------------------------------------------------------------


@given(galleries, st.randoms())
def test_images_are_read_in_the_order_of_their_ranks(images: list[str], random):
    given_record = record(images)
    random.shuffle(given_record["additionalAttributes"]["nameValueAttribute"][1]["value"])
    gallery = gallery_of(item_of(given_record), PREFIX)
    assert [one.url for one in gallery.media] == images
    assert [one.role for one in gallery.media] == ["main"] + ["additional"] * (len(images) - 1)


@pytest.mark.parametrize(
    "bag",
    [
        None, {}, [], {"nameValueAttribute": None}, {"nameValueAttribute": [None, {"name": 5}]},
        {"nameValueAttribute": [{"name": MAIN, "value": [{"value": "https://a/1.jpg"}]}]},
        {"nameValueAttribute": [{"name": SECONDARY, "value": []}]},
        {"nameValueAttribute": [{"name": MAIN, "value": "https://a/1.jpg"}, {"name": SECONDARY, "value": []}]},
        {"nameValueAttribute": [{"name": MAIN, "value": [{"value": ""}]}, {"name": SECONDARY, "value": []}]},
        {"nameValueAttribute": [{"name": MAIN, "value": [{"value": "x"}]}, {"name": SECONDARY, "value": [{"u": "y"}]}]},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_unreadable_and_never_empty(bag: object):
    item = item_of({"sku": "GL-1", "additionalAttributes": bag})
    assert item.images is None
    assert len(gallery_of(item, PREFIX).media) == 1
    refused = feed.refusal(change([], picture()), item, PREFIX)
    assert refused is not None
    assert refused.answer is Answer.REJECTED


def test_ours_is_known_by_the_whole_beginning_of_its_address():
    images = [f"{PREFIX}a.jpg", "https://elsewhere.example/m/a.jpg", f"{PREFIX[:-1]}x/a.jpg"]
    assert [one.name for one in gallery_of(item_of(record(images)), PREFIX).media] == ["a.jpg", "", ""]


@pytest.mark.parametrize("bad", [{}, {"sku": ""}, {"sku": 5}])
def test_a_record_without_sku_is_no_item(bad: dict[str, object]):
    with pytest.raises(RejectedError, match="has no sku"):
        item_of(bad)


# --- feeds ----------------------------------------------------------------------------------------------------------


@given(galleries, st.integers(0, 3))
def test_a_feed_says_the_whole_gallery_in_order(images: list[str], count: int):
    ours = [picture(f"{number}.jpg") for number in range(count)]
    said = feed.entry(change(images, *ours), item_of(record(images)))["Visible"]["Serums"]
    assert [said[MAIN], *said.get(SECONDARY, [])] == images + [media.url for media in ours]
    assert all(said.values()), "an empty value would change nothing"


@given(galleries, st.data())
def test_no_image_of_others_is_ever_left_out(images: list[str], data: st.DataObject):
    kept = data.draw(st.lists(st.sampled_from(images), unique=True))
    refused = feed.refusal(change(kept, picture()), item_of(record(images)), PREFIX)
    if len(kept) < len(images):
        assert refused is not None
        assert refused.answer is Answer.RETRY
    else:
        assert refused is None


def test_ours_under_a_former_public_address_may_leave():
    former = "https://old.example/m/a.jpg"
    item = item_of(record(["https://shop.example/1.jpg", "https://shop.example/2.jpg", former]))
    kept = ["https://shop.example/1.jpg", "https://shop.example/2.jpg"]
    assert feed.refusal(change(kept, removes=(picture(external_id=former),)), item, PREFIX) is None
    assert feed.refusal(change(kept, picture(seen_url=former)), item, PREFIX) is None


@pytest.mark.parametrize("missing", [{"gtin": ""}, {"productType": ""}])
def test_an_item_that_a_feed_could_not_name_is_refused(missing: dict[str, str]):
    item = item_of(record(["https://shop.example/1.jpg"], **missing))
    refused = feed.refusal(change(["https://shop.example/1.jpg"], picture()), item, PREFIX)
    assert refused is not None
    assert "no product type or no GTIN" in refused.message


def test_a_upc_names_an_item_that_has_no_gtin():
    item = Item("GL-1", upc="012345678905", product_type="Serums", images=())
    entry = feed.entry(change([], picture()), item)
    assert entry["Orderable"]["productIdentifiers"] == {"productIdType": "UPC", "productId": "012345678905"}


@given(st.lists(st.text(max_size=200), max_size=30), st.integers(200, 3000), st.integers(1, 30))
def test_as_many_items_as_fit_are_sent(texts: list[str], size: int, items: int):
    entries = [{"Orderable": {"sku": text}} for text in texts]
    allowed = figures.FeedFigures(NOW.date(), "test", 10, items, size, timedelta())
    count = feed.fitting(entries, "5.0", allowed)
    assert len(feed.document(entries[:count], "5.0")) <= size
    assert count <= items
    if count < min(len(entries), items):
        assert len(feed.document(entries[: count + 1], "5.0")) + 2 > size
    assert json.loads(feed.document(entries[:count], "5.0"))["MPItem"] == entries[:count]


# --- what became of them --------------------------------------------------------------------------------------------

STATUSES = {"SUCCESS": Answer.ACCEPTED, "DATA_ERROR": Answer.REJECTED, "SYSTEM_ERROR": Answer.RETRY,
            "TIMEOUT_ERROR": Answer.RETRY, "INPROGRESS": Answer.PENDING}  # fmt: skip


@given(st.lists(st.sampled_from(sorted(STATUSES)), min_size=1, max_size=40), st.integers(1, 50))
def test_pages_of_any_size_say_the_same(statuses: list[str], size: int):
    found = Ingestion("F1", PREFIX)
    details = [{"sku": str(n), "ingestionStatus": status} for n, status in enumerate(statuses)]
    more = True
    while more:
        part = details[found.told : found.told + size]
        more = found.take(page(len(details), part))
    answers = {result.listing: result.answer for result in found.answers([str(n) for n in range(len(details) + 1)])}
    assert answers == {str(n): STATUSES[status] for n, status in enumerate(statuses)} | {
        str(len(details)): Answer.PENDING
    }


def page(
    received: int, details: list[dict[str, object]], state: str = "PROCESSED", **facts: object
) -> dict[str, object]:
    return {"feedStatus": state, "itemsReceived": received, "itemDetails": {"itemIngestionStatus": details}, **facts}


def test_a_complaint_names_each_image_it_speaks_of():
    words = f"Bad: ({PREFIX}a.jpg), '{PREFIX}b.jpg'; https://shop.example/1.jpg. Also {PREFIX}a.jpg"
    errors = {"ingestionError": [{"type": "DATA_ERROR", "code": "E1", "description": words}, {"code": "E2"}]}
    found = Ingestion("F1", PREFIX)
    found.take(page(1, [{"sku": "GL-1", "ingestionStatus": "DATA_ERROR", "ingestionErrors": errors}]))
    (result,) = found.answers(["GL-1"])
    assert [issue.media for issue in result.issues] == ["a.jpg", "b.jpg", "https://shop.example/1.jpg", ""]
    assert result.message == f"{words}; E2"


def test_a_warning_about_an_item_that_was_taken_is_kept():
    errors = {"ingestionError": [{"type": "DATA_ERROR", "field": MAIN, "description": "Small."}]}
    found = Ingestion("F1", PREFIX)
    found.take(page(1, [{"sku": "GL-1", "ingestionStatus": "SUCCESS", "ingestionErrors": errors}]))
    (result,) = found.answers(["GL-1"])
    assert (result.answer, result.issues[0].message) == (Answer.ACCEPTED, f"{MAIN}: Small.")


@pytest.mark.parametrize(
    ("errors", "answer"),
    [
        ([{"type": "SYSTEM_ERROR", "code": "S", "description": "Later."}], Answer.RETRY),
        ([{"type": "DATA_ERROR", "code": "D", "description": "Wrong."}], Answer.REJECTED),
        (None, Answer.REJECTED),
    ],
)  # fmt: skip
def test_a_feed_that_failed_decides_for_all_that_it_says_nothing_of(errors: object, answer: Answer):
    found = Ingestion("F1", PREFIX)
    assert not found.take(page(0, [], "ERROR", ingestionErrors={"ingestionError": errors}))
    assert {result.answer for result in found.answers(["GL-1", "GL-2"])} == {answer}


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"feedStatus": "DONE", "itemsReceived": 1}, {"feedStatus": "PROCESSED"},
        page(1, []), page(1, [], state="DONE"), {"feedStatus": "PROCESSED", "itemsReceived": 1, "itemDetails": []},
        {"feedStatus": "PROCESSED", "itemsReceived": 1, "itemDetails": {"itemIngestionStatus": {"sku": "GL-1"}}},
    ],
)  # fmt: skip
def test_a_page_of_another_shape_raises(bad: dict[str, object]):
    with pytest.raises(TransientError, match="The status of feed F1 has no"):
        Ingestion("F1", PREFIX).take(bad)


def test_an_item_of_unknown_state_keeps_no_other_waiting():
    known, unknown = {"sku": "GL-1", "ingestionStatus": "SUCCESS"}, {"sku": "GL-2", "ingestionStatus": "MAYBE"}
    found = Ingestion("F1", PREFIX)
    found.take(page(3, [unknown, {"ingestionStatus": "SUCCESS"}, known]))
    answers = found.answers(["GL-1", "GL-2", "GL-3"])
    assert [result.answer for result in answers] == [Answer.ACCEPTED, Answer.PENDING, Answer.PENDING]
    assert answers[1].message == "Walmart says MAYBE"
