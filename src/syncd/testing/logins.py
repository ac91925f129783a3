"""What a system logs in with, as it declares it, without a ledger: refresh tokens are kept as long as the test runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from syncd.clock import Clock
from syncd.sdk.credentials import CredentialMissing
from syncd.sdk.http import HttpClient
from syncd.sdk.oauth.credential import Issued, OAuthCredential, TokenSource
from syncd.sdk.oauth.declaration import MAIN, Authorization, AuthorizationCode, RefreshToken
from syncd.sdk.oauth.exchange import Exchange
from syncd.sdk.oauth.tokens import Tokens


class Remembered:
    """Tokens that replace one another. Nobody signs in: a declaration of that kind has none to begin with."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def present(self, held: Tokens) -> Tokens:
        """See `TokenSource.present`."""
        return held

    async def newer(self, held: Tokens | None) -> Tokens:
        """See `TokenSource.newer`."""
        former = held or self._first()
        return (await self._exchange.refresh(former.refresh)).following(former)

    async def close(self) -> None:
        await self._exchange.close()

    def _first(self) -> Tokens:
        declared = self._exchange.declare()
        if not isinstance(declared, RefreshToken):
            raise CredentialMissing(f"Nobody signs in for {self._exchange.connection} in a test.")
        return Tokens("", declared.refresh_token.get_secret_value())


@asynccontextmanager
async def logged_in(
    declare: Callable[[], Mapping[str, Authorization]], http: HttpClient, clock: Clock
) -> AsyncIterator[Mapping[str, OAuthCredential]]:
    """Open every login that is declared; the main one is put on the client.

    Args:
        declare: answers what the system declares.
        http: the connection's client.
        clock: of the test.

    Returns:
        credentials by name, for `Context.credentials`.
    """
    opened = {name: _credential(name, declared, declare, http, clock) for name, declared in declare().items()}
    if MAIN in opened:
        http.auth = opened[MAIN].auth
    try:
        yield opened
    finally:
        for credential in opened.values():
            await credential.close()


def _credential(
    name: str,
    declared: Authorization,
    declare: Callable[[], Mapping[str, Authorization]],
    http: HttpClient,
    clock: Clock,
) -> OAuthCredential:
    exchange = Exchange(http.connection, clock, lambda: declare()[name], http)
    kept = isinstance(declared, RefreshToken | AuthorizationCode)
    source: TokenSource = Remembered(exchange) if kept else Issued(exchange)
    credential = OAuthCredential(http.connection, clock, source, declared)
    credential.attach_to(http)
    return credential
