"""Directus under pressure, over its limit, killed and frozen; and the proxy before it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.peers.directus.api import DirectusApi
from tests.peers.handles import Directus
from tests.peers.pictures import jpeg
from tests.support.faults import Double, FailAfter, Freeze, Kill, LoseAnswer, LoseRequest, Refuse, WithholdAnswer
from tests.support.proxy import FaultProxy

pytestmark = pytest.mark.peers

RED = jpeg("red")
STALL = 2.0
"""Seconds of standing still: Directus takes the mean of a quarter of a second's delays for its pressure."""


async def refused_under_pressure(directus: Directus) -> tuple[str, httpx.Response]:
    """The SKU and the answer of a product that could not be made because Directus had stood still."""
    for number in range(30):
        directus.server.pause()
        product = {"sku": f"GL-{number:04}"}
        asking = asyncio.create_task(directus.api.send("POST", "/items/products", json=product))
        await asyncio.sleep(STALL)
        directus.server.resume()
        if (answer := await asking).status_code == 503:
            return product["sku"], answer
    pytest.fail("Directus bore every stall")


async def test_after_a_stall_it_is_under_pressure_and_does_nothing_for_a_while(directus: Directus):
    await asyncio.to_thread(lambda: directus.server.restart(PRESSURE_LIMITER_MAX_EVENT_LOOP_DELAY="50"))
    sku, answer = await refused_under_pressure(directus)
    error = answer.json()["errors"][0]
    assert error["message"] == 'Service "api" is unavailable. Under pressure.'
    assert error["extensions"] == {"service": "api", "reason": "Under pressure", "code": "SERVICE_UNAVAILABLE"}
    assert "retry-after" not in answer.headers
    assert sku not in [product["sku"] for product in await directus.api.products()]  # and it passes


async def test_over_its_limit_it_says_when_to_come_back(directus: Directus):
    limits = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_POINTS": "5", "RATE_LIMITER_DURATION": "60"}
    await asyncio.to_thread(lambda: directus.server.restart(**limits))
    answers = [await directus.api.send("GET", "/folders") for _ in range(8)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    error = refused.json()["errors"][0]["extensions"]
    assert (error["code"], error["limit"]) == ("REQUESTS_EXCEEDED", 5)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await directus.public.send("GET", "/server/ping")).status_code == 429  # the address counts, not the token


async def test_a_file_too_large_is_refused_and_leaves_nothing(directus: Directus):
    await asyncio.to_thread(lambda: directus.server.restart(FILES_MAX_UPLOAD_SIZE="1kb"))
    answer = await directus.api.send("POST", "/files", files={"file": ("a.jpg", RED, "image/jpeg")})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "CONTENT_TOO_LARGE")
    assert await directus.api.files() == []


async def test_what_was_answered_outlives_a_kill(directus: Directus):
    file = await directus.api.upload("a.jpg", RED)
    await asyncio.to_thread(directus.server.kill)
    with pytest.raises(httpx.TransportError):
        await directus.api.send("GET", "/files")
    await asyncio.to_thread(directus.server.start)
    assert [found["id"] for found in await directus.api.files()] == [file]
    assert await directus.api.content(file) == RED


@pytest.fixture
async def through(directus: Directus, directus_proxy: FaultProxy) -> AsyncIterator[DirectusApi]:
    """The administrator, who comes through the proxy."""
    api = DirectusApi(directus_proxy.url, directus.token)
    yield api
    await api.close()


async def test_a_picture_goes_through_the_proxy_as_it_is(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi
):
    file = await through.upload("a.jpg", RED, title="told")
    assert await through.content(file) == await directus.api.content(file) == RED
    await directus.api.share_files()
    shown = await through.send("GET", f"/assets/{file}", headers={"authorization": ""})
    assert (shown.content, shown.headers["cache-control"]) == (RED, "public, max-age=2592000")
    assert [exchange.accepted for exchange in directus_proxy.traffic.exchanges] == [1, 1, 1]


@pytest.mark.parametrize("fault", [FailAfter(), LoseAnswer(), WithholdAnswer()], ids=repr)
async def test_a_write_whose_answer_was_lost_is_there(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi, fault
):
    own = str(uuid.uuid4())
    directus_proxy.disturb(fault, method="POST", path="/files")
    await attempt(through, own, patience=5)
    await directus_proxy.settled()
    assert await directus.api.content(own) == RED
    assert (await attempt(through, own)).status_code == 400  # again: it is there
    assert len(await directus.api.files()) == 1
    assert directus_proxy.traffic.repeated("POST") == []


