"""How answers of Amazon are understood: listings, issues, what shoppers see; and what is not taken for an answer."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncd.errors import RejectedError
from syncd.sdk.media import Issue, MediaState
from syncd.systems.amazon.gallery import gallery_of
from syncd.systems.amazon.hosting import Hosting, image_id
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.reading import item_of

contract = "amazon"
US = "ATVPDKIKX0DER"
OURS = Hosting("https://media.acme.example/m/")
AMAZON = "https://m.media-amazon.com/images/I/"


def locator(url: str, marketplace: str = US) -> list[dict[str, Any]]:
    return [{"media_location": url, "marketplace_id": marketplace}]


def raw(**changed: Any) -> dict[str, Any]:
    """An item as searchListingsItems gives it, with members replaced or (None) left out."""
    item = {
        "sku": "GL-0412",
        "summaries": [
            {
                "marketplaceId": US,
                "asin": "B0GLOW0412",
                "productType": "BEAUTY",
                "status": ["BUYABLE"],
                "createdDate": "2024-03-01T00:00:00Z",
                "lastUpdatedDate": "2026-11-22T12:00:00Z",
                "mainImage": {"link": f"{AMAZON}61front.jpg", "height": 500, "width": 500},
            }
        ],
        "attributes": {
            "item_name": [{"value": "Glow Serum", "language_tag": "en_US", "marketplace_id": US}],
            "externally_assigned_product_identifier": [{"type": "ean", "value": "04012345678901"}],
            "other_product_image_locator_2": locator("https://media.acme.example/m/beach.jpg"),
            "main_product_image_locator": locator(f"{AMAZON}61front.jpg"),
            "other_product_image_locator_1": locator(f"{AMAZON}61back.jpg"),
            "other_product_image_locator_9": locator(f"{AMAZON}61ninth.jpg"),
            "a_new_attribute": [{"value": 1}],
        },
        "issues": [],
        "productTypes": [{"marketplaceId": US, "productType": "BEAUTY"}],
        "newMember": {},
        **changed,
    }
    return {name: value for name, value in item.items() if value is not None}


def refusal(slot: int, **changed: Any) -> dict[str, Any]:
    return {
        "code": "90000700",
        "message": "The image is blurred.",
        "severity": "ERROR",
        "attributeNames": [f"other_product_image_locator_{slot}"],
        "categories": ["INVALID_IMAGE"],
        **changed,
    }


def test_a_gallery_has_the_order_of_its_slots():
    found = gallery_of(item_of(raw(), US), "US", OURS, None)
    assert [(one.slot, one.name, one.role) for one in found.media] == [
        ("MAIN", "", "main"), ("PT01", "", "alternate"), ("PT02", "beach.jpg", "alternate"),
    ]  # fmt: skip
    assert found.names == {"sku": "GL-0412", "gtin": "4012345678901", "asin": "B0GLOW0412"}
    assert (found.listing, found.market) == (f"GL-0412@{US}", "US")


def test_images_of_other_marketplaces_are_left_out():
    attributes = {"item_name": [{}], "main_product_image_locator": locator("https://x.example/a.jpg", "A2EUQ1WTGCTBG2")}
    assert item_of(raw(attributes=attributes), US).locations == {}


def test_our_own_address_is_no_name_yet_and_amazons_is():
    media = {one.slot: one for one in gallery_of(item_of(raw(), US), "US", OURS, None).media}
    assert (media["PT02"].external_id, media["PT02"].placed_as) == ("PT02", "")
    assert (media["PT01"].external_id, media["PT01"].placed_as) == (f"{AMAZON}61back.jpg", "PT01")


def test_what_amazon_still_works_on_is_processing():
    staged = "s3://selling-partner-listings-api-media-staging-prod-dub/MerchantId/A3/x"
    attributes = {"item_name": [{}], "other_product_image_locator_1": locator(staged)}
    [one] = gallery_of(item_of(raw(attributes=attributes), US), "US", OURS, None).media
    assert (one.state, one.placed_as) == (MediaState.PROCESSING, "PT01")


# --- what shoppers see ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (None, [True, None, None]),  # the summary alone tells of the main image
        ({"MAIN": frozenset({"61front"}), "PT01": frozenset({"41x", "61back"})}, [True, True, None]),
        ({"MAIN": frozenset({"71another"}), "PT01": frozenset({"71another"})}, [True, False, None]),
        ({}, [True, False, None]),
    ],
)
def test_shown_is_what_the_page_shows_under_the_same_name(shown: Any, expected: list[bool | None]):
    assert [one.shown for one in gallery_of(item_of(raw(), US), "US", OURS, shown).media] == expected


def test_a_main_image_that_is_anothers_is_not_shown():
    summary = {**raw()["summaries"][0], "mainImage": {"link": f"{AMAZON}71another.jpg"}}
    assert gallery_of(item_of(raw(summaries=[summary]), US), "US", OURS, None).media[0].shown is False


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{AMAZON}71w+9P0MvoL.jpg", "71w+9P0MvoL"),
        (f"{AMAZON}71w+9P0MvoL._AC_SL1500_.jpg", "71w+9P0MvoL"),
        ("https://media.acme.example/m/beach.jpg", ""),
    ],
)
def test_an_image_has_one_name_in_all_sizes(url: str, name: str):
    assert image_id(url) == name


# --- issues ---------------------------------------------------------------------------------------------------------


def test_an_error_about_a_locator_fails_exactly_its_image():
    found = gallery_of(item_of(raw(issues=[refusal(2)]), US), "US", OURS, None)
    assert [one.state for one in found.media] == [MediaState.READY, MediaState.READY, MediaState.FAILED]
    assert found.media[2].message == "The image is blurred."
    assert found.issues == [Issue("The image is blurred.", "90000700", "beach.jpg")]


@pytest.mark.parametrize(
    "changed",
    [
        {"severity": "WARNING"},
        {"enforcements": {"actions": [], "exemption": {"status": "EXEMPT"}}},
    ],
)
def test_warnings_and_exemptions_fail_nothing(changed: dict[str, Any]):
    found = gallery_of(item_of(raw(issues=[refusal(2, **changed)]), US), "US", OURS, None)
    assert {one.state for one in found.media} == {MediaState.READY}
    assert [issue.media for issue in found.issues] == ["beach.jpg"]


def test_issues_of_other_marketplaces_other_things_and_hints_are_left_out():
    elsewhere = refusal(2, marketplaceIds=["A2EUQ1WTGCTBG2"])
    price = {"code": "1", "message": "No price.", "severity": "ERROR", "categories": ["MISSING_PRICE"]}
    hint = refusal(2, severity="INFO")
    assert gallery_of(item_of(raw(issues=[elsewhere, price, hint]), US), "US", OURS, None).issues == []


def test_an_image_issue_without_attribute_is_about_the_whole_listing():
    watermark = refusal(2, attributeNames=[], message="The main image has a watermark.")
    assert gallery_of(item_of(raw(issues=[watermark]), US), "US", OURS, None).issues == [
        Issue("The main image has a watermark.", "90000700", "")
    ]


# --- what is no answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sku", "summaries", "attributes"])
def test_a_missing_or_renamed_member_is_named_with_a_sample(name: str):
    renamed = raw(**{name: None}, **{f"{name}V2": raw()[name]})
    with pytest.raises(RejectedError, match=rf"no {name} that is .*: \{{"):
        item_of(renamed, US)


@pytest.mark.parametrize("name", ["sku", "summaries", "attributes"])
def test_a_member_of_another_kind_is_named(name: str):
    with pytest.raises(RejectedError, match=name):
        item_of(raw(**{name: 7}), US)


def test_no_attributes_at_all_are_not_taken_for_no_images():
    with pytest.raises(RejectedError, match="has no attributes"):
        item_of(raw(attributes={}), US)


def test_a_renamed_location_is_not_taken_for_no_image():
    item = copy.deepcopy(raw())
    item["attributes"]["main_product_image_locator"] = [{"mediaLocation": "x", "marketplace_id": US}]
    with pytest.raises(RejectedError, match="media_location"):
        item_of(item, US)


def test_an_emptied_locator_is_not_taken_for_no_image():
    item = copy.deepcopy(raw())
    item["attributes"]["main_product_image_locator"] = []
    with pytest.raises(RejectedError, match="is empty"):
        item_of(item, US)


def test_a_renamed_locator_is_not_taken_for_no_image():
    attributes = {"item_name": [{}], "main_product_image": locator("https://x.example/a.jpg")}
    with pytest.raises(RejectedError, match="main_product_image"):
        item_of(raw(attributes=attributes), US)


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_sku_may_hold_the_sign_that_separates():
    assert ListingName.parse(f"a@b@{US}") == ListingName("a@b", US)
    assert str(ListingName("a@b", US)) == f"a@b@{US}"


@pytest.mark.parametrize("text", ["", "GL-0412", f"@{US}", "GL-0412@"])
def test_what_names_no_listing_is_none(text: str):
    assert ListingName.parse(text) is None
