from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import httpx
import pytest
import respx
import structlog
from aiohttp import web
from pydantic import SecretStr
from tests.support.systems import host

from syncd.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    NotFoundError,
    RateLimited,
    RejectedError,
    SyncdError,
    TransientError,
)
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.limits import Open
from syncd.sdk.redact import Redactor, secrets_of
from syncd.sdk.system import Options
from syncd.testing.clock import ManualClock

URL = "https://shop.example/api"


class AtMost(Open):
    """Lets so many calls begin before one has ended; remembers what it was told."""

    def __init__(self, most: int) -> None:
        self.free = asyncio.Semaphore(most)
        self.told: list[object] = []

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        self.told.append(spend)
        await self.free.acquire()
        return self.free.release

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        self.told.append(seconds)


@pytest.fixture
async def client(clock: ManualClock):
    async with open_client("shop", clock, secrets=["s3cr3t-token/+="]) as client:
        yield client


async def run(clock: ManualClock, work, seconds: float = 40.0):
    """The result of `work` while the clock runs."""
    task = asyncio.ensure_future(work)
    for _ in range(int(seconds * 2)):
        if task.done():
            break
        await clock.advance(0.5)
    return await asyncio.wait_for(task, 5)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RejectedError), (401, AuthError), (403, AuthError), (404, NotFoundError), (409, ConflictError),
        (410, NotFoundError), (418, RejectedError), (429, RateLimited), (500, TransientError), (503, TransientError),
        (301, ConfigError), (501, RejectedError),
    ],
)  # fmt: skip
async def test_a_failed_answer_raises_what_the_table_says(client: HttpClient, status: int, error: type[SyncdError]):
    with respx.mock(using="httpx") as mock:
        mock.post(URL).respond(status, text="because")
        with pytest.raises(error) as raised:
            await client.post(URL)
    assert type(raised.value) is error
    assert str(status) in str(raised.value)
    assert "shop: POST https://shop.example/api" in str(raised.value)


async def test_a_connector_overrides_rows_and_a_caller_expects_statuses(clock: ManualClock):
    async with HttpClient("shop", clock, overrides={400: TransientError}) as client:
        with respx.mock(using="httpx") as mock:
            mock.post(URL).respond(400)
            with pytest.raises(TransientError):
                await client.post(URL)
            answer = await client.post(URL, extensions={"expect": {400}})
    assert answer.status_code == 400


async def test_an_idempotent_request_is_repeated_until_it_works(client: HttpClient, clock: ManualClock):
    with respx.mock(using="httpx") as mock:
        route = mock.get(URL).mock(side_effect=[httpx.ConnectTimeout("dns"), httpx.Response(502), httpx.Response(200)])
        answer = await run(clock, client.get(URL))
    assert answer.status_code == 200
    assert route.call_count == 3


@pytest.mark.parametrize(
    ("headers", "extensions", "calls"), [({}, {}, 1), ({"Idempotency-Key": "k"}, {}, 2), ({}, {"idempotent": True}, 2)]
)
async def test_a_post_is_repeated_only_where_that_is_declared_safe(
    client: HttpClient, clock: ManualClock, headers: dict[str, str], extensions: dict[str, bool], calls: int
):
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).mock(side_effect=[httpx.Response(500), httpx.Response(200)])
        work = client.post(URL, headers=headers, extensions=extensions, content=b"x")
        if calls == 1:
            with pytest.raises(TransientError):
                await run(clock, work)
        else:
            await run(clock, work)
    assert route.call_count == calls


async def test_a_body_that_can_be_read_once_is_sent_once(client: HttpClient, clock: ManualClock):
    async def body():
        yield b"x"

    with respx.mock(using="httpx") as mock:
        route = mock.put(URL).respond(500)
        with pytest.raises(TransientError):
            await run(clock, client.put(URL, content=body()))
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("2.5", 2.5), ("Sun, 22 Nov 2026 12:00:10 GMT", 10.0), ("-3", 0.0)],
)
async def test_retry_after_is_waited_for_exactly(client: HttpClient, clock: ManualClock, header: str, seconds: float):
    with respx.mock(using="httpx") as mock:
        route = mock.get(URL).mock(
            side_effect=[httpx.Response(429, headers={"retry-after": header}), httpx.Response(200)]
        )
        task = asyncio.ensure_future(client.get(URL))
        await clock.advance(0)
        if seconds:
            await clock.advance(seconds - 0.1)
            assert route.call_count == 1
        await clock.advance(0.2)
        assert (await asyncio.wait_for(task, 5)).status_code == 200


