"""The harness on the Selling Partner API's own files: the calls that a connector makes, right and wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.contracts import UnderContract, home
from syncd.testing.contracts.contract import Contract, open_contracts
from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.jsonschemas import JsonSchemaContract
from syncd.testing.contracts.violation import ContractViolation
from tests.unit.testing.contracts.calls import answer, answer_places, places, request

HOME = home.find(Path(__file__).parents[4])
if HOME is None:
    pytest.skip(home.missing("amazon"), allow_module_level=True)

FOLDER = HOME / "amazon"
ITEM = "/listings/2021-08-01/items/A3SELLER/GL%2F0412"
US = "marketplaceIds=ATVPDKIKX0DER"
LOCATOR = {"media_location": "https://m.example/a.jpg", "marketplace_id": "ATVPDKIKX0DER"}
REPLACE = {"op": "replace", "path": "/attributes/main_product_image_locator", "value": [LOCATOR]}
DELETE = {"op": "delete", "path": "/attributes/other_product_image_locator_8", "value": [{"marketplace_id": "ATV"}]}
PATCH = {"productType": "LUGGAGE", "patches": [REPLACE, DELETE]}
FEED = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": ["ATVPDKIKX0DER"], "inputFeedDocumentId": "amzn1.doc"}
SQS = {"sqs": {"arn": "arn:aws:sqs:us-east-1:444455556666:syncd"}}
SUBSCRIPTION = {"payloadVersion": "1.0", "destinationId": "d-1"}
MESSAGE = {"messageId": 1, "sku": "GL-0412", "operationType": "PATCH", **PATCH}


def contract_of(asked: Request) -> Contract:
    """The one of Amazon's files that speaks of a request's path."""
    (found,) = [found for found in open_contracts(FOLDER, UnderContract("amazon")) if found.covers(asked)]
    return found


@pytest.mark.parametrize(
    ("method", "url", "body", "operation"),
    [
        ("PATCH", f"{ITEM}?{US}", PATCH, "patchListingsItem"),
        ("PATCH", f"{ITEM}?{US}&mode=VALIDATION_PREVIEW&includedData=identifiers%2Cissues", PATCH, "patchListingsItem"),
        ("PATCH", f"{ITEM}?{US}&issueLocale=de_DE", PATCH, "patchListingsItem"),
        ("GET", f"{ITEM}?{US}&includedData=summaries,attributes,issues", None, "getListingsItem"),
        ("GET", f"/listings/2021-08-01/items/A3SELLER?{US}&identifiers=A,B&identifiersType=SKU&pageSize=20", None,
         "searchListingsItems"),
        ("POST", "/feeds/2021-06-30/documents", {"contentType": "application/json; charset=UTF-8"},
         "createFeedDocument"),
        ("POST", "/feeds/2021-06-30/feeds", FEED, "createFeed"),
        ("GET", "/feeds/2021-06-30/feeds/50001", None, "getFeed"),
        ("GET", "/feeds/2021-06-30/feeds?feedTypes=JSON_LISTINGS_FEED&pageSize=10", None, "getFeeds"),
        ("GET", "/feeds/2021-06-30/documents/amzn1.doc", None, "getFeedDocument"),
        ("POST", "/notifications/v1/destinations", {"name": "syncd", "resourceSpecification": SQS},
         "createDestination"),
        ("POST", "/notifications/v1/subscriptions/LISTINGS_ITEM_ISSUES_CHANGE", SUBSCRIPTION, "createSubscription"),
        ("GET", f"/definitions/2020-09-01/productTypes/LUGGAGE?{US}&requirements=LISTING", None,
         "getDefinitionsProductType"),
    ],
)  # fmt: skip
def test_calls_that_amazon_takes(method: str, url: str, body: object, operation: str) -> None:
    asked = request(method, url, **({"json": body} if body else {}))
    assert contract_of(asked).check_request(asked) == operation


@pytest.mark.parametrize(
    ("method", "url", "body", "place"),
    [
        ("PATCH", ITEM, PATCH, "query.marketplaceIds"),
        ("PATCH", f"{ITEM}?marketplaceIds=", PATCH, "query.marketplaceIds"),
        ("PATCH", f"{ITEM}?{US}&{US}", PATCH, "query.marketplaceIds"),
        ("PATCH", f"{ITEM}?{US}&mode=VALIDATE", PATCH, "query.mode"),
        ("PATCH", f"{ITEM}?{US}&validationPreview=true", PATCH, "query.validationPreview"),
        ("PATCH", f"{ITEM}?{US}&includedData=summaries", PATCH, "query.includedData[0]"),
        ("PATCH", f"{ITEM}?{US}", None, "body"),
        ("PATCH", f"{ITEM}?{US}", {"patches": [REPLACE]}, "body"),
        ("PATCH", f"{ITEM}?{US}", PATCH | {"patches": []}, "body.patches"),
        ("PATCH", f"{ITEM}?{US}", PATCH | {"requirements": "LISTING"}, "body"),
        ("PATCH", f"{ITEM}?{US}", PATCH | {"patches": [REPLACE | {"op": "remove"}]}, "body.patches[0].op"),
        ("PATCH", f"{ITEM}?{US}", PATCH | {"patches": [REPLACE | {"value": LOCATOR}]}, "body.patches[0].value"),
        ("PATCH", f"{ITEM}?{US}", PATCH | {"patches": [{"op": "delete"}]}, "body.patches[0]"),
        ("POST", f"{ITEM}?{US}", PATCH, "method"),
        ("GET", f"{ITEM}?{US}&includedData=images", None, "query.includedData[0]"),
        ("POST", "/feeds/2021-06-30/documents", {}, "body"),
        ("POST", "/feeds/2021-06-30/feeds", FEED | {"marketplaceIds": []}, "body.marketplaceIds"),
        ("POST", "/feeds/2021-06-30/feeds", FEED | {"feedOptions": {"a": 1}}, "body.feedOptions.a"),
        ("POST", "/feeds/2021-06-30/feeds", FEED | {"documentId": "amzn1.doc"}, "body"),
        ("GET", "/feeds/2021-06-30/feeds?pageSize=0", None, "query.pageSize"),
        ("POST", "/notifications/v1/destinations",
         {"name": "syncd", "resourceSpecification": {"sqs": {"arn": "arn:aws:sns:us-east-1:4444:syncd"}}},
         "body.resourceSpecification.sqs.arn"),
        ("POST", "/notifications/v1/subscriptions/FEED_PROCESSING_FINISHED", {"destinationId": "d-1"}, "body"),
        ("POST", "/notifications/v1/subscriptions/ANY_OFFER_CHANGED",
         SUBSCRIPTION | {"processingDirective": {"eventFilter": {"eventFilterType": "LISTINGS"}}},
         "body.processingDirective.eventFilter.eventFilterType"),
    ],
)  # fmt: skip
def test_calls_that_amazon_does_not_take(method: str, url: str, body: object, place: str) -> None:
    asked = request(method, url, **({"json": body} if body is not None else {}))
    assert places(contract_of(asked), asked)[:1] == [place]


def test_a_body_must_say_that_it_is_json() -> None:
    asked = request("PATCH", f"{ITEM}?{US}", content=json.dumps(PATCH).encode())
    assert places(contract_of(asked), asked) == ["headers.content-type"]


@pytest.mark.parametrize(
    ("status", "body", "place"),
    [
        (200, {"sku": "GL/0412", "status": "ACCEPTED", "submissionId": "1"}, ""),
        (200, {"sku": "GL/0412", "status": "DONE", "submissionId": "1"}, "answer.status"),
        (200, {"sku": "GL/0412", "status": "VALID", "submissionId": "1", "issues": [{"code": "1"}]},
         "answer.issues[0]"),
        (200, {"sku": "GL/0412", "status": "VALID", "submissionId": "1", "warnings": []}, "answer"),
        (429, {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}, ""),
        (429, {"message": "slow down"}, "answer"),
        (401, {}, "answer.status"),
    ],
)  # fmt: skip
def test_answers_of_a_fake(status: int, body: object, place: str) -> None:
    asked = request("PATCH", f"{ITEM}?{US}", json=PATCH)
    assert answer_places(contract_of(asked), asked, answer(status, body))[:1] == [place] * bool(place)


def sandbox_answers() -> Iterator[Any]:
    """Amazon's own answers, as its files give them for the sandbox and as examples."""
    for path in sorted(FOLDER.glob("*.json")):
        for template, item in json.loads(path.read_text()).get("paths", {}).items():
            for method, operation in item.items():
                responses = operation.get("responses", {}) if isinstance(operation, dict) else {}
                asked = Request(method, "https://api.example" + re.sub(r"\{.*?\}", "x", template))
                for status, response in responses.items():
                    cases = response.get("x-amzn-api-sandbox", {}).get("static", [])
                    given = [case["response"] for case in cases if "response" in case]
                    yield from ((asked, int(status), body) for body in (*given, *response.get("examples", {}).values()))


