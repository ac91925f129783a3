"""A system under test logs in as it declares; refresh tokens replace one another in memory."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from syncd.sdk.credentials import CredentialMissing
from syncd.sdk.http import open_client
from syncd.sdk.oauth import MAIN, Authorization, AuthorizationCode, ClientCredentials, RefreshToken
from syncd.testing.clock import ManualClock
from syncd.testing.logins import logged_in

LOGIN: dict[str, Any] = {"token_url": "https://auth.example/token", "api": ("https://api.example",)}


async def calls(declared: dict[str, Authorization], *, apart: float = 0.0) -> tuple[list[dict[str, str]], list[str]]:
    """What is asked for tokens, and the tokens of two calls so many seconds apart."""
    clock, asked = ManualClock(), list[dict[str, str]]()

    def give(request: httpx.Request) -> httpx.Response:
        asked.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        number = len(asked)
        given = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600}
        return httpx.Response(200, json=given)

    with respx.mock(using="httpx") as mock:
        mock.post("https://auth.example/token").mock(side_effect=give)
        api = mock.get("https://api.example/x").respond(200)
        async with open_client("test", clock) as http, logged_in(lambda: declared, http, clock):
            await http.get("https://api.example/x")
            await clock.advance(apart)
            await http.get("https://api.example/x")
        return asked, [call.request.headers["authorization"] for call in api.calls]


async def test_a_refresh_token_is_followed_by_its_successor():
    first = RefreshToken.model_validate({**LOGIN, "refresh_token": "refresh-0"})
    asked, used = await calls({MAIN: first}, apart=3600)
    assert [each["refresh_token"] for each in asked] == ["refresh-0", "refresh-1"]
    assert used == ["Bearer access-1", "Bearer access-2"]


async def test_a_client_that_is_the_account_asks_once_for_all_calls():
    asked, used = await calls({MAIN: ClientCredentials.model_validate({**LOGIN, "client_id": "syncd"})})
    assert [each["grant_type"] for each in asked] == ["client_credentials"]
    assert used == ["Bearer access-1", "Bearer access-1"]


async def test_nobody_signs_in():
    person = AuthorizationCode.model_validate({**LOGIN, "authorize_url": "https://auth.example/authorize"})
    clock = ManualClock()
    async with open_client("test", clock) as http, logged_in(lambda: {"person": person}, http, clock) as opened:
        with pytest.raises(CredentialMissing):
            await opened["person"].token()


async def test_a_system_without_logins_has_none():
    clock = ManualClock()
    async with open_client("test", clock) as http, logged_in(dict, http, clock) as opened:
        assert opened == {}
        assert http.auth is None
