"""Tokens that replace one another: each refresh token is spent by one process, once, and its successor is in the ledger
before the new access token is used.

A process that is killed between the vendor's answer and the commit loses what it was given. The former refresh token is
then tried again; a vendor that does not take it any more needs a person to connect the account anew.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import structlog
from sqlalchemy.exc import SQLAlchemyError

from syncd.engine import credentials as rows
from syncd.engine.credentials import Kept, Place
from syncd.errors import TransientError
from syncd.flow.keeper import Keeper, origin
from syncd.sdk.credentials import CredentialMissing, CredentialRefused
from syncd.sdk.oauth.declaration import RefreshToken
from syncd.sdk.oauth.exchange import DEADLINE, Exchange, refusal
from syncd.sdk.oauth.tokens import Tokens

LEASE = DEADLINE + 10.0
"""Seconds for which one process is the only one that refreshes."""
LOOK_EVERY = 0.25
STORE_AGAIN = 1.0

log = structlog.get_logger("syncd.credentials")


class KeptTokens:
    """The tokens of one credential as the ledger keeps them."""

    def __init__(self, keeper: Keeper, place: Place, exchange: Exchange) -> None:
        self._keeper, self._place, self._exchange = keeper, place, exchange
        self._ledger, self._clock = keeper.ledger, keeper.clock

    async def present(self, held: Tokens) -> Tokens:
        """See `TokenSource.present`."""
        return await self._stored()

    async def newer(self, held: Tokens | None) -> Tokens:
        """See `TokenSource.newer`."""
        ends = self._clock.monotonic() + 2 * LEASE
        while self._clock.monotonic() < ends:
            stored = await self._stored()
            if (held is None or stored.version != held.version) and stored.valid(self._clock.now()):
                return stored
            if not stored.refresh:
                raise self._refusal("its token has ended, and the vendor gave none to refresh it with")
            if not await self._lease(stored.version):
                await self._clock.sleep(LOOK_EVERY)
            elif fresh := await self._refreshed(stored):
                return fresh
        raise TransientError(f"{self._place.connection}: another process does not come to an end refreshing its token.")

    async def close(self) -> None:
        await self._exchange.close()

    # --- what is kept --------------------------------------------------------------------------------------------

    async def _stored(self) -> Tokens:
        """The tokens kept, or those to begin with.

        Raises:
            CredentialMissing: a person has to connect the account first.
        """
        declared = self._exchange.declare()
        kept, tokens = await self._keeper.read(self._place)
        if tokens is not None and tokens.origin == origin(declared):
            self._exchange.learn(tokens)
            return tokens
        if not isinstance(declared, RefreshToken):
            name = self._place.connection
            why = "was connected for another client or address" if tokens else "is not connected yet"
            raise CredentialMissing(f"{name} {why}.", remedy=f"Sign in: `syncd connect {name}`.", connect=True)
        await self._begin(kept, Tokens("", declared.refresh_token.get_secret_value(), origin=origin(declared)))
        return await self._stored()

    async def _begin(self, kept: Kept | None, tokens: Tokens) -> None:
        """Keep the first refresh token, unless another process was faster."""
        sealed = self._keeper.sealed(self._place, tokens)
        async with self._ledger.write() as transaction:
            if kept is None:
                await rows.seed(transaction, self._place, sealed)
            else:
                await rows.replace(transaction, self._place, kept.version, sealed, None)

    # --- refreshing ----------------------------------------------------------------------------------------------

    async def _lease(self, version: int) -> bool:
        async with self._ledger.write() as transaction:
            process = self._keeper.process
            return await rows.lease(transaction, self._ledger, self._place, version, process, LEASE)

    async def _refreshed(self, stored: Tokens) -> Tokens | None:
        """New tokens, committed; None where another process has brought others meanwhile."""
        try:
            fresh = (await self._exchange.refresh(stored.refresh)).following(stored)
        except BaseException as error:
            await self._release()
            if isinstance(error, CredentialRefused) and (await self._stored()).version != stored.version:
                return None
            raise
        return await self._committed(fresh, stored.version)

    async def _committed(self, fresh: Tokens, version: int) -> Tokens | None:
        """Tried until the ledger takes it: the refresh token that was spent for it is worth nothing any more."""
        sealed = self._keeper.sealed(self._place, fresh)
        while True:
            try:
                async with self._ledger.write() as transaction:
                    done = await rows.replace(transaction, self._place, version, sealed, fresh.expires_at)
            except (SQLAlchemyError, OSError) as error:
                log.warning("a new token cannot be stored yet", event_id="credential.unstored",
                            connection=self._place.connection, error=type(error).__name__)  # fmt: skip
                await self._clock.sleep(STORE_AGAIN)
            else:
                break
        if not done:
            return None
        log.info("token refreshed", event_id="credential.refreshed", connection=self._place.connection)
        return replace(fresh, version=version + 1)

    async def _release(self) -> None:
        with suppress(SQLAlchemyError, OSError):  # it lapses by itself
            async with self._ledger.write() as transaction:
                await rows.release(transaction, self._place, self._keeper.process)

    def _refusal(self, why: str) -> CredentialRefused:
        name = self._place.connection
        return refusal(self._exchange.declare(), name, f"{name}: {why}.")