def test_amazons_own_answers_fit_its_contract() -> None:
    checked = 0
    for asked, status, body in sandbox_answers():
        contract_of(asked).check_response(asked, answer(status, body))
        checked += 1
    assert checked > 50


def test_feeds_fit_their_schema() -> None:
    feed = JsonSchemaContract.load(FOLDER / "listings-feed-schema-v2.json")
    header = {"sellerId": "A3SELLER", "version": "2.0"}
    feed.check({"header": header, "messages": [MESSAGE]})
    for message in (MESSAGE | {"operationType": "UPDATE"}, MESSAGE | {"messageId": 0}, {**MESSAGE, "patches": []}):
        with pytest.raises(ContractViolation, match=r"document\.messages\[0\]"):
            feed.check({"header": header, "messages": [message]})
    with pytest.raises(ContractViolation, match=r"document\.header\.version"):
        feed.check({"header": header | {"version": "1.0"}, "messages": [MESSAGE]})


@pytest.mark.parametrize(
    "name",
    [
        "BrandedItemContentChangeNotification.json",
        "FeedProcessingFinishedNotification.json",
        "ListingsItemIssuesChangeNotification.json",
        "ListingsItemIssuesChangeNotification_2023-12-13.json",
    ],
)
def test_amazons_own_notifications_fit_their_schema(name: str) -> None:
    examples = json.loads((FOLDER / name).read_text())["examples"]
    for example in examples:
        JsonSchemaContract.load(FOLDER / name).check(example)
    assert examples


def test_an_empty_answer_where_the_contract_gives_no_body() -> None:
    asked = request("DELETE", "/feeds/2021-06-30/feeds/50001")
    contract_of(asked).check_response(asked, Answer(200))
