"""People as the ledger knows them: found or made by how a source or a colleague names them."""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa

from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import people
from syncd.ledger.types import new_id


async def person_id(
    transaction: Transaction, brand: str, reference: str, *, name: str = "", mail: str = "", handle: str = ""
) -> str:
    """The id of the person a brand knows under `reference` (a mail address, or a source's own name for them)."""
    known = await transaction.execute(
        sa.select(people.c.id).where(people.c.brand == brand, people.c.reference == reference)
    )
    found = known.scalar_one_or_none()
    if found:
        return str(found)
    identifier, salt = new_id(), secrets.token_hex(16)
    await transaction.execute(
        sa.insert(people).values(
            id=identifier, brand=brand, reference=reference, name=name, mail=mail, handle=handle, salt=salt,
            commitment=hashlib.sha256(f"{salt}:{reference}".encode()).hexdigest(),
        )
    )  # fmt: skip
    return identifier
