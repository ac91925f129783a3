"""The access token of a connection: asked for once, shared by all calls, replaced before it ends. This module is all
that knows of OAuth here."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx

from syncd.errors import AuthError, TransientError
from syncd.sdk.context import Context
from syncd.systems.akeneo import words
from syncd.systems.akeneo.options import LoginOptions

PATH = "/api/oauth/v1/token"
AHEAD = timedelta(seconds=60)
"""How long before its end (an hour after it was given) a token is replaced."""
_REFUSED = frozenset({400, 401, 403, 422})
_UNDATED = 3600
"""Seconds a token holds where its answer does not say: Akeneo's default (rest-api/authentication.md, 2026-08-18)."""


class Login:
    """Tokens by the password grant, renewed by their refresh token (14 days); or the token of an App, as it is."""

    def __init__(self, context: Context, address: str, options: LoginOptions) -> None:
        """
        Args:
            address: the PIM's, without a slash at its end.
        """
        self._context, self._options = context, options
        self._url = address + PATH
        self._access, self._refresh = options.token.get_secret_value(), ""
        self._replace_at: datetime | None = None
        self._lock = asyncio.Lock()

    @property
    def client_id(self) -> str:
        """The client calls are made for, "" for the token of an App."""
        return self._options.client_id

    async def token(self) -> str:
        """A token that holds.

        Raises:
            AuthError: the PIM does not take the login. TransientError: it does not answer.
        """
        async with self._lock:
            now = self._context.clock.now()
            if not self._access or (self._replace_at is not None and now >= self._replace_at):
                await self._replace()
            return self._access

    async def renew(self, refused: str) -> str:
        """Another token than one that was refused. Raises: as `token`."""
        if self._options.token.get_secret_value():
            connection = self._context.connection
            raise AuthError(f"{connection}: Akeneo does not take the App's token any more.", status=401)
        async with self._lock:
            if self._access == refused:
                await self._replace()
            return self._access

    async def _replace(self) -> None:
        """By the refresh token while that is taken, else by name and password."""
        asked_at = self._context.clock.now()
        response = (
            await self._ask({"grant_type": "refresh_token", "refresh_token": self._refresh}) if self._refresh else None
        )
        if response is None or response.status_code in _REFUSED:
            login = {"username": self._options.username, "password": self._options.password.get_secret_value()}
            response = await self._ask({"grant_type": "password", **login})
        if response.status_code in _REFUSED:
            said = self._context.http.redactor.text(words.of(response))
            raise AuthError(
                f"{self._context.connection}: Akeneo refuses the login: {said}", status=response.status_code
            )
        self._keep(words.json_of(response, self._context.connection), asked_at)

    async def _ask(self, grant: dict[str, str]) -> httpx.Response:
        client = httpx.BasicAuth(self._options.client_id, self._options.client_secret.get_secret_value())
        # To ask twice is to have two tokens, which harms nobody.
        extensions = {"idempotent": True, "expect": _REFUSED}
        return await self._context.http.post(self._url, json=grant, auth=client, extensions=extensions)

    def _keep(self, answer: Any, asked_at: datetime) -> None:
        access = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(access, str) or not access:
            raise TransientError(f"{self._context.connection}: Akeneo's answer to the login has no access_token.")
        seconds = answer.get("expires_in")
        self._access, self._refresh = access, str(answer.get("refresh_token") or "")
        life = timedelta(seconds=seconds if isinstance(seconds, int | float) and seconds > 0 else _UNDATED)
        self._replace_at = asked_at + max(life - AHEAD, life / 2)
