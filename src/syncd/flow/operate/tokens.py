"""API tokens as the ledger keeps them: hashed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from syncd.errors import NotFoundError
from syncd.ledger.store import Ledger
from syncd.ledger.tables.core import tokens

ID_LENGTH = 12


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


class ListedToken(NamedTuple):
    """A token as an operator sees it: never the secret; `id` is how its digest begins."""

    id: str
    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None


async def listed(ledger: Ledger) -> list[ListedToken]:
    """All tokens, the newest first."""
    query = sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.hash)
    async with ledger.read() as reading:
        rows = (await reading.execute(query)).all()
    return [ListedToken(row.hash[:ID_LENGTH], row.name, row.scope, row.created_at, row.revoked_at) for row in rows]


async def revoke(ledger: Ledger, identifier: str) -> None:
    """Let a token not be used any more.

    Raises:
        NotFoundError: no such token.
    """
    async with ledger.write() as transaction:
        now = sa.literal(transaction.now, tokens.c.revoked_at.type)
        changed = await transaction.execute(
            sa.update(tokens)
            .where(sa.func.substr(tokens.c.hash, 1, ID_LENGTH) == identifier)
            .values(revoked_at=sa.func.coalesce(tokens.c.revoked_at, now))
        )
        if not changed.rowcount:
            raise NotFoundError(f"There is no token {identifier}.", remedy="`syncd token list` names them.")


async def register(ledger: Ledger, digest: str, name: str, scope: str) -> None:
    """Let a token be used; one that is known already stays as it is."""
    async with ledger.write() as transaction:
        known = await transaction.execute(sa.select(tokens.c.hash).where(tokens.c.hash == digest))
        if known.first() is None:
            await transaction.execute(
                sa.insert(tokens).values(hash=digest, name=name, scope=scope, created_at=transaction.now)
            )
