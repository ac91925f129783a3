from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import respx

from syncd.errors import AuthError, ConfigError, RateLimited, RejectedError, SyncdError, TransientError
from syncd.sdk.graphql import Document, GraphqlClient
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.limits import Open
from syncd.testing.clock import ManualClock

URL = "https://shop.example/graphql"
READ = Document("query Shop($id: ID!) { shop(id: $id) { name } }")
WRITE = Document("mutation Rename($to: String!) { rename(to: $to) { name } }")


class Spending(Open):
    def __init__(self) -> None:
        self.spent: list[Mapping[str, float]] = []

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Any:
        self.spent.append(spend)
        return await super().begin(spend, deadline)


@pytest.fixture
def gate() -> Spending:
    return Spending()


@pytest.fixture
async def http(clock: ManualClock, gate: Spending):
    async with open_client("shop", clock, ["s3cr3t-token"], gate=gate) as client:
        yield client


@pytest.fixture
def router():
    with respx.mock(using="httpx") as router:
        yield router


async def fault(http: HttpClient, router: respx.Router, answer: Any, **options: Any) -> SyncdError:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    router.post(URL).mock(return_value=httpx.Response(200, content=content))
    with pytest.raises(SyncdError) as caught:
        await GraphqlClient(http, URL, **options).run(WRITE, {"to": "x"})
    return caught.value


# --- documents ------------------------------------------------------------------------------------------------------


def test_a_document_knows_its_name_and_whether_it_writes():
    assert (READ.name, READ.writes) == ("Shop", False)
    assert (WRITE.name, WRITE.writes) == ("Rename", True)


@pytest.mark.parametrize(
    "text", ["{ shop { name } }", "query { shop }", "fragment A on B { c }", "subscription S { a }"]
)
def test_an_operation_without_a_name_is_no_document(text: str):
    with pytest.raises(ValueError, match="begins with"):
        Document(text)


# --- exchanges ------------------------------------------------------------------------------------------------------


async def test_what_is_sent_and_what_comes_back(http: HttpClient, router: respx.Router, gate: Spending):
    route = router.post(URL).mock(return_value=httpx.Response(200, json={"data": {"shop": {"name": "A"}}}))
    data = await GraphqlClient(http, URL, headers={"X-Key": "k"}).run(READ, {"id": "1"}, spend={"points": 3})
    assert data == {"shop": {"name": "A"}}
    request = route.calls[0].request
    assert json.loads(request.content) == {"query": READ.text, "operationName": "Shop", "variables": {"id": "1"}}
    assert (request.headers["x-key"], request.headers["content-type"]) == ("k", "application/json")
    assert gate.spent == [{"points": 3}]


async def test_a_reading_is_repeated_and_a_mutation_is_not(http: HttpClient, router: respx.Router, clock: ManualClock):
    answers = [httpx.Response(503), httpx.Response(200, json={"data": {"shop": None}})]
    route = router.post(URL).mock(side_effect=answers)
    clock.sleep = lambda seconds: ManualClock.sleep(clock, 0 if seconds < 5 else seconds)  # type: ignore[method-assign]
    assert await GraphqlClient(http, URL).run(READ) == {"shop": None}
    route.mock(side_effect=[httpx.Response(503)])
    with pytest.raises(TransientError):
        await GraphqlClient(http, URL).run(WRITE)
    assert route.call_count == 3


async def test_what_answers_say_of_their_cost_is_heeded_and_tells_how_long_to_wait(http, router):
    heard: list[Mapping[str, Any]] = []

    def heed(extensions: Mapping[str, Any]) -> float | None:
        heard.append(extensions)
        return 12.5

    refused = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": 7}}
    error = await fault(http, router, refused, heed=heed)
    assert isinstance(error, RateLimited)
    assert (error.retry_after, heard) == (12.5, [{"cost": 7}])
    assert "Rename" in error.what


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNAUTHENTICATED", AuthError),
        ("ACCESS_DENIED", AuthError),
        ("INTERNAL_SERVER_ERROR", TransientError),
        ("THROTTLED", RateLimited),
        ("undefinedField", RejectedError),
        ("", RejectedError),
    ],
)
async def test_the_code_says_which_error_it_is(http, router, code: str, kind: type[SyncdError]):
    error = await fault(http, router, {"errors": [{"message": "No.", "extensions": {"code": code}}], "data": None})
    assert type(error) is kind


async def test_a_system_may_name_its_own_codes(http, router):
    answer = {"errors": [{"message": "x"}, {"message": "Closed", "extensions": {"code": "SHOP_CLOSED"}}]}
    error = await fault(http, router, answer, codes={"SHOP_CLOSED": ConfigError})
    assert isinstance(error, ConfigError)
    assert error.what == "shop: Rename was refused: x; Closed (SHOP_CLOSED)"


async def test_data_beside_errors_is_not_whole(http, router):
    assert isinstance(await fault(http, router, {"errors": [{"message": "half"}], "data": {"a": 1}}), RejectedError)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b'{"data": {"shop"', TransientError),
        (b"<html>busy</html>", TransientError),
        ([], RejectedError),
        ({}, RejectedError),
        ({"data": None}, RejectedError),
        ({"data": []}, RejectedError),
        ({"errors": "Not Found"}, RejectedError),
        ({"errors": {"message": "odd"}}, RejectedError),
        ({"errors": [None]}, RejectedError),
    ],
)
async def test_an_answer_that_is_none_raises(http, router, answer: Any, kind: type[SyncdError]):
    assert type(await fault(http, router, answer)) is kind


async def test_no_secret_is_told(http, router):
    for answer in ({"errors": [{"message": "s3cr3t-token"}]}, ["s3cr3t-token"], b"s3cr3t-token"):
        assert "s3cr3t" not in str(await fault(http, router, answer))
