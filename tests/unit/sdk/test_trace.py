"""What a trace keeps of an exchange, and what it masks."""

from __future__ import annotations

import httpx
import pytest
import respx

from syncd.errors import AuthError
from syncd.sdk.http import open_client
from syncd.sdk.trace import tracing
from syncd.testing.clock import ManualClock

URL = "https://shop.example/api"
SECRET = "s3cr3t-token/+="


async def exchanged(clock: ManualClock, answer: httpx.Response, **request):
    async with open_client("shop", clock, secrets=[SECRET]) as client:
        with respx.mock(using="httpx") as router, tracing() as kept:
            router.route().mock(return_value=answer)
            await client.request("POST", URL, **request)
    [exchange] = kept
    return exchange


async def test_bodies_and_headers_are_kept_without_what_proves_who_one_is(clock: ManualClock):
    answer = httpx.Response(200, json={"access_token": "new", "sku": "GL-1"}, headers={"set-cookie": "sid=abc"})
    headers = {"Authorization": "Bearer abc", "X-Shop-Access-Token": "abc", "X-Page": SECRET, "X-Kind": "full"}
    exchange = await exchanged(clock, answer, json={"client_secret": "abc", "name": "key"}, headers=headers)
    kept = {
        name: exchange.request_headers[name] for name in ("authorization", "x-shop-access-token", "x-page", "x-kind")
    }
    assert kept == {"authorization": "***", "x-shop-access-token": "***", "x-page": "***", "x-kind": "full"}
    assert exchange.answer_headers["set-cookie"] == "***"
    assert exchange.request == '{"client_secret":"***","name":"key"}'
    assert exchange.answer == '{"access_token":"***","sku":"GL-1"}'


async def test_forms_and_pictures(clock: ManualClock):
    answer = httpx.Response(200, content=b"\xff\xd8", headers={"content-type": "image/jpeg"})
    exchange = await exchanged(clock, answer, data={"client_secret": "abc", "grant": "x"})
    assert exchange.request == "client_secret=***&grant=x"
    assert exchange.answer == "<image/jpeg, 2 bytes>"


async def test_a_refused_call_and_one_that_nobody_answers_are_kept_too(clock: ManualClock):
    async with open_client("shop", clock) as client:
        with respx.mock(using="httpx") as router, tracing() as kept:
            router.post(URL).mock(side_effect=[httpx.Response(401, text="no"), httpx.ConnectError("refused")])
            for _ in range(2):
                with pytest.raises(Exception) as failed:  # noqa: PT011 -- one is AuthError, one TransientError
                    await client.post(URL)
    assert type(failed.value) is not AuthError
    assert [(each.status, each.answer) for each in kept] == [(401, "no"), (0, "")]


async def test_nothing_is_kept_where_nobody_traces(clock: ManualClock):
    with tracing() as kept:
        pass
    async with open_client("shop", clock) as client:
        with respx.mock(using="httpx") as router:
            router.get(URL).mock(return_value=httpx.Response(200))
            await client.get(URL)
    assert kept == []
