"""What a connection logs in with, opened as its system declares it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from syncd.engine.credentials import Place
from syncd.flow.keeper import Keeper
from syncd.flow.refreshing import KeptTokens
from syncd.sdk.http import HttpClient
from syncd.sdk.oauth.credential import Issued, OAuthCredential, TokenSource
from syncd.sdk.oauth.declaration import MAIN, Authorization, AuthorizationCode, RefreshToken
from syncd.sdk.oauth.exchange import Exchange

Declare = Callable[[], Mapping[str, Authorization]]
"""Answers what a connection's system declares, with the secrets as they are now."""


@dataclass(frozen=True, slots=True)
class Login:
    """One login of an open connection."""

    place: Place
    exchange: Exchange
    credential: OAuthCredential


def open_logins(keeper: Keeper, brand: str, connection: str, declare: Declare, http: HttpClient) -> dict[str, Login]:
    """Everything a connection logs in with, by the names its system declares; the HTTP client gets the main one."""
    opened = {
        name: _login(keeper, Place(brand, connection, name), declared, declare, http)
        for name, declared in declare().items()
    }
    if MAIN in opened:
        http.auth = opened[MAIN].credential.auth
    return opened


def _login(keeper: Keeper, place: Place, declared: Authorization, declare: Declare, http: HttpClient) -> Login:
    exchange = Exchange(place.connection, keeper.clock, lambda: declare()[place.name], http)
    kept = isinstance(declared, RefreshToken | AuthorizationCode)
    source: TokenSource = KeptTokens(keeper, place, exchange) if kept else Issued(exchange)
    credential = OAuthCredential(place.connection, keeper.clock, source, declared)
    credential.attach_to(http)
    return Login(place, exchange, credential)
