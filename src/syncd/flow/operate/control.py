"""What an operator sees of a connection, and does with it: pause, resume, look now, check its login."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.engine.work import Due, Urgency, touch
from syncd.errors import RejectedError
from syncd.flow import places, touching
from syncd.flow.services import Services
from syncd.flow.standing import Standing, set_standing, standings
from syncd.ledger.tables.core import exceptions, lanes, listings
from syncd.ledger.types import Row

Pause = Literal["writes", "all"]
LOOKS = {"source": touching.POLL, "catalog": touching.MIRROR, "channel": touching.OBSERVE}
_PAGE = 1000


class NothingToRead(RejectedError):
    """A library is read when content goes there; `syncd resync --connection NAME` looks at all of it."""

    code = "connection.nothing-to-read"


@dataclass(frozen=True, slots=True)
class Lease:
    """Which process talks to the account, since which epoch, until when unless it renews."""

    owner: str
    epoch: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A connection as it stands.

    `applied_at`: when its first plan was applied, or a later one; `revision` what its content follows ("": the active
    one); `paused`: "" | writes | all, `takedowns_pass`: what is to come down still does; `breaker` is set while the
    system is unavailable.
    """

    name: str
    brand: str
    connector: str
    roles: list[str]
    markets: list[str]
    owner: str
    writes: str
    may_write: bool
    applied_at: datetime | None
    revision: str
    paused: str
    takedowns_pass: bool
    observed_at: datetime | None
    lease: Lease | None
    breaker: dict[str, Any] | None
    exceptions: int


async def list_accounts(services: Services, name: str = "") -> list[Account]:
    """Every connection of the active revision by name, or the one asked for.

    Raises:
        NotFoundError: no such connection.
    """
    if name:
        services.connections.config(name)
    known = services.configuration.active.bundle.connections
    async with services.ledger.read() as reading:
        states = await standings(reading, known)
        leases: dict[str, Row] = {row.name: row for row in await reading.execute(sa.select(lanes))}
        open_ = await _open_exceptions(reading)
    wanted = [name] if name else sorted(known)
    return [_account(services, each, states.get(each, Standing()), leases.get(each), open_) for each in wanted]


async def _open_exceptions(reading: AsyncConnection) -> Mapping[str, int]:
    query = sa.select(exceptions.c.connection, sa.func.count()).where(exceptions.c.closed_at.is_(None))
    return {row[0]: row[1] for row in await reading.execute(query.group_by(exceptions.c.connection))}


def _account(
    services: Services, name: str, state: Standing, lane: Row | None, open_: Mapping[str, int]
) -> Account:  # fmt: skip
    config = services.connections.config(name)
    breaker = dict(lane.breaker) if lane is not None and lane.breaker.get("opened_at") else None
    return Account(
        name=name, brand=config.brand, connector=config.connector, roles=list(config.roles),
        markets=list(config.markets), owner=config.owner, writes=config.writes, may_write=state.may_write(config),
        applied_at=state.applied_at, revision=state.revision, paused=state.paused,
        takedowns_pass=state.takedowns_pass, observed_at=state.observed_at,
        lease=Lease(lane.owner, lane.epoch, lane.expires_at) if lane is not None and lane.owner else None,
        breaker=breaker, exceptions=open_.get(name, 0),
    )  # fmt: skip


async def pause(services: Services, name: str, what: Pause, *, takedowns_pass: bool, principal: str) -> None:
    """Stop writing to a connection, or reading it as well. What a right's end or a withdrawal takes down still goes.

    Args:
        takedowns_pass: with `writes`, every other removal goes on, too.

    Raises:
        NotFoundError: no such connection.
    """
    config = services.connections.config(name)
    async with services.ledger.write() as transaction:
        await set_standing(transaction, config.brand, name, {"paused": what, "takedowns_pass": takedowns_pass})
        transaction.record(
            config.brand, "connection.paused", name, what=what, takedowns_pass=takedowns_pass, by=principal
        )


async def resume(services: Services, name: str, *, principal: str) -> None:
    """Let a connection go on; everything that waited there is due.

    Raises:
        NotFoundError: no such connection.
    """
    config = services.connections.config(name)
    async with services.ledger.write() as transaction:
        await set_standing(transaction, config.brand, name, {"paused": "", "takedowns_pass": True})
        transaction.record(config.brand, "connection.resumed", name, by=principal)
        await touch(transaction, look_keys(config.brand, name, config.roles))
    await _touch_places(services, config.brand, name)


async def poll_now(services: Services, name: str) -> None:
    """Read a source, a catalogue or a channel now, whatever it waits for.

    Raises:
        NotFoundError: no such connection. NothingToRead: it is only a library.
    """
    config = services.connections.config(name)
    keys = look_keys(config.brand, name, config.roles)
    if not keys:
        raise NothingToRead(f"{name} is a library: there is nothing to poll.")
    async with services.ledger.write() as transaction:
        await touch(transaction, keys)


def look_keys(brand: str, name: str, roles: Sequence[str]) -> list[Due]:
    """The keys that read a connection."""
    return [Due(brand, name, LOOKS[role], "", Urgency.PUBLISH, replay=True) for role in roles if role in LOOKS]


async def _touch_places(services: Services, brand: str, name: str) -> None:
    last = ""
    while True:
        async with services.ledger.write() as transaction:
            rows = await transaction.execute(
                sa.select(listings.c.listing)
                .where(listings.c.brand == brand, listings.c.connection == name, listings.c.listing > last)
                .order_by(listings.c.listing)
                .limit(_PAGE)
            )
            page = rows.scalars().all()
            await touch(transaction, [places.due(brand, name, listing) for listing in page])
        if len(page) < _PAGE:
            return
        last = page[-1]
