"""The whole of it: who calls, whether they may, whether not too often, and what they get."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import httpx

from syncd.clock import Clock
from syncd.testing.vendor import ShopVendor, Stands, body_of
from tests.support.vendors.amazon.buckets import Buckets
from tests.support.vendors.amazon.feeds import STORE, FeedHouse, Message
from tests.support.vendors.amazon.login import Desk
from tests.support.vendors.amazon.notices import Notices
from tests.support.vendors.amazon.shelf import SLOTS, Offer, Shelf

API = "https://sellingpartnerapi-na.amazon.com"
SELLER = "A3AYAZLIQ7AX77"
US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
MOST = 1000
"""Items one search gives out."""

_ROUTES: list[tuple[str, str, str]] = [
    ("GET", r"/listings/2021-08-01/items/[^/]+", "searchListingsItems"),
    ("GET", r"/listings/2021-08-01/items/[^/]+/(?P<sku>[^/]+)", "getListingsItem"),
    ("PATCH", r"/listings/2021-08-01/items/[^/]+/(?P<sku>[^/]+)", "patchListingsItem"),
    ("GET", r"/catalog/2022-04-01/items", "searchCatalogItems"),
    ("POST", r"/feeds/2021-06-30/documents", "createFeedDocument"),
    ("GET", r"/feeds/2021-06-30/documents/(?P<id>[^/]+)", "getFeedDocument"),
    ("POST", r"/feeds/2021-06-30/feeds", "createFeed"),
    ("GET", r"/feeds/2021-06-30/feeds/(?P<id>[^/]+)", "getFeed"),
    ("GET", r"/notifications/v1/destinations", "getDestinations"),
    ("POST", r"/notifications/v1/destinations", "createDestination"),
    ("GET", r"/notifications/v1/subscriptions/(?P<kind>[^/]+)", "getSubscription"),
    ("POST", r"/notifications/v1/subscriptions/(?P<kind>[^/]+)", "createSubscription"),
]
_GRANTLESS = frozenset({"getDestinations", "createDestination"})
_WRITES = frozenset({"patchListingsItem", "createFeed", "createDestination", "createSubscription"})


class AmazonVendor(ShopVendor):
    """A seller with two listings in the United States, one of them with images of its studio, and one in Canada."""

    LISTING = f"GL-0412@{US}"
    OTHER = f"GL-0413@{US}"

    def __init__(self, clock: Clock, *, strict: bool = True) -> None:
        """
        Args:
            strict: answer calls over the usage plan with 429; they are written down anyway.
        """
        super().__init__(clock)
        self.strict = strict
        self.desk, self.shelf, self.notices = Desk(clock), Shelf(clock), Notices()
        self.buckets = Buckets(clock, refused=self.violations)
        self.feeds = FeedHouse(clock, self._carry_out)
        self.patches: list[tuple[str, dict[str, Any]]] = []
        """Every patch that was accepted: the listing and the body."""
        self.invalid: dict[str, str] = {}
        """Attribute → why a patch of it is invalid."""
        studio = {"MAIN": "studio://front.jpg", "PT01": "studio://back.jpg", "PT04": "studio://size-chart.jpg"}
        self.shelf.add("GL-0412", US, "B0GLOW0412", **studio)
        self.shelf.add("GL-0413", US, "B0GLOW0413")
        self.shelf.add("GL-0412", CA, "B0GLOW0412", MAIN="studio://front.jpg")

    # --- what truly stands ----------------------------------------------------------------------------------------

    def gallery(self, listing: str) -> Sequence[Stands]:
        self._work()
        offer = self.offer(listing)
        sources = [self.shelf.source_of(offer.images[name]) for name in SLOTS.values() if name in offer.images]
        return [Stands(source, foreign=source.startswith("studio://")) for source in sources]

    def slots(self, listing: str) -> dict[str, str]:
        """Where the image of each slot was fetched."""
        images = self.offer(listing).images
        return {slot: self.shelf.source_of(images[name]) for slot, name in SLOTS.items() if name in images}

    def offer(self, listing: str) -> Offer:
        sku, _, marketplace = listing.rpartition("@")
        return self.shelf.offers[sku, marketplace]

    def settle(self) -> None:
        self.feeds.work(at_once=True)
        self.shelf.work(at_once=True)

    def _work(self) -> None:
        self.feeds.work()
        self.shelf.work()

    # --- being called -----------------------------------------------------------------------------------------------

    def writes(self, request: httpx.Request) -> bool:
        return _operation(request)[0] in _WRITES and "mode" not in request.url.params

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self._work()
        if request.url.host == "api.amazon.com":
            return self.desk.answer(request)
        if str(request.url).startswith(STORE):
            return self.feeds.storage(request)
        operation, parts = _operation(request)
        if not operation:
            return _error(404, "ResourceNotFound", "The path is not known.")
        refusal = self.desk.refusal(request, operation, grantless=operation in _GRANTLESS)
        if refusal is None and not self.buckets.take(operation) and self.strict:
            refusal = _error(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        found = refusal or self._answer(operation, parts, request)
        found.headers["x-amzn-RateLimit-Limit"] = str(self.buckets.plans[operation][0])
        found.headers["x-amzn-RequestId"] = f"request-{len(self.calls)}"
        return found

    def _answer(self, operation: str, parts: Mapping[str, str], request: httpx.Request) -> httpx.Response:
        query, body = dict(request.url.params), body_of(request)
        match operation:
            case "getListingsItem":
                return self._item(parts["sku"], query)
            case "searchListingsItems":
                return self._search(query)
            case "patchListingsItem":
                return self._patch(parts["sku"], query, body)
            case "searchCatalogItems":
                return self._catalogue(query)
            case "createFeedDocument":
                return self.feeds.make_document(body)
            case "getFeedDocument":
                return self.feeds.document(parts["id"])
            case "createFeed":
                return self.feeds.make_feed(body)
            case "getFeed":
                return self.feeds.feed(parts["id"])
            case "getDestinations":
                return self.notices.list_destinations()
            case "createDestination":
                return self.notices.make_destination(body)
            case "getSubscription":
                return self.notices.subscription(parts["kind"], query["payloadVersion"])
            case _:
                return self.notices.subscribe(parts["kind"], body)

    # --- listings -------------------------------------------------------------------------------------------------

    def _item(self, sku: str, query: Mapping[str, str]) -> httpx.Response:
        offer = self.shelf.offers.get((sku, query["marketplaceIds"]))
        if offer is None:
            return _error(404, "NOT_FOUND", f"SKU '{sku}' not found in marketplace {query['marketplaceIds']}")
        return httpx.Response(200, json=self.shelf.item(offer, query["includedData"].split(",")))

    def _search(self, query: Mapping[str, str]) -> httpx.Response:
        found = [offer for offer in self.shelf.offers.values() if _matches(offer, query)]
        found.sort(key=lambda offer: offer.created, reverse=query.get("sortOrder") != "ASC")
        start, size = int(query.get("pageToken", "0")), int(query.get("pageSize", "10"))
        page = found[start : min(start + size, MOST)]
        more = start + size < min(len(found), MOST)
        included = query.get("includedData", "summaries").split(",")
        told = {"numberOfResults": len(found), "items": [self.shelf.item(offer, included) for offer in page]}
        return httpx.Response(200, json={**told, "pagination": {"nextToken": str(start + size)} if more else {}})

    def _patch(self, sku: str, query: Mapping[str, str], body: dict[str, Any]) -> httpx.Response:
        offer = self.shelf.offers.get((sku, query["marketplaceIds"]))
        if offer is None:
            return _error(400, "InvalidInput", f"SKU '{sku}' not found.")
        for index, patch in enumerate(body["patches"]):
            if not patch.get("value"):
                return _error(400, "InvalidInput", f"Invalid empty value provided in patch at index of {index}.")
        issues = self._complaints(body["patches"])
        preview = query.get("mode") == "VALIDATION_PREVIEW"
        if not issues and not preview:
            self.shelf.change(offer, body["patches"])
            self.patches.append((f"{sku}@{offer.marketplace}", body))
        status = "INVALID" if issues else "VALID" if preview else "ACCEPTED"
        told = {"sku": sku, "status": status, "submissionId": f"submission-{len(self.patches)}", "issues": issues}
        return httpx.Response(200, json=told)

    def _complaints(self, patches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        attributes = [patch["path"].rpartition("/")[2] for patch in patches if patch["op"] != "delete"]
        return [
            {
                "code": "90000900", "message": self.invalid[name], "severity": "ERROR", "attributeNames": [name],
                "categories": ["INVALID_ATTRIBUTE"],
            }
            for name in attributes
            if name in self.invalid
        ]  # fmt: skip

    def _carry_out(self, message: Message, marketplace: str) -> list[dict[str, Any]]:
        """A feed's message; issues in the words of a processing report."""
        known = {"messageId": message["messageId"], "sku": message["sku"]}
        offer = self.shelf.offers.get((message["sku"], marketplace))
        if offer is None:
            return [{**known, "code": "8560", "severity": "ERROR", "message": f"SKU {message['sku']} is not known."}]
        issues = self._complaints(message["patches"])
        if not issues:
            self.shelf.change(offer, message["patches"])
            self.patches.append((f"{offer.sku}@{marketplace}", dict(message)))
        return [
            {**known, "code": each["code"], "severity": "ERROR", "message": each["message"],
             "attributeName": each["attributeNames"][0]}
            for each in issues
        ]  # fmt: skip

    def _catalogue(self, query: Mapping[str, str]) -> httpx.Response:
        wanted, marketplace = query["identifiers"].split(","), query["marketplaceIds"]
        offers = {o.asin: o for o in self.shelf.offers.values() if o.marketplace == marketplace and o.asin in wanted}
        items = [
            {"asin": asin, "images": [{"marketplaceId": marketplace, "images": self.shelf.page(offer)}]}
            for asin, offer in offers.items()
        ]
        return httpx.Response(200, json={"numberOfResults": len(items), "items": items})


def _operation(request: httpx.Request) -> tuple[str, dict[str, str]]:
    path = request.url.raw_path.decode().partition("?")[0]
    for method, pattern, operation in _ROUTES:
        found = re.fullmatch(pattern, path)
        if found and method == request.method and str(request.url).startswith(API):
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    return "", {}


def _matches(offer: Offer, query: Mapping[str, str]) -> bool:
    made = offer.created.isoformat()
    if offer.marketplace != query["marketplaceIds"]:
        return False
    if "identifiers" in query:
        value = offer.sku if query["identifiersType"] == "SKU" else offer.asin
        return value in query["identifiers"].split(",")
    return query.get("createdAfter", "").replace("Z", "+00:00") <= made <= query.get("createdBefore", "9")


def _error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": message, "details": ""}]})
