"""Notifications through a real queue server: none is deleted before its change is stored. Where Amazon sends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import boto3
import pytest
import structlog
from moto.server import ThreadedMotoServer
from tests.support.amazon import CONTRACT, Shop, open_shop
from tests.support.vendors.amazon.vendor import CA, SELLER, US

from syncd.errors import AuthError, ConfigError
from syncd.sdk.changes import ChangePage, Subject, Subscribes, Watches
from syncd.systems.amazon import queue as queues
from syncd.testing.clock import ManualClock

contract = CONTRACT
ACCOUNT = "123456789012"
KEY = "s3cr3t-of-the-queues-user"


class AwsQueue:
    """A queue, as others than the system under test see it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        self._client = boto3.client(
            "sqs", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="A", aws_secret_access_key=KEY
        )
        self.url = self._client.create_queue(QueueName=name)["QueueUrl"]

    def send(self, body: Any) -> None:
        self._client.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def left(self) -> int:
        """Messages that were not deleted, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(endpoint: str, request: pytest.FixtureRequest) -> AwsQueue:
    return AwsQueue(endpoint, f"q{abs(hash(request.node.name))}")


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock, queue: AwsQueue) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, clock, queue=told(queue)) as shop:
        yield shop


def told(queue: AwsQueue, **changed: Any) -> dict[str, Any]:
    return {"arn": queue.arn, "url": queue.url, "access_key": "A", "secret_key": KEY, **changed}


def status(sku: str, marketplace: str = US, at: str = "2026-11-22T11:59:30Z", seller: str = SELLER) -> dict[str, Any]:
    payload = {"SellerId": seller, "MarketplaceId": marketplace, "Asin": "B0", "Sku": sku, "Status": ["BUYABLE"]}
    metadata = {"ApplicationId": "a", "SubscriptionId": "s", "PublishTime": at, "NotificationId": sku}
    return {
        "NotificationVersion": "1.0", "NotificationType": "LISTINGS_ITEM_STATUS_CHANGE", "PayloadVersion": "1.0",
        "EventTime": at, "Payload": payload, "NotificationMetadata": metadata,
    }  # fmt: skip


async def drained(shop: Shop, since: str = "") -> list[ChangePage]:
    return [page async for page in shop.system.changes(since)]


def names(pages: list[ChangePage]) -> list[str]:
    return sorted(change.name for page in pages for change in page.changes)


async def test_notifications_are_changes_of_their_listings_and_are_deleted(shop: Shop, queue: AwsQueue):
    assert isinstance(shop.system, Watches)
    for number in range(12):  # more than one answer holds
        queue.send(status(f"GL-{number}", US if number else CA, f"2026-11-22T11:{number + 10}:00Z"))
    pages = await drained(shop, "2026-11-22T00:00:00+00:00")
    assert names(pages) == sorted(f"GL-{number}@{US if number else CA}" for number in range(12))
    assert pages[-1].checkpoint == "2026-11-22T11:21:00+00:00"
    assert [page.checkpoint for page in pages] == sorted(page.checkpoint for page in pages)
    assert queue.left() == 0


async def test_a_message_is_kept_until_its_change_is_stored(shop: Shop, queue: AwsQueue):
    queue.send(status("GL-1"))
    async with aclosing(shop.system.changes("")) as pages:
        assert names([await anext(pages)]) == [f"GL-1@{US}"]
        assert queue.left() == 1  # whoever asked may die before its commit
    assert queue.left() == 1


async def test_what_was_not_stored_comes_again(shop: Shop, queue: AwsQueue, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queues, "HIDDEN", 0)
    queue.send(status("GL-1"))
    async with aclosing(shop.system.changes("")) as pages:
        await anext(pages)
    assert names(await drained(shop)) == [f"GL-1@{US}"]
    assert queue.left() == 0


async def test_other_sellers_messages_and_nonsense_are_left_and_told(shop: Shop, queue: AwsQueue):
    queue.send(status("GL-1", seller="ANOTHER"))
    queue.send("no JSON")
    queue.send(status("GL-2"))
    queue.send(status("GL-3", "A1PA6795UKMFR9"))  # a marketplace that is not ours to look at
    with structlog.testing.capture_logs() as lines:
        assert names(await drained(shop)) == [f"GL-2@{US}"]
    assert queue.left() == 2
    assert sorted(line["reason"] for line in lines if line["log_level"] == "warning") == [
        "A message in the queue is no JSON.", "it is another seller's",
    ]  # fmt: skip


async def test_changed_content_of_a_page_is_a_change_of_its_listings(shop: Shop, queue: AwsQueue):
    payload = {"MarketplaceId": US, "BrandName": "Acme", "Asin": "B0GLOW0412"}
    content = {**payload, "AttributesChanged": ["main_product_image_locator"]}
    queue.send({**status("x"), "NotificationType": "BRANDED_ITEM_CONTENT_CHANGE", "Payload": content})
    [page] = await drained(shop)
    assert [(change.subject, change.name) for change in page.changes] == [(Subject.LISTING, f"GL-0412@{US}")]


async def test_a_queue_that_is_not_there_is_a_fault_of_the_configuration(
    tmp_path: Path, clock: ManualClock, endpoint: str, queue: AwsQueue
):
    missing = {"arn": f"{queue.arn}x", "url": f"{endpoint}/{ACCOUNT}/missing"}
    async with open_shop(tmp_path, clock, queue=told(queue, **missing)) as shop:
        with pytest.raises(ConfigError, match="queue"):
            await drained(shop)


def test_a_user_who_may_not_is_an_auth_error():
    kind = "com.amazon.coral.service#AccessDeniedException"
    refused = queues._refusal("https://sqs.example/q", "ReceiveMessage", kind, "User is not authorized")
    assert isinstance(refused, AuthError)
    assert "sqs:ReceiveMessage" in str(refused)


async def test_without_a_queue_there_is_nothing_to_ask(tmp_path: Path, clock: ManualClock):
    async with open_shop(tmp_path, clock) as shop:
        assert await drained(shop) == []
        assert await shop.system.subscribe("https://syncd.example/hooks/amazon") == ""
        assert shop.vendor.calls == []


async def test_no_secret_of_the_queue_is_logged(shop: Shop, queue: AwsQueue):
    queue.send(status("GL-1"))
    with structlog.testing.capture_logs() as lines:
        await drained(shop)
    assert any("127.0.0.1" in str(line) for line in lines)
    assert KEY not in str(lines)


# --- subscriptions --------------------------------------------------------------------------------------------------


async def subscribe(shop: Shop) -> str:
    assert isinstance(shop.system, Subscribes)
    return await asyncio.wait_for(shop.run(shop.system.subscribe("https://syncd.example/hooks/amazon")), 20)


async def test_amazon_is_told_where_to_send_once(shop: Shop, queue: AwsQueue):
    assert await subscribe(shop) == (
        f"made the destination {queue.arn}, the subscription to LISTINGS_ITEM_STATUS_CHANGE, "
        "the subscription to LISTINGS_ITEM_ISSUES_CHANGE"
    )
    [destination] = shop.vendor.notices.destinations.values()
    assert destination["resource"]["sqs"]["arn"] == queue.arn
    assert await subscribe(shop) == ""


async def test_what_amazon_forgot_is_mended(shop: Shop):
    await subscribe(shop)
    del shop.vendor.notices.subscriptions["LISTINGS_ITEM_STATUS_CHANGE", "1.0"]
    assert await subscribe(shop) == "made the subscription to LISTINGS_ITEM_STATUS_CHANGE"


async def test_notifications_that_go_elsewhere_are_not_taken_away(shop: Shop):
    elsewhere = {"subscriptionId": "s", "destinationId": "another", "payloadVersion": "1.0"}
    shop.vendor.notices.subscriptions["LISTINGS_ITEM_STATUS_CHANGE", "1.0"] = elsewhere
    with pytest.raises(ConfigError, match="another"):
        await subscribe(shop)
    assert shop.vendor.notices.subscriptions["LISTINGS_ITEM_STATUS_CHANGE", "1.0"] == elsewhere
