"""The fault proxy does what it says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web

from syncd.testing.clock import ManualClock
from tests.support.faults import (
    Delay,
    Double,
    FailAfter,
    Freeze,
    Hold,
    Kill,
    LoseAnswer,
    LoseRequest,
    Refuse,
    WithholdAnswer,
)
from tests.support.proxy import FaultProxy


class Counter:
    """A server that counts what it is asked and tells how often."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.bodies.append(await request.read())
        if request.path == "/elsewhere":
            return web.Response(status=302, headers={"location": "/"})
        return web.Response(text=str(len(self.requests)), headers={"x-from": "counter"})


class Puppet:
    """A server process that only notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def kill(self) -> None:
        self.done.append("kill")

    def start(self) -> None:
        self.done.append("start")

    def pause(self) -> None:
        self.done.append("pause")

    def resume(self) -> None:
        self.done.append("resume")


@pytest.fixture
async def counter() -> AsyncIterator[tuple[Counter, str]]:
    counter = Counter()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", counter.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield counter, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def proxy(counter: tuple[Counter, str]) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(counter[1]).serving() as proxy:
        yield proxy


@pytest.fixture
async def caller(proxy: FaultProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, timeout=30) as caller:
        yield caller


async def test_a_request_goes_through_as_it_is(counter, proxy, caller):
    server, _ = counter
    answer = await caller.post(
        "/a%20b/c?x=1&y=%2F", content=b"\x00body", headers={"x-key": "k", "host": "shop.example"}
    )
    assert (answer.status_code, answer.text, answer.headers["x-from"]) == (200, "1", "counter")
    got = server.requests[0]
    assert (got.method, got.raw_path, server.bodies) == ("POST", "/a%20b/c?x=1&y=%2F", [b"\x00body"])
    assert (got.headers["x-key"], got.headers["host"]) == ("k", "shop.example")
    assert (await caller.get("/elsewhere")).status_code == 302
    head = await caller.head("/")
    assert (head.status_code, head.headers["content-length"]) == (200, "1")


async def test_every_exchange_is_recorded(proxy, caller):
    await caller.get("/a?x=1")
    await caller.post("/b", json={"n": 1})
    first, second = proxy.traffic.exchanges
    assert (first.method, first.address, first.status, first.accepted, first.fault) == ("GET", "/a?x=1", 200, 1, "")
    assert (second.body, second.answers[0].body) == (b'{"n":1}', b"2")
    assert proxy.traffic.matching("POST") == [second]
    assert proxy.traffic.matching(path="/[ab]") == [first, second]
    assert proxy.traffic.matching(path="/") == []


async def test_a_storm_refuses_so_many_and_does_not_reach_the_server(counter, proxy, caller):
    proxy.disturb(Refuse(503, retry_after=7), times=2)
    answers = [await caller.get("/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert len(counter[0].requests) == 1


async def test_a_rule_concerns_only_what_fits(proxy, caller):
    proxy.disturb(Refuse(), method="POST", path="/files(/.*)?")
    assert (await caller.get("/files")).status_code == 200
    assert (await caller.post("/filesystem")).status_code == 200
    assert (await caller.post("/files/1")).status_code == 503
    assert (await caller.post("/files/1")).status_code == 200


async def test_calm_ends_all_faults(proxy, caller):
    proxy.disturb(Refuse(), times=9)
    proxy.calm()
    assert (await caller.get("/")).status_code == 200


async def test_after_the_write_a_500(counter, proxy, caller):
    proxy.disturb(FailAfter())
    assert (await caller.post("/")).status_code == 500
    exchange = proxy.traffic.exchanges[0]
    assert (len(counter[0].requests), exchange.accepted, exchange.status) == (1, 1, 500)
    assert exchange.fault == "FailAfter(status=500)"


@pytest.mark.parametrize(("fault", "reached"), [(LoseRequest(), 0), (LoseAnswer(), 1)])
async def test_a_connection_breaks_before_or_after_the_write(counter, proxy, caller, fault, reached):
    proxy.disturb(fault)
    with pytest.raises(httpx.TransportError):
        await caller.post("/")
    assert len(counter[0].requests) == reached
    assert proxy.traffic.exchanges[0].status is None


async def test_an_answer_is_withheld_until_the_caller_gives_up(counter, proxy, caller):
    proxy.disturb(WithholdAnswer())
    with pytest.raises(httpx.ReadTimeout):
        await caller.post("/", timeout=0.3)
    (exchange,) = await proxy.traffic.until(len)
    assert (len(counter[0].requests), exchange.accepted, exchange.status) == (1, 1, None)


async def test_a_late_answer_takes_the_clocks_time(counter):
    clock = ManualClock()
    async with FaultProxy(counter[1], clock=clock).serving() as proxy, httpx.AsyncClient() as caller:
        proxy.disturb(Delay(3600))
        asking = asyncio.create_task(caller.get(proxy.url))
        while clock.next_wake() is None:
            await asyncio.sleep(0.005)
        assert len(counter[0].requests) == 1
        assert not asking.done()
        await clock.advance(3600)
        assert (await asking).status_code == 200
        assert proxy.traffic.exchanges[0].ended == 3600


async def test_what_is_held_is_overtaken(counter, proxy, caller):
    hold = Hold()
    proxy.disturb(hold, path="/first")
    held = asyncio.create_task(caller.post("/first"))
    while not proxy.traffic.exchanges:
        await asyncio.sleep(0.005)
    await caller.post("/second")
    hold.release.set()
    await held
    assert [request.path for request in counter[0].requests] == ["/second", "/first"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_doubled_request_arrives_twice(counter, proxy, caller, at_once):
    proxy.disturb(Double(at_once))
    assert (await caller.post("/hook", content=b"event")).text in ("1", "2")
    assert counter[0].bodies == [b"event", b"event"]
    assert proxy.traffic.repeated() == proxy.traffic.exchanges


async def test_what_was_accepted_again_is_told(proxy, caller):
    parts = [{"title": "a"}, {"title": "b"}, {"title": "a"}]
    for part in parts:  # each with another boundary
        await caller.post("/files", data=part, files={"file": ("a.jpg", b"x", "image/jpeg")})
    proxy.disturb(Refuse())
    await caller.post("/other")
    await caller.post("/other")
    assert proxy.traffic.repeated() == [proxy.traffic.exchanges[2]]
    assert proxy.traffic.repeated(path="/other") == []


async def test_how_busy_it_was_is_told(counter):
    clock = ManualClock()
    async with FaultProxy(counter[1], clock=clock).serving() as proxy, httpx.AsyncClient(base_url=proxy.url) as caller:
        for pause in (0, 0.4, 0.4, 0.4, 5):
            clock.leap(pause)
            await caller.get("/")
        assert proxy.traffic.busiest(1) == 3
        assert proxy.traffic.busiest(0.5) == 2
        assert proxy.traffic.busiest(60) == 5
        assert proxy.traffic.most_at_once() == 1
        hold = Hold()
        proxy.disturb(hold, times=2)
        both = [asyncio.create_task(caller.get("/")) for _ in range(2)]
        while len(proxy.traffic.exchanges) < 7:
            await asyncio.sleep(0.005)
        hold.release.set()
        await asyncio.gather(*both)
        assert proxy.traffic.most_at_once() == 2


@pytest.mark.parametrize(("after", "reached"), [(False, 0), (True, 1)])
async def test_a_server_is_killed_and_comes_back(counter, proxy, caller, after, reached):
    puppet = Puppet()
    proxy.disturb(Kill(puppet, after=after))
    with pytest.raises(httpx.TransportError):
        await caller.post("/")
    await proxy.settled()
    assert puppet.done == ["kill", "start"]
    assert len(counter[0].requests) == reached


async def test_a_frozen_server_writes_after_the_caller_gave_up(counter, proxy, caller):
    puppet = Puppet()
    proxy.disturb(Freeze(puppet))
    with pytest.raises(httpx.ReadTimeout):
        await caller.post("/", timeout=0.3)
    await proxy.traffic.until(len)
    await proxy.settled()
    assert puppet.done == ["pause", "resume"]
    assert proxy.traffic.exchanges[0].accepted == 1


async def test_a_server_that_is_down_breaks_the_connection(caller, proxy):
    proxy.upstream = "http://127.0.0.1:9"
    with pytest.raises(httpx.TransportError):
        await caller.get("/")
    assert (proxy.traffic.exchanges[0].status, proxy.traffic.exchanges[0].answers) == (None, [])


async def test_without_a_server_behind_it_takes_everything():
    async with FaultProxy().serving() as proxy, httpx.AsyncClient() as caller:
        assert (await caller.post(f"{proxy.url}/hook", content=b"x")).status_code == 204
        assert [exchange.body for exchange in await proxy.traffic.until(len)] == [b"x"]


async def test_the_same_seed_draws_the_same_faults(counter):
    async def drawn(seed: int) -> list[int]:
        async with FaultProxy(counter[1]).serving() as proxy, httpx.AsyncClient(base_url=proxy.url) as caller:
            proxy.disturb_at_random(seed, [Refuse(502), Refuse(503), Refuse(504)], 20, share=0.5)
            return [(await caller.get("/")).status_code for _ in range(80)]

    first = await drawn(1)
    assert first == await drawn(1) != await drawn(2)
    assert sum(status > 500 for status in first) == 20
    assert {200, 502, 503, 504} == set(first)
