"""How connections stand that a person signs in for: what is kept for them, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine import credentials as rows
from syncd.engine.credentials import Place
from syncd.engine.work import touch
from syncd.errors import RejectedError, SyncdError
from syncd.flow.keeper import origin
from syncd.flow.logins import Login
from syncd.flow.operate import control, desk
from syncd.flow.services import Services
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import exceptions
from syncd.ledger.vault import SealedElsewhere
from syncd.sdk.credentials import CredentialMissing
from syncd.sdk.oauth.declaration import AuthorizationCode
from syncd.sdk.oauth.tokens import Tokens

_MENDED = ("credential.missing", "credential.refused", "credential.sealed", "auth.refused")
"""Codes of exceptions that a new sign-in answers."""
State = Literal["unneeded", "missing", "connected", "unreadable"]

log = structlog.get_logger("syncd.credentials")


class NotConnectable(RejectedError):
    """Nobody needs to sign in: its credentials are those its file names. Try them: `syncd check --online`."""

    code = "credential.not-connectable"


@dataclass(frozen=True, slots=True)
class AuthorizationStatus:
    """How a connection that a person signs in for stands.

    `state`: `unneeded` where nobody signs in, `unreadable` is what this process has no key for. `redirect_uri` is the
    address registered at the vendor ("": any of loopback). `renews`: whether it goes on without a person when its
    access token ends, at `expires_at`.
    """

    connection: str
    state: State
    redirect_uri: str = ""
    connected_at: datetime | None = None
    refreshed_at: datetime | None = None
    expires_at: datetime | None = None
    renews: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection whose tokens are forgotten. `revoked`: whether the vendor was told and took them back."""

    connection: str
    revoked: bool


# --- looking ----------------------------------------------------------------------------------------------------------


async def status(services: Services, name: str) -> AuthorizationStatus:
    """How a connection stands that a person signs in for.

    Raises:
        NotFoundError: no such connection. ConfigError: its options cannot be resolved.
    """
    brand, declared = services.connections.config(name).brand, services.connections.declared(name)
    asked = [(each, way) for each, way in declared.items() if isinstance(way, AuthorizationCode)]
    if not asked:
        return AuthorizationStatus(name, "unneeded")
    each, way = asked[0]
    redirect = way.redirect_uri
    try:
        kept, tokens = await services.connections.keeper.read(Place(brand, name, each))
    except SealedElsewhere:
        return AuthorizationStatus(name, "unreadable", redirect_uri=redirect)
    if kept is None or tokens is None or tokens.origin != origin(way):
        return AuthorizationStatus(name, "missing", redirect_uri=redirect)
    return AuthorizationStatus(
        name, "connected", redirect, kept.connected_at, kept.refreshed_at, kept.expires_at, bool(tokens.refresh)
    )


def login_of(services: Services, name: str) -> tuple[Login, AuthorizationCode]:
    """The login of a connection that a person signs in for.

    Raises:
        NotFoundError: no such connection. ConfigError: it cannot be opened. NotConnectable: nobody signs in for it.
    """
    for login in services.connections.logins(name).values():
        declared = login.exchange.declare()
        if isinstance(declared, AuthorizationCode):
            return login, declared
    raise NotConnectable(f"The system of {name} asks nobody to sign in.")


# --- changing ---------------------------------------------------------------------------------------------------------


async def keep(services: Services, login: Login, tokens: Tokens, *, by: str) -> None:
    """Keep the tokens a sign-in brought, and let go on what waited for them."""
    brand, name, _ = login.place
    roles = services.connections.config(name).roles
    async with services.ledger.write() as transaction:
        await services.connections.keeper.put(transaction, login.place, tokens)
        transaction.record(brand, "credential.connected", name, by=by)
        if await _told(transaction.connection, brand, name) in _MENDED:
            await close_exceptions(transaction, brand, by=by, kind=desk.CONNECTION, subjects=[name])
        waiting = await desk.parked(transaction, brand, name)
        await touch(transaction, [*waiting, *control.look_keys(brand, name, roles)])
    login.credential.forget()


async def disconnect(services: Services, name: str, *, by: str) -> Disconnected:
    """Forget the tokens of a connection, and give them back where the vendor has a place for that.

    Raises: as `login_of`.
    """
    login, _ = login_of(services, name)
    try:
        _, tokens = await services.connections.keeper.read(login.place)
    except SealedElsewhere:
        tokens = None
    async with services.ledger.write() as transaction:
        if await rows.clear(transaction, login.place):
            transaction.record(login.place.brand, "credential.disconnected", name, by=by)
            await _open(transaction, services, login.place.brand, name)
    login.credential.forget()
    return Disconnected(name, tokens is not None and await _revoked(login, tokens))


async def _revoked(login: Login, tokens: Tokens) -> bool:
    try:
        return await login.exchange.revoke(tokens.refresh or tokens.access)
    except SyncdError as error:
        log.warning("the vendor did not take a token back", event_id="credential.unrevoked",
                    connection=login.place.connection, error=error.what)  # fmt: skip
        return False


# --- telling ----------------------------------------------------------------------------------------------------------


async def tell_missing(services: Services) -> None:
    """Have an exception open for every connection that waits for a person to sign in, and for no other."""
    for name, config in services.configuration.active.bundle.connections.items():
        try:
            state = (await status(services, name)).state
        except SyncdError:  # its options cannot be resolved, which its work will tell
            continue
        async with services.ledger.read() as reading:
            told = await _told(reading, config.brand, name)
        if state == "missing" and not told:
            async with services.ledger.write() as transaction:
                await _open(transaction, services, config.brand, name)
        elif state != "missing" and told == CredentialMissing.code:
            async with services.ledger.write() as transaction:
                await close_exceptions(
                    transaction, config.brand, by="configuration", kind=desk.CONNECTION, subjects=[name]
                )


async def _open(transaction: Transaction, services: Services, brand: str, name: str) -> None:
    await open_exception(
        transaction,
        Opening(
            brand, desk.CONNECTION, code="credential.missing", subject=name, connection=name,
            owner=services.owner_of(brand, name), reason=f"{name} is not connected yet.",
            remedy=f"Sign in: `syncd connect {name}`.", payload={"connect": True}, lane=name,
        ),
    )  # fmt: skip


async def _told(reading: AsyncConnection, brand: str, name: str) -> str:
    """The code of the exception that is open for a connection, "" if none is."""
    found = await reading.execute(
        sa.select(exceptions.c.code).where(
            exceptions.c.brand == brand, exceptions.c.kind == desk.CONNECTION, exceptions.c.subject == name,
            exceptions.c.closed_at.is_(None),
        )
    )  # fmt: skip
    return str(found.scalar_one_or_none() or "")
