"""Keeps tokens in the ledger: sealed there, in the clear only in memory."""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa

from syncd.clock import Clock
from syncd.engine import credentials as rows
from syncd.engine.credentials import Kept, Place
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import credentials
from syncd.ledger.vault import Vault
from syncd.sdk.oauth.declaration import Authorization, RefreshToken
from syncd.sdk.oauth.tokens import Tokens


class Keeper:
    """Seals and opens the rows of one process."""

    def __init__(self, ledger: Ledger, vault: Vault, clock: Clock) -> None:
        self.ledger, self.vault, self.clock = ledger, vault, clock
        self.process = secrets.token_hex(8)

    def sealed(self, place: Place, tokens: Tokens) -> bytes:
        """Tokens as a row holds them."""
        return self.vault.seal(tokens.as_json(), str(place))

    def opened(self, place: Place, kept: Kept) -> Tokens | None:
        """The tokens of a row; None of one that was disconnected.

        Raises:
            SealedElsewhere: this process does not have the key.
        """
        if kept.sealed == rows.GONE:
            return None
        return Tokens.from_json(self.vault.open(kept.sealed, str(place)), kept.version)

    async def read(self, place: Place) -> tuple[Kept | None, Tokens | None]:
        """The row of a place and the tokens in it. Raises: as `opened`."""
        async with self.ledger.read() as reading:
            kept = await rows.find(reading, place)
        return kept, self.opened(place, kept) if kept else None

    async def put(self, transaction: Transaction, place: Place, tokens: Tokens) -> None:
        """Keep tokens in place of whatever was there."""
        await rows.put(transaction, place, self.sealed(place, tokens), tokens.expires_at)

    async def reseal(self) -> int:
        """Seal with the first key what another one sealed, so that the other can be taken away.

        Returns:
            how many were sealed anew; what none of the keys opens stays as it is.
        """
        async with self.ledger.read() as reading:
            found = (await reading.execute(sa.select(credentials))).all()
        done = 0
        for row in found:
            place = Place(row.brand, row.connection, row.name)
            if row.sealed == rows.GONE or self.vault.is_current(row.sealed) or not self.vault.knows(row.sealed):
                continue
            fresh = self.vault.seal(self.vault.open(row.sealed, str(place)), str(place))
            async with self.ledger.write() as transaction:
                done += await rows.reseal(transaction, place, row.sealed, fresh)
        return done


def origin(declared: Authorization) -> str:
    """What tokens were asked for with: for another client or endpoint, or from another first token, they are not."""
    first = declared.refresh_token.get_secret_value() if isinstance(declared, RefreshToken) else ""
    parts = (declared.kind, declared.token_url, declared.client_id, first)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
