"""What stood where for a product at an instant, by whose approval and under which grant: told by the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.flow import places
from syncd.flow.services import Services
from syncd.ledger.among import among
from syncd.ledger.tables.core import asset_grants, decisions, events, grants, listings, people, placements, versions
from syncd.ledger.types import Row

_UP = frozenset({"live", "shown", "withdrawing"})


@dataclass(frozen=True, slots=True)
class WasShown:
    """A version of an asset that stood at a place; `since` is when it came to that state.

    `approved_by`: the people who had approved that version by then; `grants`: ids of those in force then.
    """

    connection: str
    place: str
    asset: str
    version: str
    number: int
    file_name: str
    sha256: str
    state: str
    since: datetime
    approved_by: list[str]
    grants: list[str]


@dataclass(slots=True)
class _Past:
    """What the trail says of one placement up to the instant."""

    state: str = ""
    since: datetime | None = None
    version: str = ""


async def shown(services: Services, sku: str, at: datetime, connection: str | None = None) -> list[WasShown]:
    """What stood at an instant, as far as it had been read back by then.

    Args:
        connection: only there.
    """
    async with services.ledger.read() as reading:
        rows = await _placements(reading, sku, connection)
        past = await _past(reading, [row.id for row in rows], at)
        up = [(row, past[row.id]) for row in rows if row.id in past and past[row.id].state in _UP]
        return [await _told(reading, row, each, at) for row, each in up]


async def _placements(reading: AsyncConnection, sku: str, connection: str | None) -> Sequence[Row]:
    """Every placement there ever was at the product's places."""
    listed = sa.select(listings.c.listing).where(
        listings.c.brand == placements.c.brand, listings.c.connection == placements.c.connection, listings.c.sku == sku
    )
    here = sa.or_(placements.c.listing.in_(listed), placements.c.listing == places.place(places.LINK, sku))
    query = sa.select(placements).where(here).order_by(placements.c.connection, placements.c.listing, placements.c.id)
    return (await reading.execute(query.where(placements.c.connection == connection) if connection else query)).all()


async def _past(reading: AsyncConnection, identifiers: Sequence[str], at: datetime) -> dict[str, _Past]:
    found: dict[str, _Past] = {}
    rows = await reading.execute(
        sa.select(events.c.subject, events.c.kind, events.c.at, events.c.data)
        .where(among(events.c.subject, identifiers), events.c.kind.startswith("placement."), events.c.at <= at)
        .order_by(events.c.id)
    )
    for row in rows:
        past = found.setdefault(row.subject, _Past())
        past.state, past.since = row.kind.removeprefix("placement."), row.at
        past.version = row.data.get("version") or past.version
    return found


async def _told(reading: AsyncConnection, row: Row, past: _Past, at: datetime) -> WasShown:
    version = past.version or row.version_id
    held: Any = (await reading.execute(sa.select(versions).where(versions.c.id == version))).one()
    said = await reading.execute(
        sa.select(people.c.reference)
        .join(decisions, decisions.c.person_id == people.c.id)
        .where(decisions.c.version_id == version, decisions.c.verdict == "approve", decisions.c.at <= at)
        .order_by(decisions.c.at)
    )
    granted = await reading.execute(
        sa.select(grants.c.id)
        .join(asset_grants, asset_grants.c.grant_id == grants.c.id)
        .where(
            asset_grants.c.asset_id == row.asset_id,
            grants.c.starts <= at,
            sa.or_(grants.c.ends.is_(None), grants.c.ends > at),
            sa.or_(grants.c.revoked_at.is_(None), grants.c.revoked_at > at),
        )
        .order_by(grants.c.id)
    )
    assert past.since is not None
    return WasShown(
        row.connection, places.name_of(row.listing), row.asset_id, version, held.number, held.file_name, held.sha256,
        past.state, past.since, list(said.scalars()), list(granted.scalars()),
    )  # fmt: skip