@pytest.mark.parametrize("fault", [Refuse(), LoseRequest()], ids=repr)
async def test_a_write_that_did_not_arrive_is_not_there(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi, fault
):
    own = str(uuid.uuid4())
    directus_proxy.disturb(fault, method="POST", path="/files")
    await attempt(through, own)
    assert await directus.api.files() == []
    assert (await attempt(through, own)).status_code == 200


async def attempt(api: DirectusApi, own: str, patience: float = 60.0) -> httpx.Response | None:
    """An upload under an id of its own; what its caller got within so many seconds."""
    file = {"file": ("a.jpg", RED, "image/jpeg")}
    with contextlib.suppress(httpx.TransportError):
        return await api.send("POST", "/files", data={"id": own}, files=file, timeout=patience)
    return None


async def test_a_doubled_write_is_told(directus: Directus, directus_proxy: FaultProxy, through: DirectusApi):
    directus_proxy.disturb(Double(), method="POST", path="/files")
    await through.upload("a.jpg", RED)
    assert len(await directus.api.files()) == 2
    assert directus_proxy.traffic.repeated("POST") == directus_proxy.traffic.matching("POST")


async def test_a_kill_after_the_write_loses_the_answer_only(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi
):
    own = str(uuid.uuid4())
    directus_proxy.disturb(Kill(directus.server), method="POST", path="/files")
    assert await attempt(through, own) is None
    await directus_proxy.settled()
    assert await directus.api.content(own) == RED


async def test_a_frozen_directus_writes_after_its_caller_gave_up(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi
):
    await asyncio.to_thread(lambda: directus.server.restart(PRESSURE_LIMITER_ENABLED="false"))  # else it may refuse
    own = str(uuid.uuid4())
    directus_proxy.disturb(Freeze(directus.server), method="POST", path="/files")
    assert await attempt(through, own, patience=5) is None
    await directus_proxy.settled()
    (exchange,) = directus_proxy.traffic.exchanges
    assert (exchange.status, exchange.accepted) == (None, 1)
    assert await directus.api.content(own) == RED


async def test_who_looks_before_writing_again_gets_through_a_dozen_faults(
    directus: Directus, directus_proxy: FaultProxy, through: DirectusApi
):
    faults = [
        Refuse(), FailAfter(), LoseRequest(), LoseAnswer(), WithholdAnswer(), Double(), Double(at_once=True),
        Kill(directus.server), Kill(directus.server, after=False), Freeze(directus.server),
    ]  # fmt: skip
    rule = directus_proxy.disturb_at_random(7, faults, 12, share=0.5)
    foreign = await directus.api.upload("foreign.jpg", jpeg("black"))
    contents = {str(uuid.uuid4()): jpeg("red", (100 + n, 100)) for n in range(15)}
    for own, content in contents.items():
        await persist(directus_proxy, through, own, content)
    assert rule.left == 0
    await directus_proxy.settled()
    assert {file["id"] for file in await directus.api.files()} == {foreign, *contents}
    assert [await directus.api.content(own) for own in contents] == list(contents.values())
    assert await directus.api.content(foreign) == jpeg("black")


async def persist(proxy: FaultProxy, api: DirectusApi, own: str, content: bytes) -> None:
    """Upload until it is there: ask what there is before each attempt, and mend what was left half done."""
    for _ in range(60):
        with contextlib.suppress(httpx.TransportError):
            seen = await api.send("GET", f"/files?filter[id][_eq]={own}", timeout=5)
            found = seen.json()["data"] if seen.is_success else None
            if found and found[0]["filesize"] == str(len(content)):
                return
            file = {"file": ("a.jpg", content, "image/jpeg")}
            if found:
                await api.send("PATCH", f"/files/{own}", files=file, timeout=5)
            elif found == []:
                await api.send("POST", "/files", data={"id": own}, files=file, timeout=5)
        await proxy.settled()  # while it is down there is nothing to ask
    pytest.fail(f"{own} was not uploaded")
