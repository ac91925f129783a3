"""Login with Amazon: access tokens of one grant, fetched when needed and put on calls of the Selling Partner API.

A token lives an hour. One that has ended is answered with 403, as a missing role is; its words tell it apart. Sources:
developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api and amzn/selling-partner-api-models#4122,
2026-11-23.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta

import httpx

from syncd.clock import Clock
from syncd.errors import AuthError, TransientError
from syncd.sdk.http import HttpClient
from syncd.systems.amazon import shape
from syncd.systems.amazon.options import AmazonOptions

TOKENS = "https://api.amazon.com/auth/o2/token"
HEADER = "x-amz-access-token"
NOTIFICATIONS = "sellingpartnerapi::notifications"
"""The scope of operations that need no seller's grant: those of destinations."""
_AHEAD = timedelta(minutes=1)
_REFUSED = (400, 401, 403)
_ENDED = ("expired", "revoked, malformed or invalid")


class Login(httpx.Auth):
    """httpx's auth of one grant; one instance is shared by all calls."""

    def __init__(self, http: HttpClient, clock: Clock, grant: Mapping[str, str]) -> None:
        """
        Args:
            http: the connection's client.
            grant: the form that asks for a token.
        """
        self._http, self._clock, self._grant = http, clock, dict(grant)
        self._token, self._renew_at = "", clock.now()
        self._turn = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Put a token on the request; if it has ended meanwhile, once another one."""
        token = await self.token()
        request.headers[HEADER] = token
        response = yield request
        if not await _ended(response):
            return
        request.headers[HEADER] = await self.renew(token)
        yield request

    async def token(self) -> str:
        """A token that holds. Raises AuthError if none is given."""
        async with self._turn:
            if not self._token or self._clock.now() >= self._renew_at:
                await self._fetch()
            return self._token

    async def renew(self, refused: str) -> str:
        """Another token than the one that was refused."""
        async with self._turn:
            if self._token == refused:
                await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        asked = self._clock.now()
        extensions = {"expect": _REFUSED, "idempotent": True}
        response = await self._http.post(TOKENS, data=self._grant, auth=httpx.Auth(), extensions=extensions)
        if response.status_code in _REFUSED:
            raise AuthError(f"Login with Amazon refused the client or its grant: {_reason(response)}.")
        found = shape.answer(response, "Login with Amazon")
        self._token = shape.member(found, "access_token", str, "An answer of Login with Amazon")
        self._renew_at = _renewal(asked, found)


def seller_login(http: HttpClient, clock: Clock, options: AmazonOptions) -> Login:
    """The grant of the selling partner."""
    refresh = options.refresh_token.get_secret_value()
    return Login(http, clock, {"grant_type": "refresh_token", "refresh_token": refresh, **_client(options)})


def grantless_login(http: HttpClient, clock: Clock, options: AmazonOptions) -> Login:
    """The application's own login."""
    return Login(http, clock, {"grant_type": "client_credentials", "scope": NOTIFICATIONS, **_client(options)})


def _client(options: AmazonOptions) -> dict[str, str]:
    return {"client_id": options.client_id, "client_secret": options.client_secret.get_secret_value()}


def _reason(response: httpx.Response) -> str:
    """OAuth's word for a refusal; nothing else of an answer that could repeat what was sent."""
    try:
        return str(shape.answer(response, "")["error"])[:40]
    except (KeyError, TransientError):
        return f"status {response.status_code}"


def _renewal(asked: datetime, found: Mapping[str, object]) -> datetime:
    seconds = found.get("expires_in")
    life = timedelta(seconds=seconds) if isinstance(seconds, int) else timedelta(hours=1)
    return asked + max(life - _AHEAD, life / 2)


async def _ended(response: httpx.Response) -> bool:
    """Whether the answer says that the token has ended, rather than that the application may not do this."""
    if response.status_code not in (401, 403):
        return False
    await response.aread()
    return response.status_code == 401 or any(words in response.text for words in _ENDED)
