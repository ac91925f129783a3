"""What follows from hearing that something changed in a system: it is looked at, and only what is seen then counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from syncd.config.models.connection import Connection
from syncd.engine.work import Due, Urgency, touch
from syncd.flow import places
from syncd.flow.touching import MIRROR, OBSERVE
from syncd.ledger.among import among
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import listings
from syncd.sdk.changes import Change, Subject
from syncd.sdk.roles import Role

_KINDS = {Subject.LISTING: places.PUBLISH, Subject.PRODUCT: places.LINK, Subject.ASSET: places.ARCHIVE}
_WHOLE = {Subject.LISTING: OBSERVE, Subject.PRODUCT: MIRROR}
"""What reads all of a subject anew: how listings and products come to be known that were not."""


async def notice(transaction: Transaction, name: str, config: Connection, changes: Iterable[Change]) -> None:
    """Have looked at what changed in the system of connection `name`."""
    named: dict[str, None] = {}
    whole: set[str] = set()
    for change in changes:
        if change.subject is Subject.EVERYTHING:
            whole |= set(_WHOLE.values())
            continue
        kind = _KINDS[change.subject]
        if places.ROLES[kind].value in config.roles:
            named[places.place(kind, change.name)] = None
        if change.subject is Subject.PRODUCT:  # its facts, too
            whole.add(MIRROR)
    known = await _stale(transaction, config.brand, name, list(named))
    if any(place.startswith("listing:") for place in named if place not in known):
        whole.add(OBSERVE)
    keys = [places.due(config.brand, name, place, Urgency.PUBLISH) for place in named if place in known]
    await touch(transaction, [*keys, *(Due(config.brand, name, kind, "") for kind in whole if _reads(config, kind))])


def _reads(config: Connection, kind: str) -> bool:
    return (Role.CATALOG if kind == MIRROR else Role.CHANNEL).value in config.roles


async def _stale(transaction: Transaction, brand: str, connection: str, named: Sequence[str]) -> frozenset[str]:
    """Forget what these places were seen to hold; returns those that are known."""
    here = (listings.c.brand == brand, listings.c.connection == connection, among(listings.c.listing, list(named)))
    if not named:
        return frozenset()
    statement = sa.update(listings).where(*here).values(observed_at=None).returning(listings.c.listing)
    return frozenset((await transaction.execute(statement)).scalars())
