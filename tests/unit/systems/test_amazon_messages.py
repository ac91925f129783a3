"""Feeds' documents and reports, notifications, options, signatures: what has no other side."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.errors import RejectedError
from syncd.sdk.changes import Subject
from syncd.sdk.limits import Points
from syncd.sdk.media import Answer, Issue
from syncd.systems.amazon import AmazonSystem, messages
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.marketplaces import MARKETPLACES
from syncd.systems.amazon.notifications import notice_of
from syncd.systems.amazon.options import AmazonOptions, QueueOptions
from syncd.systems.amazon.patching import Patch
from syncd.systems.amazon.reading import Item
from syncd.systems.amazon.signing import Signature

contract = "amazon"
US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"


def named(*skus: str) -> list[ListingName]:
    return [ListingName(sku, US) for sku in skus]


def report(*issues: dict[str, Any], **changed: Any) -> dict[str, Any]:
    summary = {"errors": 0, "warnings": 0, "messagesProcessed": 2, "messagesAccepted": 2, "messagesInvalid": 0}
    return {"header": {}, "issues": list(issues), "summary": summary, **changed}


def error(**changed: Any) -> dict[str, Any]:
    return {"severity": "ERROR", "code": "90000700", "message": "The image is blurred.", **changed}


# --- feeds ----------------------------------------------------------------------------------------------------------


def test_a_feed_holds_a_patch_per_listing():
    wanted = {"PT01": "https://x.example/a.jpg"}
    patches = [Patch(Item(name, product_type="BEAUTY"), wanted) for name in named("a", "b")]
    document = messages.document_of("A3", "en_US", patches)
    assert document["header"] == {"sellerId": "A3", "version": "2.0", "issueLocale": "en_US"}
    assert [(one["sku"], one["operationType"], len(one["patches"])) for one in document["messages"]] == [
        ("a", "PATCH", 1), ("b", "PATCH", 1),
    ]  # fmt: skip


@given(st.lists(st.text(min_size=1), unique=True, max_size=50), st.randoms())
def test_numbers_are_the_same_whenever_the_same_skus_are_asked_for(skus: list[str], random: Any):
    numbers = messages.numbered(skus)
    random.shuffle(skus)
    assert messages.numbered(skus) == numbers
    assert len(set(numbers.values())) == len(skus)
    assert all(1 <= number < 2**31 for number in numbers.values())


def test_a_report_says_what_became_of_each_listing():
    number = messages.numbered(["a", "b", "c"])["b"]
    found = messages.results_of(
        report(
            error(sku="a", attributeName="other_product_image_locator_3"),
            error(messageId=number, message="No such listing."),
            {"severity": "WARNING", "message": "Small.", "sku": "c"},
        ),
        named("a", "b", "c"),
    )
    assert [result.answer for result in found] == [Answer.REJECTED, Answer.REJECTED, Answer.ACCEPTED]
    assert found[0].issues == [Issue("The image is blurred.", "90000700", "PT03")]
    assert found[1].message == "No such listing."


def test_an_error_of_the_feed_itself_is_one_of_every_listing():
    found = messages.results_of(report(error(message="The file is no JSON.")), named("a", "b"))
    assert {result.answer for result in found} == {Answer.REJECTED}


@pytest.mark.parametrize("missing", ["issues", "summary"])
def test_a_report_that_lacks_something_is_none(missing: str):
    with pytest.raises(RejectedError, match=missing):
        messages.results_of({name: value for name, value in report().items() if name != missing}, named("a"))


# --- notifications --------------------------------------------------------------------------------------------------


def notification(kind: str, payload: dict[str, Any], *, lower: bool = False) -> str:
    body = {"NotificationType": kind, "EventTime": "2026-11-22T11:59:30.194Z", "Payload": payload}
    if lower:
        body = {name[0].lower() + name[1:]: value for name, value in body.items()}
    return json.dumps(body)


LISTING = {"SellerId": "A3", "MarketplaceId": US, "Asin": "B0", "Sku": "GL-0412", "Status": ["DISCOVERABLE", "BUYABLE"]}


@pytest.mark.parametrize("lower", [False, True])
def test_a_status_is_a_change_of_its_listing(lower: bool):
    notice = notice_of(notification("LISTINGS_ITEM_STATUS_CHANGE", LISTING, lower=lower))
    [change] = notice.changes([US, CA])
    assert (change.subject, change.name, change.status) == (Subject.LISTING, f"GL-0412@{US}", "BUYABLE+DISCOVERABLE")
    assert change.at == datetime(2026, 11, 22, 11, 59, 30, 194000, tzinfo=UTC)
    assert notice.seller == "A3"


def test_issues_have_no_status():
    payload = {"SellerId": "A3", "MarketplaceId": US, "Sku": "GL-0412", "Severities": ["ERROR"]}
    [change] = notice_of(notification("LISTINGS_ITEM_ISSUES_CHANGE", payload)).changes([US])
    assert change.status == ""


def test_without_a_marketplace_it_is_meant_for_all_and_for_others_there_is_nothing():
    everywhere = {name: value for name, value in LISTING.items() if name != "MarketplaceId"}
    found = notice_of(notification("LISTINGS_ITEM_STATUS_CHANGE", everywhere)).changes([US, CA])
    assert [change.name for change in found] == [f"GL-0412@{US}", f"GL-0412@{CA}"]
    assert notice_of(notification("LISTINGS_ITEM_STATUS_CHANGE", LISTING)).changes([CA]) == []


@pytest.mark.parametrize(("changed", "asin"), [(["main_product_image_locator"], "B0"), (["bullet_point"], "")])
def test_changed_content_names_a_page_if_images_changed(changed: list[str], asin: str):
    payload = {"MarketplaceId": US, "Asin": "B0", "AttributesChanged": changed}
    assert notice_of(notification("BRANDED_ITEM_CONTENT_CHANGE", payload)).asin == asin


def test_other_kinds_say_nothing():
    assert notice_of(notification("ORDER_CHANGE", {"x": 1})).changes([US]) == []


@pytest.mark.parametrize(
    "body",
    ["no JSON", "[]", "{}", notification("LISTINGS_ITEM_STATUS_CHANGE", {"SellerId": "A3"})],
)
def test_what_is_no_notification_is_refused(body: str):
    with pytest.raises(RejectedError):
        notice_of(body)


# --- options --------------------------------------------------------------------------------------------------------


def options(**changed: Any) -> AmazonOptions:
    given = {
        "seller": "A3", "marketplaces": {US: "US"}, "client_id": "id", "client_secret": "s", "refresh_token": "r",
        **changed,
    }  # fmt: skip
    return AmazonOptions.model_validate(given)


@pytest.mark.parametrize(
    ("marketplaces", "endpoint"),
    [
        ({US: "US", CA: "CA"}, "https://sellingpartnerapi-na.amazon.com"),
        ({"A1PA6795UKMFR9": "DE"}, "https://sellingpartnerapi-eu.amazon.com"),
        ({"A1VC38T7YXB528": "JP"}, "https://sellingpartnerapi-fe.amazon.com"),
    ],
)
def test_marketplaces_say_the_endpoint(marketplaces: dict[str, str], endpoint: str):
    assert options(marketplaces=marketplaces).api == endpoint


@pytest.mark.parametrize("marketplaces", [{}, {"UNKNOWN": "US"}, {US: "US", "A1PA6795UKMFR9": "DE"}])
def test_marketplaces_are_known_ones_of_one_region(marketplaces: dict[str, str]):
    with pytest.raises(ValidationError):
        options(marketplaces=marketplaces)


def test_an_endpoint_that_is_named_takes_any_marketplace():
    assert options(marketplaces={"NEW": "X"}, endpoint="https://sandbox.example/").api == "https://sandbox.example"


def test_marketplaces_are_23_in_three_regions():
    assert Counter(region.name for _, region in MARKETPLACES.values()) == {
        "North America": 4, "Europe": 16, "Far East": 3,
    }  # fmt: skip


def test_a_queue_is_named_by_its_arn():
    queue = QueueOptions(arn="arn:aws:sqs:eu-west-1:111122223333:syncd", access_key="A", secret_key="s")
    assert (queue.region, queue.address) == ("eu-west-1", "https://sqs.eu-west-1.amazonaws.com/111122223333/syncd")
    with pytest.raises(ValidationError, match="is no queue"):
        QueueOptions(arn="arn:aws:sns:eu-west-1:111122223333:syncd", access_key="A", secret_key="s")


def test_every_limit_has_its_source_and_keeps_something_for_takedowns():
    limits = AmazonSystem.limits(options())
    assert all(limit.source[-10:].count("-") == 2 for limit in limits)
    reserved = {limit.name for limit in limits if isinstance(limit, Points) and limit.reserve}
    assert reserved == {"getListingsItem", "searchListingsItems", "patchListingsItem"}


# --- signatures -----------------------------------------------------------------------------------------------------


def test_a_request_is_signed_at_the_instant_the_clock_tells():
    """The example of AWS's own documentation: Signature Version 4 test suite, get-vanilla-query-order-key-case."""
    user = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    signature = Signature(user, "service", "us-east-1", lambda: datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    request = httpx.Request("GET", "https://example.amazonaws.com/?Param1=value1&Param2=value2")
    [signed] = signature.sync_auth_flow(request)
    assert signed.headers["x-amz-date"] == "20150830T123600Z"
    assert signed.headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )
