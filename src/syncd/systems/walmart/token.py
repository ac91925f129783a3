"""Walmart's access token: asked for with the client's id and secret, shared by all calls, renewed ahead of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from syncd.clock import Clock
from syncd.errors import AuthError, TransientError
from syncd.sdk.http import HttpClient
from syncd.sdk.redact import Redactor
from syncd.systems.walmart.figures import TOKEN_SECONDS

AHEAD = 60.0
"""Seconds before its end a token is replaced."""
Headers = Callable[[], Mapping[str, str]]
_REFUSED = (400, 401, 403)  # a wrong secret is answered with any of them


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, and where."""

    url: str
    identifier: str
    secret: SecretStr


class Tokens:
    """The token of one connection; its seam is `get` and `renew`."""

    def __init__(
        self, client: Client, http: HttpClient, clock: Clock, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        """
        Args:
            headers: makes those that every call needs, anew for each.
        """
        self._client, self._http, self._clock, self._headers = client, http, clock, headers
        self._token, self._until = "", 0.0
        self._asking = asyncio.Lock()
        self._hide(self._token)

    async def get(self) -> str:
        """A token that holds for a while yet.

        Raises:
            AuthError: the client's id and secret are not taken. TransientError: no token can be had at present.
        """
        async with self._asking:
            if not self._token or self._clock.monotonic() >= self._until:
                await self._ask()
            return self._token

    async def renew(self, refused: str) -> str:
        """A token other than the one refused; asked for once, however many calls it was refused on."""
        async with self._asking:
            if self._token == refused:
                await self._ask()
            return self._token

    async def _ask(self) -> None:
        secret = self._client.secret.get_secret_value()
        started = self._clock.monotonic()
        answer = await self._http.post(
            self._client.url,
            data={"grant_type": "client_credentials"},
            headers=dict(self._headers()),
            auth=httpx.BasicAuth(self._client.identifier, secret),
            extensions={"idempotent": True, "expect": _REFUSED},
        )
        if not answer.is_success:
            what = f"{self._http.connection}: {self._client.url} takes neither id nor secret ({answer.status_code})."
            raise AuthError(what, status=answer.status_code)
        token, seconds = _read(answer)
        self._hide(self._token, token)
        self._token, self._until = token, started + max(seconds - AHEAD, seconds / 2)

    def _hide(self, *tokens: str) -> None:
        """Keep secret and tokens, the one just replaced too, out of whatever is quoted of requests and answers."""
        secret = self._client.secret.get_secret_value()
        self._http.redactor = Redactor((secret, f"{self._client.identifier}:{secret}", *tokens))


def _read(answer: httpx.Response) -> tuple[str, float]:
    """The token and for how many seconds it holds."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    token = found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token:
        raise TransientError(f"{answer.request.url} answered without an access_token.")
    seconds = found.get("expires_in")
    return token, float(seconds) if isinstance(seconds, int | float) and seconds > 0 else TOKEN_SECONDS
