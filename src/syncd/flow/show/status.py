"""What the whole daemon is doing, in numbers, and what keeps a connection from working."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.models.connection import Connection
from syncd.engine.breaker import Breaker
from syncd.engine.work import Urgency
from syncd.flow.care import housekeeping
from syncd.flow.services import Services
from syncd.flow.standing import Standing, standings
from syncd.ledger.tables.core import events, exceptions, inbox, lanes, placements, versions, work
from syncd.ledger.types import Row

HORIZONS = (30, 7, 1)
"""Days ahead of which ends of rights are counted."""
OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Ending:
    """Grants that end within so many days, and the live placements that rest on them."""

    days: int
    grants: int
    placements: int
    first: datetime | None


@dataclass(frozen=True, slots=True)
class BrandStatus:
    """One brand: versions by status, open exceptions by kind, content that is up without a right, rights that end."""

    name: str
    versions: dict[str, int]
    exceptions: dict[str, int]
    overdue: int
    ending: list[Ending]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a connection from working: a stable name, its words, since when, what it blocks, what to type."""

    what: str
    why: str
    since: datetime | None
    blocks: str
    type: str


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection: placements by state, keys that are due, and what is in the way."""

    name: str
    brand: str
    connector: str
    roles: list[str]
    writes: str
    placements: dict[str, int]
    due: int
    observed_at: datetime | None
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The oldest work that is due and not done: where, what, since when, and its last failure."""

    lane: str
    kind: str
    key: str
    urgency: str
    due_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one instant. `inbox` is what arrived and is not understood yet; `parked` waits for a person."""

    now: datetime
    revision: str
    brands: list[BrandStatus]
    connections: list[ConnectionStatus]
    inbox: int
    due: int
    parked: int
    oldest: Waiting | None


async def status(services: Services) -> Status:
    """Look at the ledger in one consistent read."""
    bundle, now = services.configuration.active.bundle, services.clock.now()
    async with services.ledger.read() as reading:
        survey = _Survey(services, reading, now)
        await survey.look()
        brands = [await survey.brand(name) for name in bundle.brands]
        connections = [survey.connection(name, config) for name, config in sorted(bundle.connections.items())]
        waiting = await reading.execute(sa.select(sa.func.count()).where(inbox.c.taken_at.is_(None)))
        parked = await reading.execute(sa.select(sa.func.count()).where(work.c.due_at.is_(None)))
        return Status(
            now, bundle.revision, brands, connections, waiting.scalar_one(), sum(survey.due.values()),
            parked.scalar_one(), await survey.oldest(),
        )  # fmt: skip


class _Survey:
    """Counts of one read."""

    def __init__(self, services: Services, reading: AsyncConnection, now: datetime) -> None:
        self.services, self.reading, self.now = services, reading, now
        self.versions: Mapping[str, dict[str, int]] = {}
        self.exceptions: Mapping[str, dict[str, int]] = {}
        self.placements: Mapping[str, dict[str, int]] = {}
        self.due: dict[str, int] = {}
        self.standings: dict[str, Standing] = {}
        self.breakers: dict[str, Breaker] = {}
        self.faults: dict[str, Row] = {}
        self.pauses: dict[str, datetime] = {}

    async def look(self) -> None:
        self.versions = await self._counts(versions.c.brand, versions.c.status, versions.c.current)
        self.exceptions = await self._counts(exceptions.c.brand, exceptions.c.kind, exceptions.c.closed_at.is_(None))
        self.placements = await self._counts(placements.c.connection, placements.c.state, sa.true())
        found = await self.reading.execute(
            sa.select(work.c.lane, sa.func.count()).where(self._is_due()).group_by(work.c.lane)
        )
        self.due = {row[0]: row[1] for row in found}
        self.standings = await standings(self.reading, self.services.configuration.active.bundle.connections)
        rows = await self.reading.execute(sa.select(lanes.c.name, lanes.c.breaker))
        self.breakers = {row.name: Breaker.from_state(row.breaker or {}) for row in rows}
        rows = await self.reading.execute(
            sa.select(exceptions).where(exceptions.c.kind == "connection", exceptions.c.closed_at.is_(None))
        )
        self.faults = {row.connection: row for row in rows}
        await self._read_pauses()

    async def _read_pauses(self) -> None:
        """Since when the paused ones are so, which the trail knows."""
        names = [name for name, standing in self.standings.items() if standing.paused]
        rows = await self.reading.execute(
            sa.select(events.c.subject, sa.func.max(events.c.at))
            .where(events.c.kind == "connection.paused", events.c.subject.in_(names))
            .group_by(events.c.subject)
        )
        self.pauses = {row[0]: row[1] for row in rows}

    def _is_due(self) -> sa.ColumnElement[bool]:
        return work.c.due_at <= self.now

    async def _counts(
        self, of: sa.ColumnElement[str], by: sa.ColumnElement[str], where: sa.ColumnElement[bool]
    ) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = defaultdict(dict)
        rows = await self.reading.execute(
            sa.select(of.label("of"), by.label("by"), sa.func.count().label("number"))
            .where(where).group_by(of, by).order_by(of, by)
        )  # fmt: skip
        for row in rows:
            found[row.of][row.by] = row.number
        return found

    async def brand(self, name: str) -> BrandStatus:
        told = self.exceptions.get(name, {})
        ending = [await self._ending(name, days) for days in HORIZONS]
        return BrandStatus(name, self.versions.get(name, {}), told, told.get(OVERDUE, 0), ending)

    async def _ending(self, brand: str, days: int) -> Ending:
        rows: Sequence[Row] = await housekeeping.ending(self.reading, brand, self.now, timedelta(days=days))
        return Ending(days, len(rows), sum(row.placements for row in rows), rows[0].ends if rows else None)

    async def oldest(self) -> Waiting | None:
        rows = await self.reading.execute(sa.select(work).where(self._is_due()).order_by(work.c.due_at).limit(1))
        row = rows.first()
        if row is None:
            return None
        urgency = Urgency(row.urgency).name.lower()
        return Waiting(row.lane, row.kind, row.key, urgency, row.due_at, row.attempts, row.error or "")

    # --- connections ---------------------------------------------------------------------------------------------

    def connection(self, name: str, config: Connection) -> ConnectionStatus:
        standing = self.standings[name]
        troubles = [t for t in (self._fault(name), self._down(name), self._paused(name, standing)) if t]
        if not set(config.roles) <= {"source"} and (unapplied := self._unapplied(config, standing)):
            troubles.append(unapplied)
        return ConnectionStatus(
            name, config.brand, config.connector, list(config.roles), config.writes, self.placements.get(name, {}),
            self.due.get(name, 0), standing.observed_at, troubles,
        )  # fmt: skip

    def _fault(self, name: str) -> Trouble | None:
        row = self.faults.get(name)
        if row is None:
            return None
        mend = f"syncd connect {name}" if row.payload.get("connect") else f"syncd replay {row.id}"
        return Trouble("stopped", row.reason, row.opened_at, "all its work", mend)

    def _down(self, name: str) -> Trouble | None:
        breaker = self.breakers.get(name)
        if breaker is None or not breaker.is_open:
            return None
        blocks = f"{self.due.get(name, 0):,} keys of work"
        tried = f"; tried again {breaker.probe_at:%H:%M:%S} UTC" if breaker.probe_at else ""
        return Trouble("down", f"{breaker.reason}{tried}", breaker.opened_at, blocks, "nothing: it is tried by itself")

    def _paused(self, name: str, standing: Standing) -> Trouble | None:
        if not standing.paused:
            return None
        passing = standing.paused == "writes" and standing.takedowns_pass
        blocks = "all writes but takedowns" if passing else "all writes but dated takedowns"
        return Trouble(
            "paused", f"{standing.paused} paused by a person", self.pauses.get(name), blocks, f"syncd resume {name}"
        )

    def _unapplied(self, config: Connection, standing: Standing) -> Trouble | None:
        if standing.may_write(config):
            return None
        if config.writes == "off":
            return Trouble("off", "`writes: off` in its file", None, "all writes", "edit the file, then syncd reload")
        return Trouble("unapplied", "its first plan was not applied", None, "all writes", "syncd plan")
