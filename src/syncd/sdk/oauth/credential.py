"""One login's token as a process holds it: fetched once, shared by all calls, replaced ahead of its end."""

from __future__ import annotations

import asyncio
from typing import Protocol

import httpx

from syncd.clock import Clock
from syncd.errors import TransientError
from syncd.sdk.http import HttpClient
from syncd.sdk.oauth.bearer import Bearer
from syncd.sdk.oauth.declaration import Authorization
from syncd.sdk.oauth.exchange import Exchange
from syncd.sdk.oauth.tokens import Tokens

BELIEVED = 30.0
"""Seconds for which kept tokens are used before it is asked whether somebody replaced or took them away."""
TRIED_AGAIN = 10.0
"""Seconds between attempts to replace a token that still holds."""
FORCED = 60.0
"""Seconds between renewals because of a refusal, where the renewed token was refused as well."""

CLOSING = 25.0
"""Real seconds, as whoever stops a process counts them, that a renewal may take to end."""


class TokenSource(Protocol):
    """Where the tokens of one login come from."""

    async def present(self, held: Tokens) -> Tokens:
        """What is in force in place of the tokens held, without asking the vendor."""
        ...

    async def newer(self, held: Tokens | None) -> Tokens:
        """Tokens other than those held, asked for at the vendor if nobody else did so already."""
        ...

    async def close(self) -> None:
        """Release what was opened."""
        ...


class Issued:
    """Tokens that are simply asked for again: client credentials, a user's password. They are kept nowhere."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def present(self, held: Tokens) -> Tokens:
        return held

    async def newer(self, held: Tokens | None) -> Tokens:
        return await self._exchange.issue()

    async def close(self) -> None:
        await self._exchange.close()


class OAuthCredential:
    """Implements `syncd.sdk.credentials.Credential`."""

    def __init__(self, connection: str, clock: Clock, source: TokenSource, declared: Authorization) -> None:
        self._connection, self._clock, self._source = connection, clock, source
        self._bearer = Bearer(declared, self)
        self._tokens: Tokens | None = None
        self._looked_at = self._try_at = self._forced_at = 0.0
        self._doubted = ""
        self._renewing: asyncio.Task[Tokens] | None = None

    @property
    def auth(self) -> httpx.Auth:
        return self._bearer

    def attach_to(self, http: HttpClient) -> None:
        """Keep the token from other hosts than those declared."""
        self._bearer.attach_to(http)

    async def token(self) -> str:
        """See `Credential.token`."""
        tokens = await self._known()
        if not tokens.due(self._clock.now()) or self._clock.monotonic() < self._try_at:
            return tokens.access
        try:
            return (await self._renewed()).access
        except TransientError:
            if not tokens.valid(self._clock.now()):
                raise
            self._try_at = self._clock.monotonic() + TRIED_AGAIN
            return tokens.access

    async def renew(self, refused: str) -> str:
        """See `Credential.renew`."""
        tokens = await self._known()
        if tokens.access != refused:
            return tokens.access
        now = self._clock.monotonic()
        if refused == self._doubted and now < self._forced_at + FORCED:
            return refused
        fresh = await self._renewed()
        self._doubted, self._forced_at = fresh.access, now
        return fresh.access

    def accepted(self, token: str) -> None:
        """Note that the system took a token."""
        if token == self._doubted:
            self._doubted = ""

    def forget(self) -> None:
        """Look for the tokens anew at the next call: somebody replaced them."""
        self._tokens = None

    async def close(self) -> None:
        """Let a renewal under way end, for a token that it is given must not be lost; then release all."""
        if self._renewing is not None:
            await asyncio.wait({self._renewing}, timeout=CLOSING)
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        await self._source.close()

    async def _known(self) -> Tokens:
        """The tokens held, if nobody else has replaced them; fetched where there are none or they have ended."""
        now = self._clock.monotonic()
        if self._tokens is not None and now >= self._looked_at + BELIEVED:
            self._tokens = await self._source.present(self._tokens)
            self._looked_at = now
        if self._tokens is None or not self._tokens.valid(self._clock.now()):
            return await self._renewed()
        return self._tokens

    async def _renewed(self) -> Tokens:
        """One renewal at a time, which goes on when whoever waits for it is cancelled."""
        if self._renewing is None or self._renewing.done():
            work = self._renew(self._tokens)
            self._renewing = asyncio.create_task(work, name=f"credential {self._connection}")
        return await asyncio.shield(self._renewing)

    async def _renew(self, held: Tokens | None) -> Tokens:
        self._tokens = await self._source.newer(held)
        self._looked_at = self._clock.monotonic()
        return self._tokens