@pytest.mark.parametrize("header", ["31", "Sun, 22 Nov 2026 13:00:00 GMT"])
async def test_a_wait_longer_than_thirty_seconds_is_left_to_the_engine(
    client: HttpClient, clock: ManualClock, header: str
):
    with respx.mock(using="httpx") as mock:
        route = mock.get(URL).respond(429, headers={"retry-after": header})
        with pytest.raises(RateLimited) as raised:
            await run(clock, client.get(URL))
    assert raised.value.retry_after == pytest.approx(31 if header == "31" else 3600, abs=1)
    assert route.call_count == 1


@pytest.mark.parametrize("header", ["soon", "nan", "inf", ""])
async def test_a_retry_after_that_says_nothing_is_none(client: HttpClient, header: str):
    with respx.mock(using="httpx") as mock:
        mock.post(URL).respond(429, headers={"retry-after": header})
        with pytest.raises(RateLimited) as raised:
            await client.post(URL)
    assert raised.value.retry_after is None


async def test_it_gives_up_after_thirty_seconds_or_five_attempts(client: HttpClient, clock: ManualClock):
    with respx.mock(using="httpx") as mock:
        route = mock.get(URL).respond(503)
        with pytest.raises(TransientError):
            await run(clock, client.get(URL))
    assert route.call_count == 5
    assert clock.monotonic() <= 31


async def test_the_deadline_is_the_clocks_and_ends_the_exchange(client: HttpClient, clock: ManualClock):
    ended = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    with respx.mock(using="httpx", assert_all_called=False) as mock:
        mock.post(URL).mock(side_effect=hang)
        task = asyncio.ensure_future(client.post(URL))
        await clock.advance(0)
        await clock.advance(9.9)
        assert not task.done()
        await clock.advance(0.2)
        with pytest.raises(TransientError):
            await asyncio.wait_for(task, 5)
    assert ended.is_set()


async def test_no_more_calls_are_open_at_once_than_allowed(clock: ManualClock):
    open_now, most, gate = 0, 0, asyncio.Event()

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await gate.wait()
        open_now -= 1
        return httpx.Response(200)

    async with open_client("shop", clock, gate=AtMost(2)) as client:
        with respx.mock(using="httpx") as mock:
            mock.get(URL).mock(side_effect=count)
            tasks = [asyncio.ensure_future(client.get(URL)) for _ in range(5)]
            await clock.advance(0)
            assert open_now == 2
            gate.set()
            await asyncio.gather(*tasks)
    assert most == 2


async def test_a_streamed_answer_holds_its_slot_until_it_is_closed(clock: ManualClock):
    async with host() as served, open_client("shop", clock, gate=AtMost(1)) as client:
        served.pages["/a"] = b"abc"
        async with client.stream("GET", f"{served.url}/a") as first:
            second = asyncio.ensure_future(client.get(f"{served.url}/a"))
            assert [chunk async for chunk in first.aiter_bytes()] == [b"abc"]
        assert (await asyncio.wait_for(second, 5)).content == b"abc"
        async with client.stream("GET", f"{served.url}/a"):
            third = asyncio.ensure_future(client.get(f"{served.url}/a"))
            await clock.advance(0)
            assert len(served.calls) == 3
        assert (await asyncio.wait_for(third, 5)).content == b"abc"


@pytest.mark.parametrize("failure", [httpx.Response(500), httpx.Response(404), httpx.ConnectError("x")])
async def test_a_failure_frees_the_slot(clock: ManualClock, failure: object):
    async with open_client("shop", clock, gate=AtMost(1)) as client:
        with respx.mock(using="httpx") as mock:
            mock.post(URL).mock(side_effect=[failure, failure, httpx.Response(200)])
            for _ in range(2):
                with pytest.raises(SyncdError):
                    await client.post(URL)
            assert (await client.post(URL)).status_code == 200


async def test_the_gate_is_told_what_a_call_costs_and_how_long_the_system_wants_none(clock: ManualClock):
    gate = AtMost(1)
    async with open_client("shop", clock, gate=gate) as client:
        with respx.mock(using="httpx") as mock:
            mock.post(URL).respond(429, headers={"retry-after": "120"})
            with pytest.raises(RateLimited):
                await client.post(URL, extensions={"spend": {"points": 50}})
    assert gate.told == [{"points": 50}, 120]


