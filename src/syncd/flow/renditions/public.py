"""Media under public names: what stands, or stood, under each."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from syncd.ledger.store import Ledger
from syncd.ledger.tables.core import public_names


class Served(NamedTuple):
    """A file under a public name; withdrawn names are gone for good."""

    sha256: str
    size: int
    media_type: str
    withdrawn: bool


async def find(ledger: Ledger, name: str) -> Served | None:
    """What a public name serves; None for a name that never was."""
    columns = (public_names.c.sha256, public_names.c.size, public_names.c.media_type, public_names.c.withdrawn_at)
    async with ledger.read() as reading:
        row = (await reading.execute(sa.select(*columns).where(public_names.c.name == name))).first()
    return Served(row.sha256, row.size, row.media_type, row.withdrawn_at is not None) if row else None
