"""What is sent to token endpoints, and what their answers mean."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import respx

from syncd.errors import ConfigError, RateLimited, SyncdError, TransientError
from syncd.sdk.credentials import CredentialRefused
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.oauth import Authorization, AuthorizationCode, ClientCredentials, Password, RefreshToken
from syncd.sdk.oauth.exchange import Exchange
from syncd.sdk.oauth.tokens import Tokens
from syncd.testing.clock import START, ManualClock

URL = "https://auth.example/token"
API = "https://api.example"
GIVEN = {"access_token": "access-1", "expires_in": 3600, "token_type": "bearer"}


@pytest.fixture
async def http(clock: ManualClock) -> AsyncIterator[HttpClient]:
    async with open_client("shop", clock) as client:
        yield client


def exchange(http: HttpClient, clock: ManualClock, declared: Authorization) -> Exchange:
    return Exchange("shop", clock, lambda: declared, http)


def sent(call: Any) -> dict[str, str]:
    return dict(parse_qsl(call.request.content.decode()))


# --- the ways of the vendors ----------------------------------------------------------------------------------------


async def test_walmart_takes_the_client_as_basic_and_wants_headers(http: HttpClient, clock: ManualClock):
    declared = ClientCredentials(
        token_url=URL, client_id="id", client_secret="s3cr3t", client="basic", api=[API],
        headers={"WM_SVC.NAME": "syncd", "WM_QOS.CORRELATION_ID": "c-1"},
    )  # fmt: skip
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json=GIVEN)
        tokens = await exchange(http, clock, declared).issue()
    assert tokens.access == "access-1"
    [call] = route.calls
    assert sent(call) == {"grant_type": "client_credentials"}
    assert call.request.headers["authorization"] == f"Basic {base64.b64encode(b'id:s3cr3t').decode()}"
    assert call.request.headers["wm_svc.name"] == "syncd"
    assert call.request.headers["accept"] == "application/json"


async def test_akeneo_takes_a_users_password(http: HttpClient, clock: ManualClock):
    declared = Password(
        token_url=URL, client_id="id", client_secret="s3cr3t", client="basic", encoding="json", api=[API],
        username="syncd", password="the-password",
    )  # fmt: skip
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json={**GIVEN, "scope": None, "refresh_token": "r"})
        await exchange(http, clock, declared).issue()
    assert json.loads(route.calls[0].request.content) == {
        "grant_type": "password", "username": "syncd", "password": "the-password",
    }  # fmt: skip


async def test_amazon_takes_a_refresh_token_and_does_not_replace_it(http: HttpClient, clock: ManualClock):
    declared = RefreshToken(
        token_url=URL, client_id="id", client_secret="s3cr3t", refresh_token="first", api=[API], scopes=["unsent"]
    )
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json=GIVEN)
        tokens = await exchange(http, clock, declared).refresh("first")
    assert sent(route.calls[0]) == {
        "grant_type": "refresh_token", "refresh_token": "first", "client_id": "id", "client_secret": "s3cr3t",
    }  # fmt: skip
    assert tokens.refresh == ""


async def test_canto_calls_everything_differently(http: HttpClient, clock: ManualClock):
    declared = ClientCredentials(
        token_url=URL, client_id="id", client_secret="s3cr3t", api=[API], scopes=["admin", "consumer"],
        request_names={"client_id": "app_id", "client_secret": "app_secret"}, parameters={"version": "2"},
        answer_names={"access_token": "accessToken", "expires_in": "expiresIn"},
    )  # fmt: skip
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json={"accessToken": "a-1", "expiresIn": "60"})
        tokens = await exchange(http, clock, declared).issue()
    assert (tokens.access, tokens.expires_at) == ("a-1", START + timedelta(seconds=60))
    assert sent(route.calls[0]) == {
        "grant_type": "client_credentials", "app_id": "id", "app_secret": "s3cr3t", "scope": "admin consumer",
        "version": "2",
    }  # fmt: skip


async def test_a_code_goes_with_its_verifier_and_address(http: HttpClient, clock: ManualClock):
    declared = AuthorizationCode(token_url=URL, authorize_url=URL, client_id="public", api=[API])
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json={**GIVEN, "refresh_token": "refresh-1"})
        tokens = await exchange(http, clock, declared).redeem("the-code", "http://127.0.0.1:1/", "the-verifier")
    assert sent(route.calls[0]) == {
        "grant_type": "authorization_code", "code": "the-code", "redirect_uri": "http://127.0.0.1:1/",
        "code_verifier": "the-verifier", "client_id": "public",
    }  # fmt: skip
    assert tokens.refresh == "refresh-1"


async def test_of_two_secrets_of_a_client_the_one_that_is_taken_counts(http: HttpClient, clock: ManualClock):
    declared = ClientCredentials(token_url=URL, client_id="id", client_secret=["new-secret", "old-secret"], api=[API])
    answers = [httpx.Response(401, json={"error": "invalid_client"}), httpx.Response(200, json=GIVEN)]
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).mock(side_effect=answers)
        assert (await exchange(http, clock, declared).issue()).access == "access-1"
    assert [sent(call)["client_secret"] for call in route.calls] == ["new-secret", "old-secret"]


async def test_the_secrets_are_those_of_the_moment(http: HttpClient, clock: ManualClock):
    secrets = ["first-secret"]

    def declare() -> Authorization:
        return ClientCredentials(token_url=URL, client_id="id", client_secret=secrets[-1], api=[API])

    asking = Exchange("shop", clock, declare, http)
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(json=GIVEN)
        await asking.issue()
        secrets.append("second-secret")
        await asking.issue()
    assert [sent(call)["client_secret"] for call in route.calls] == secrets


# --- what answers mean ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "error", "said"),
    [
        (400, {"error": "invalid_grant", "error_description": "expired\nor revoked"}, CredentialRefused,
         "was answered 400: invalid_grant expired or revoked."),
        (401, {"error": "invalid_client"}, CredentialRefused, "401: invalid_client."),
        (422, {"code": 422, "message": "Parameter missing"}, CredentialRefused, "422: Parameter missing."),
        (403, "<html>no</html>", CredentialRefused, "was answered 403."),
        (200, {"error": "bad_verification_code"}, CredentialRefused, "200: bad_verification_code."),
        (200, {"scope": "x"}, CredentialRefused, "was answered without an access token."),
        (200, ["x"], TransientError, "something else than JSON"),
        (200, "<html>maintenance</html>", TransientError, "something else than JSON"),
        (400, {"error": "temporarily_unavailable"}, TransientError, "temporarily_unavailable"),
        (404, "<html>", ConfigError, "was answered 404."),
        (301, "", ConfigError, "has moved"),
        (429, {"error": "slow_down"}, RateLimited, "429"),
        (500, {"error": "server_error"}, TransientError, "500"),
        (503, "", TransientError, "503"),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_from_a_failure(
    http: HttpClient, clock: ManualClock, status: int, answer: Any, error: type[SyncdError], said: str
):
    declared = RefreshToken(token_url=URL, client_id="id", client_secret="s3cr3t", refresh_token="first", api=[API])
    body = {"text": answer} if isinstance(answer, str) else {"json": answer}
    with respx.mock(using="httpx") as mock:
        mock.post(URL).respond(status, **body)
        with pytest.raises(error) as raised:
            await exchange(http, clock, declared).refresh("first")
    assert type(raised.value) is error
    assert said in raised.value.what


async def test_a_refusal_says_who_can_do_what(http: HttpClient, clock: ManualClock):
    common: dict[str, Any] = {"token_url": URL, "client_id": "id", "client_secret": "s3cr3t", "api": [API]}
    signing = exchange(http, clock, AuthorizationCode(**common, authorize_url=URL))
    console = exchange(http, clock, RefreshToken(**common, refresh_token="first"))
    with respx.mock(using="httpx") as mock:
        route = mock.post(URL).respond(400, json={"error": "invalid_grant"})
        for asking, remedy in ((signing, "syncd connect shop"), (console, "connectors/shop.yaml")):
            with pytest.raises(CredentialRefused) as raised:
                await asking.refresh("first")
            assert remedy in raised.value.remedy
        route.respond(401, json={"error": "invalid_client"})
        with pytest.raises(CredentialRefused) as raised:
            await signing.refresh("first")
    assert "connectors/shop.yaml" in raised.value.remedy, "no person's signing in mends a wrong secret"


async def test_no_secret_is_in_an_error_though_the_vendor_repeats_all(
    http: HttpClient, clock: ManualClock, caplog: pytest.LogCaptureFixture
):
    declared = RefreshToken(
        token_url=URL, client_id="id", client_secret="s3cr3t-of-client", client="basic", refresh_token="x", api=[API]
    )
    basic = base64.b64encode(b"id:s3cr3t-of-client").decode()
    said = f"refresh-of-mia, s3cr3t-of-client and {basic} are wrong"
    with respx.mock(using="httpx") as mock:
        for status in (400, 500):
            mock.post(URL).respond(status, json={"error": "invalid_grant", "error_description": said})
            with pytest.raises(SyncdError) as raised:
                await exchange(http, clock, declared).refresh("refresh-of-mia")
            for secret in ("refresh-of-mia", "s3cr3t-of-client", basic):
                assert secret not in str(raised.value)
    assert "are wrong" in str(raised.value)


async def test_tokens_are_masked_from_then_on_wherever_the_connection_speaks(http: HttpClient, clock: ManualClock):
    declared = ClientCredentials(token_url=URL, client_id="id", client_secret="s3cr3t", api=[API])
    with respx.mock(using="httpx") as mock:
        mock.post(URL).respond(json={**GIVEN, "refresh_token": "refresh-1"})
        await exchange(http, clock, declared).issue()
        mock.get(f"{API}/x").respond(400, text="access-1 and refresh-1 and s3cr3t")
        with pytest.raises(SyncdError, match=r"\*\*\* and \*\*\* and \*\*\*"):
            await http.get(f"{API}/x")


async def test_a_token_is_given_back_where_there_is_a_place_for_it(http: HttpClient, clock: ManualClock):
    declared = AuthorizationCode(
        token_url=URL, authorize_url=URL, client_id="id", api=[API], revoke_url="https://auth.example/revoke"
    )
    with respx.mock(using="httpx") as mock:
        route = mock.post("https://auth.example/revoke").respond(200)
        assert await exchange(http, clock, declared).revoke("refresh-1")
        assert sent(route.calls[0]) == {"token": "refresh-1", "client_id": "id"}
    assert not await exchange(http, clock, declared.model_copy(update={"revoke_url": ""})).revoke("refresh-1")


def test_tokens_are_never_shown():
    assert "access-1" not in f"{Tokens('access-1', 'refresh-1')!r}"