async def test_a_call_that_is_not_permitted_is_not_made(clock: ManualClock):
    class Refusing(Open):
        async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
            raise TransientError(f"lease ends within {deadline:g} s")

    async with open_client("shop", clock, gate=Refusing()) as client:
        with respx.mock(using="httpx", assert_all_called=False) as mock:
            route = mock.post(URL).respond(200)
            with pytest.raises(TransientError, match="lease ends within 10 s"):
                await client.post(URL)
    assert route.call_count == 0


@pytest.mark.parametrize("where", ["url", "body", "quoted", "userinfo", "named"])
async def test_secrets_reach_neither_error_nor_log(client: HttpClient, where: str):
    secret = "s3cr3t-token/+="
    url = {
        "url": f"{URL}/{secret}", "body": URL, "quoted": f"{URL}?x=s3cr3t-token%2F%2B%3D",
        "userinfo": "https://user:hunter2@shop.example/api", "named": f"{URL}?access_token=hunter2&b=1",
    }[where]  # fmt: skip
    with respx.mock(using="httpx") as mock, structlog.testing.capture_logs() as logs:
        mock.post().respond(400, text=f"wrong key {secret}, no?")
        with pytest.raises(RejectedError) as raised:
            await client.post(url)
    shown = f"{raised.value} {raised.value.data} {logs}"
    assert "s3cr3t" not in shown
    assert "hunter2" not in shown
    assert logs[0]["event"] == "call"
    assert (logs[0]["connection"], logs[0]["method"], logs[0]["status"]) == ("shop", "POST", 400)


def test_secrets_are_found_however_deep_options_hold_them():
    class Inner(Options):
        keys: tuple[SecretStr, ...]

    class Outer(Options):
        inner: Inner
        more: dict[str, SecretStr]

    options = Outer(inner=Inner(keys=(SecretStr("aaaa"), SecretStr("bbbb"))), more={"x": SecretStr("cccc")})
    assert sorted(secrets_of(options)) == ["aaaa", "bbbb", "cccc"]


@pytest.mark.parametrize("shown", ["a b/c+d", "a%20b%2Fc%2Bd", "a%20b/c%2Bd", "a+b%2Fc%2Bd", "YSBiL2MrZA=="])
def test_a_secret_is_masked_in_each_spelling_it_takes_on_the_wire(shown: str):
    assert Redactor(["a b/c+d"]).text(f"x={shown};") == "x=***;"


def test_the_longer_of_two_secrets_is_masked_whole():
    assert Redactor(["abcd", "abcdefgh"]).text("x abcdefgh y") == "x *** y"


async def test_a_real_exchange_over_aiohttp_works_and_closes_its_session(clock: ManualClock):
    async with host() as served:
        served.pages["/a"] = b"hello"
        async with open_client("shop", clock) as client:
            assert (await client.get(f"{served.url}/a")).content == b"hello"
            with pytest.raises(NotFoundError):
                await client.get(f"{served.url}/b")


async def test_an_answer_that_ends_early_is_transient(clock: ManualClock, tmp_path):
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"only this")
        request.transport.close()
        return response

    async with host() as served, open_client("shop", clock) as client:
        served.handlers["/a"] = short
        with (tmp_path / "x").open("wb") as into, pytest.raises(TransientError):
            await client.download(f"{served.url}/a", into, limit=1000)


async def test_a_mocked_answer_shorter_than_declared_is_transient(client: HttpClient, tmp_path):
    with respx.mock(using="httpx") as mock:
        mock.get(URL).respond(200, content=b"abc", headers={"content-length": "10"})
        with (tmp_path / "x").open("wb") as into, pytest.raises(TransientError, match="3 of 10"):
            await client.download(URL, into, limit=1000)


async def test_an_answer_over_the_limit_is_refused(client: HttpClient, tmp_path):
    with respx.mock(using="httpx") as mock:
        mock.get(URL).respond(200, content=b"x" * 1001)
        with (tmp_path / "x").open("wb") as into, pytest.raises(RejectedError):
            await client.download(URL, into, limit=1000)
        with pytest.raises(RejectedError):
            await client.get(URL, extensions={"limit": 1000})


async def test_a_name_that_does_not_exist_is_transient(clock: ManualClock):
    async with open_client("shop", clock) as client:
        with pytest.raises(TransientError):
            await client.post("http://127.0.0.1:1/")
