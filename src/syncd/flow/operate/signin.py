"""Connecting an account: a person signs in with a browser, and the tokens that brings are kept."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from syncd.engine.credentials import Place
from syncd.errors import ConflictError, RejectedError
from syncd.flow.keeper import origin
from syncd.flow.operate import authorization
from syncd.flow.operate.checkup import Finding, check_up
from syncd.flow.services import Services
from syncd.ledger.tables.core import pending_authorizations as pending
from syncd.sdk.oauth import consent
from syncd.sdk.oauth.tokens import Tokens

LIFE = timedelta(minutes=10)
"""How long a person has to sign in."""


class UnknownAuthorization(ConflictError):
    """Begin anew with `syncd connect CONNECTION`: an authorization is answered once, and within ten minutes."""

    code = "credential.unknown-state"


class Denied(RejectedError):
    """Begin anew with `syncd connect CONNECTION`, and allow what is asked for."""

    code = "credential.denied"


class ForeignRedirect(RejectedError):
    """Have the browser sent back to the own machine (http://127.0.0.1:PORT), or name the address in the options."""

    code = "credential.redirect"


@dataclass(frozen=True, slots=True)
class Begun:
    """An authorization that was begun: where the browser goes, and where it is sent back to until when."""

    url: str
    redirect_uri: str
    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection whose account was connected just now, and what was found when it was tried."""

    connection: str
    findings: list[Finding]


async def begin(services: Services, name: str, redirect_uri: str, *, by: str) -> Begun:
    """Begin an authorization.

    Args:
        redirect_uri: where the browser is to be sent back to, on the person's machine; unused where one is declared.
        by: the name of the token that asks.

    Raises:
        NotFoundError: no such connection. NotConnectable: nobody signs in for it. ForeignRedirect: not that address.
    """
    login, declared = authorization.login_of(services, name)
    target = declared.redirect_uri or redirect_uri
    if not declared.redirect_uri and not consent.is_loopback(target):
        raise ForeignRedirect(f"A browser cannot be sent back to {target or 'nowhere'}.")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    kept = json.dumps({"verifier": verifier, "redirect_uri": target}).encode()
    async with services.ledger.write() as transaction:
        ends = transaction.now + LIFE
        await transaction.execute(sa.delete(pending).where(pending.c.expires_at <= transaction.now))
        await transaction.execute(
            sa.insert(pending).values(
                **login.place._asdict(), state=_digest(state), begun_by=by, expires_at=ends,
                sealed=services.connections.keeper.vault.seal(kept, _digest(state)),
            )
        )  # fmt: skip
    return Begun(consent.address(declared, target, state, verifier), target, state, ends)


async def finish(services: Services, name: str, answer: str, state: str, *, by: str) -> Connected:
    """Take the browser's answer: tokens are fetched and kept, what waited for them is due, and the login is tried.

    Args:
        answer: the address the browser was sent back to, or the code in it.
        state: as `begin` gave it; counts where the answer carries none.

    Raises:
        UnknownAuthorization: it answers nothing that was begun. Denied: the vendor gave no code.
        CredentialRefused: the vendor does not take the code. TransientError: it cannot be asked at present.
    """
    login, declared = authorization.login_of(services, name)
    told = consent.answered(declared, answer, state)
    kept = json.loads(await _take(services, login.place, told.state))
    if told.error or not told.code:
        raise Denied(f"{name} was not connected: {told.error or 'the answer holds no code'}.")
    verifier = kept["verifier"] if declared.pkce else ""
    tokens = await login.exchange.redeem(told.code, kept["redirect_uri"], verifier)
    await authorization.keep(services, login, tokens.following(Tokens("", origin=origin(declared))), by=by)
    return Connected(name, (await check_up(services, name)).findings)


async def _take(services: Services, place: Place, state: str) -> bytes:
    """What was kept for an authorization; it cannot be answered again."""
    digest = _digest(state)
    async with services.ledger.write() as transaction:
        taken = await transaction.execute(
            sa.delete(pending)
            .where(
                pending.c.state == digest, pending.c.expires_at > transaction.now,
                *(pending.c[part] == value for part, value in place._asdict().items()),
            )
            .returning(pending.c.sealed)
        )  # fmt: skip
        sealed = taken.scalar_one_or_none()
    if sealed is None:
        raise UnknownAuthorization(f"No authorization of {place.connection} waits for this answer.")
    return services.connections.keeper.vault.open(sealed, digest)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
