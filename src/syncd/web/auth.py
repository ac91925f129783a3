"""Bearer tokens: `syncd_<id>_<secret>`, stored as a hash, with a scope each."""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Protocol

from aiohttp import hdrs, web

from syncd.clock import Clock
from syncd.telemetry.metrics import AUTH_REFUSED, Metrics
from syncd.web.attempts import AttemptLimit
from syncd.web.body import single_header
from syncd.web.refusals import ScopeTooLow, TooManyAttempts, Unauthenticated

_BEARER = re.compile(r"(?i:bearer) +(syncd_[0-9a-z]{4,32}_[0-9A-Za-z]{32,128})")
_CHALLENGE = 'Bearer realm="syncd"'


class Scope(enum.StrEnum):
    """What a token may do; each scope includes those before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def allows(self, needed: Scope) -> bool:
        """Whether a token of this scope may do what needs `needed`."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the token's name, which the trail records, and its scope."""

    name: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as the ledger holds it; `digest` is what `digest_of` made of its text."""

    digest: str
    principal: Principal


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def find(self, digest: str) -> StoredToken | None:
        """The token with this digest, unless it is unknown or revoked."""
        ...


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: `text` is shown once to its owner, `digest` is stored."""

    id: str
    text: str
    digest: str


def mint() -> NewToken:
    """Make a token with a secret of 256 random bits."""
    identifier = secrets.token_hex(4)
    text = f"syncd_{identifier}_{secrets.token_hex(32)}"
    return NewToken(identifier, text, digest_of(text))


def digest_of(text: str) -> str:
    """SHA-256 of a token's text, in hex; no salt or stretching, for the secret is random and long."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class Authenticator:
    """Tells who calls, or refuses. A valid token is never slowed by the refusals of its address."""

    def __init__(
        self, tokens: TokenStore, clock: Clock, metrics: Metrics, attempts: AttemptLimit | None = None
    ) -> None:
        self._tokens = tokens
        self._metrics = metrics
        self._attempts = attempts or AttemptLimit(clock)

    async def authenticate(self, request: web.BaseRequest, needed: Scope) -> Principal:
        """Find the caller of a request.

        Raises:
            Unauthenticated: there is no valid token.
            TooManyAttempts: nor is there one, and this address has tried too often.
            ScopeTooLow: the token is valid and its scope is below `needed`.
            MalformedRequest: there are two Authorization headers.
        """
        header = single_header(request, hdrs.AUTHORIZATION)
        principal = await self._find(header) if header else None
        if principal is None:
            raise self._refusal(request, "missing" if header is None else "invalid")
        if not principal.scope.allows(needed):
            self._metrics.count(AUTH_REFUSED, reason="scope")
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'
            what = f"This needs a token with the scope {needed}; this one has {principal.scope}."
            raise ScopeTooLow(what, headers={hdrs.WWW_AUTHENTICATE: challenge}, needed=needed.value)
        return principal

    async def _find(self, header: str) -> Principal | None:
        match = _BEARER.fullmatch(header)
        if match is None:
            return None
        digest = digest_of(match[1])
        stored = await self._tokens.find(digest)
        if stored is None or not hmac.compare_digest(stored.digest, digest):
            return None
        return stored.principal

    def _refusal(self, request: web.BaseRequest, reason: str) -> Unauthenticated | TooManyAttempts:
        self._metrics.count(AUTH_REFUSED, reason=reason)
        wait = self._attempts.count(request.remote)
        if wait is not None:
            return TooManyAttempts("Too many requests without a valid token came from this address.", wait)
        if reason == "missing":
            return Unauthenticated("There is no token in the request.", headers={hdrs.WWW_AUTHENTICATE: _CHALLENGE})
        challenge = f'{_CHALLENGE}, error="invalid_token"'
        return Unauthenticated("The token is not known here.", headers={hdrs.WWW_AUTHENTICATE: challenge})
