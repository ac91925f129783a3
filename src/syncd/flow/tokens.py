"""API tokens as the ledger keeps them: hashed."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from syncd.ledger.store import Ledger
from syncd.ledger.tables import Token
from syncd.ledger.tables.base import table

tokens = table(Token)


class KnownToken(NamedTuple):
    """A token that may be used."""

    digest: str
    name: str
    scope: str


async def find(ledger: Ledger, digest: str) -> KnownToken | None:
    """The token with this digest, unless unknown or revoked."""
    query = sa.select(tokens.c.hash, tokens.c.name, tokens.c.scope).where(
        tokens.c.hash == digest, tokens.c.revoked_at.is_(None)
    )
    async with ledger.read() as reading:
        row = (await reading.execute(query)).first()
    return KnownToken(*row) if row else None


async def register(ledger: Ledger, digest: str, name: str, scope: str) -> None:
    """Let a token be used; one that is known already stays as it is."""
    async with ledger.write() as transaction:
        known = await transaction.execute(sa.select(tokens.c.hash).where(tokens.c.hash == digest))
        if known.first() is None:
            await transaction.execute(
                sa.insert(tokens).values(hash=digest, name=name, scope=scope, created_at=transaction.now)
            )
