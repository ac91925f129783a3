"""A token is fetched once, shared, replaced in time, renewed once when refused, and sent nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import respx

from syncd.errors import AuthError, TransientError
from syncd.sdk.credentials import CredentialRefused
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.oauth import ClientCredentials
from syncd.sdk.oauth.credential import FORCED, TRIED_AGAIN, Issued, OAuthCredential
from syncd.sdk.oauth.exchange import Exchange
from syncd.testing.clock import ManualClock

TOKEN, API = "https://auth.example/token", "https://api.example"


class Vendor:
    """Gives out access-1, access-2, … that live for an hour; its API takes those in `taken`, other hosts anything."""

    def __init__(self, mock: respx.MockRouter) -> None:
        self.number = 0
        self.taken: set[str] = set()
        self.takes_new = True
        self.sent: list[tuple[str, str | None]] = []
        """Host and token of every call."""
        self.token = mock.post(TOKEN).mock(side_effect=self.give)
        self.api = mock.route(url__regex=r"^https://api\.example(/|$)").mock(side_effect=self.answer)
        self.elsewhere = mock.route().mock(side_effect=self.take)

    def give(self, request: httpx.Request) -> httpx.Response:
        self.number += 1
        if self.takes_new:
            self.taken.add(f"access-{self.number}")
        return httpx.Response(200, json={"access_token": f"access-{self.number}", "expires_in": 3600})

    def take(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.url.host, request.headers.get("x-token")))
        return httpx.Response(200)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.take(request)
        return httpx.Response(200 if self.sent[-1][1] in self.taken else 401, json={})

    def redirect(self, request: httpx.Request) -> httpx.Response:
        self.take(request)
        return httpx.Response(302, headers={"location": "https://cdn.example/file"})

    def end_all(self) -> None:
        self.taken.clear()

    @property
    def tokens(self) -> list[str | None]:
        return [token for _, token in self.sent]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        yield Vendor(mock)


@pytest.fixture
async def http(clock: ManualClock) -> AsyncIterator[HttpClient]:
    async with open_client("shop", clock) as client:
        yield client


@pytest.fixture
def credential(http: HttpClient, clock: ManualClock) -> OAuthCredential:
    declared = ClientCredentials(
        token_url=TOKEN, client_id="id", client_secret="s3cr3t", api=[API], header="X-Token", prefix=""
    )
    made = OAuthCredential("shop", clock, Issued(Exchange("shop", clock, lambda: declared, http)), declared)
    made.attach_to(http)
    http.auth = made.auth
    return made


# --- one token for all ----------------------------------------------------------------------------------------------


async def test_a_token_is_fetched_once_and_shared_by_calls_at_once(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    await asyncio.gather(*(http.get(f"{API}/{n}") for n in range(5)))
    await http.get(f"{API}/again")
    assert vendor.token.call_count == 1
    assert set(vendor.tokens) == {"access-1"}


async def test_it_is_replaced_ahead_of_its_end(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential, clock: ManualClock
):
    await http.get(API)
    await clock.advance(3539)
    await http.get(API)
    await clock.advance(1)
    await http.get(API)
    assert vendor.tokens == ["access-1", "access-1", "access-2"]


async def test_a_token_that_still_holds_is_used_while_no_other_can_be_had(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential, clock: ManualClock
):
    await http.get(API)
    await clock.advance(3545)
    vendor.token.mock(side_effect=None).respond(503)
    for _ in range(3):
        await http.get(API)
    assert vendor.token.call_count == 2, "it is not asked at every call"
    await clock.advance(TRIED_AGAIN)
    await http.get(API)
    assert vendor.token.call_count == 3
    assert set(vendor.tokens) == {"access-1"}
    await clock.advance(45)
    with pytest.raises(TransientError):
        await http.post(API)


async def test_a_call_that_is_given_up_does_not_end_the_renewal_others_wait_for(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        asked.set()
        await answer.wait()
        return vendor.give(request)

    vendor.token.mock(side_effect=slowly)
    first = asyncio.create_task(http.get(f"{API}/first"))
    second = asyncio.create_task(http.get(f"{API}/second"))
    await asyncio.wait_for(asked.wait(), 20)
    first.cancel()
    await asyncio.wait({first})
    answer.set()
    assert (await asyncio.wait_for(second, 20)).status_code == 200
    assert vendor.token.call_count == 1


async def test_a_renewal_takes_nothing_off_the_time_of_the_call(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential, clock: ManualClock
):
    async def slowly(request: httpx.Request) -> httpx.Response:
        await clock.sleep(15)
        return vendor.give(request)

    async def slow_api(request: httpx.Request) -> httpx.Response:
        await clock.sleep(9)
        return vendor.answer(request)

    vendor.token.mock(side_effect=slowly)
    vendor.api.mock(side_effect=slow_api)
    call = asyncio.create_task(http.post(API))
    for _ in range(30):
        await clock.advance(1)
    assert (await asyncio.wait_for(call, 20)).status_code == 200


# --- refused --------------------------------------------------------------------------------------------------------


async def test_a_refused_token_is_renewed_and_the_call_repeated_once(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    await http.get(API)
    vendor.end_all()
    answer = await http.post(API, json={"a": 1})
    assert answer.status_code == 200
    assert vendor.tokens == ["access-1", "access-1", "access-2"]
    assert vendor.api.calls.last.request.content == b'{"a":1}'


async def test_calls_refused_at_once_renew_once(vendor: Vendor, http: HttpClient, credential: OAuthCredential):
    await http.get(API)
    vendor.end_all()
    await asyncio.gather(*(http.get(f"{API}/{n}") for n in range(5)))
    assert vendor.token.call_count == 2


async def test_what_is_refused_anew_is_told_and_not_asked_for_over_and_over(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential, clock: ManualClock
):
    vendor.takes_new = False
    with pytest.raises(AuthError):
        await http.get(API)
    assert (vendor.token.call_count, vendor.api.call_count) == (2, 2)
    for _ in range(3):
        with pytest.raises(AuthError):
            await http.get(API)
    assert (vendor.token.call_count, vendor.api.call_count) == (2, 5)
    await clock.advance(FORCED)
    vendor.takes_new = True
    await http.get(API)
    assert vendor.token.call_count == 3


async def test_a_renewed_token_that_was_taken_is_renewed_again_when_it_is_refused_later(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    for _ in range(3):
        await http.get(API)
        vendor.end_all()
    await http.get(API)
    assert vendor.token.call_count == 4


async def test_a_renewal_that_is_refused_is_told(vendor: Vendor, http: HttpClient, credential: OAuthCredential):
    await http.get(API)
    vendor.end_all()
    vendor.token.mock(side_effect=None).respond(400, json={"error": "invalid_client"})
    with pytest.raises(CredentialRefused, match=r"connectors/shop\.yaml"):
        await http.get(API)


async def test_what_cannot_be_read_twice_is_sent_anew_by_whoever_has_it(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    await http.get(API)
    vendor.end_all()
    with pytest.raises(TransientError, match="must be sent anew"):
        await http.put(API, content=body())
    assert (await http.put(API, content=body())).status_code == 200
    assert vendor.token.call_count == 2


async def test_a_status_the_caller_expects_is_renewed_all_the_same(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    vendor.takes_new = False
    answer = await http.get(API, extensions={"expect": {401}})
    assert answer.status_code == 401
    assert vendor.api.call_count == 2


# --- where it goes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://cdn.example/x", "http://api.example/x", "https://api.example:8443/x", "https://x.api.example/"]
)
async def test_it_is_sent_to_no_other_origin(vendor: Vendor, http: HttpClient, credential: OAuthCredential, url: str):
    await http.get(url)
    assert vendor.tokens == [None]
    assert vendor.token.call_count == 0


async def test_a_redirect_to_another_host_does_not_take_it_along(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    vendor.api.mock(side_effect=vendor.redirect)
    answer = await http.get(API, follow_redirects=True)
    assert answer.status_code == 200
    assert vendor.sent == [("api.example", "access-1"), ("cdn.example", None)]


async def test_another_host_that_refuses_is_no_reason_to_renew(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    vendor.api.mock(side_effect=vendor.redirect)
    vendor.elsewhere.mock(side_effect=None).respond(401)
    with pytest.raises(AuthError):
        await http.get(API, follow_redirects=True)
    assert vendor.token.call_count == 1


async def test_a_caller_who_brings_an_auth_of_its_own_gets_no_token(
    vendor: Vendor, http: HttpClient, credential: OAuthCredential
):
    with pytest.raises(AuthError):
        await http.get(API, auth=("mia", "pass"))
    assert vendor.tokens == [None]
    assert vendor.token.call_count == 0


# --- other protocols, and the end -----------------------------------------------------------------------------------


async def test_whoever_speaks_another_protocol_asks_for_the_token(vendor: Vendor, credential: OAuthCredential):
    token = await credential.token()
    assert token == "access-1"
    fresh = await credential.renew(token)
    assert fresh == "access-2"
    assert await credential.renew(token) == fresh, "somebody renewed it meanwhile"
    assert await credential.renew(fresh) == fresh, "it was renewed for that reason just now"
    assert vendor.token.call_count == 2


async def test_closing_waits_for_a_renewal_under_way(vendor: Vendor, credential: OAuthCredential):
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        asked.set()
        await answer.wait()
        return vendor.give(request)

    vendor.token.mock(side_effect=slowly)
    waiting = asyncio.create_task(credential.token())
    await asyncio.wait_for(asked.wait(), 20)
    closing = asyncio.create_task(credential.close())
    await asyncio.sleep(0)
    assert not closing.done()
    answer.set()
    await asyncio.wait_for(closing, 20)
    assert await waiting == "access-1"
