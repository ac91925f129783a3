"""Lane leases: one process at a time talks to an account, known by the epoch of its lease."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from syncd.clock import Clock
from syncd.engine.breaker import Breaker
from syncd.engine.work import database_time
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import lanes
from syncd.ledger.types import Row

RENEW_EVERY = 1.0
GRACE = 5.0
DEFAULT_CALL_DEADLINE = 10.0


@dataclass
class Lease:
    """A lane this process owns. `until` is monotonic: after it no call may start."""

    lane: str
    brand: str
    epoch: int
    life: float
    until: float
    breaker: Breaker = field(default_factory=Breaker)


class Lanes:
    """Acquires, renews and gives up the leases of this process."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger = ledger
        self.clock = clock
        self.owner = secrets.token_hex(8)
        self._leases: dict[str, Lease] = {}

    def get(self, lane: str) -> Lease | None:
        """The lease of a lane, if it is surely still ours."""
        lease = self._leases.get(lane)
        return lease if lease and self.clock.monotonic() < lease.until else None

    def may_call(self, lane: str, deadline: float) -> bool:
        """Whether a call of at most `deadline` seconds ends before the lease can lapse."""
        lease = self._leases.get(lane)
        return lease is not None and lease.until - self.clock.monotonic() > deadline

    def held(self) -> Mapping[str, Lease]:
        return self._leases

    async def acquire(self, wanted: Mapping[str, tuple[str, float]]) -> list[Lease]:
        """Take what is free of the wanted lanes.

        Args:
            wanted: lane → (brand, longest call in seconds).

        Returns:
            The leases newly taken.
        """
        missing = {lane: spec for lane, spec in wanted.items() if self.get(lane) is None}
        if not missing:
            return []
        asked_at = self.clock.monotonic()
        async with self.ledger.write() as transaction:
            rows = [row for lane, spec in missing.items() if (row := await self._take(transaction, lane, *spec))]
        taken = [self._lease(row, asked_at, missing[row.name][1]) for row in rows]
        self._leases.update({lease.lane: lease for lease in taken})
        return taken

    async def _take(self, transaction: Transaction, lane: str, brand: str, deadline: float) -> Row | None:
        now = database_time(self.ledger)
        free = lanes.c.owner == self.owner if not self.ledger.embedded else sa.true()
        expires = after(self.ledger, now, _life(deadline))
        statement = (
            sa.update(lanes)
            .where(lanes.c.name == lane, sa.or_(lanes.c.expires_at < now, lanes.c.owner == "", free))
            .values(owner=self.owner, epoch=lanes.c.epoch + 1, expires_at=expires)
            .returning(lanes)
        )
        row = (await transaction.execute(statement)).first()
        if row is None and not (await transaction.execute(sa.select(lanes.c.name).where(lanes.c.name == lane))).first():
            insert = sa.insert(lanes).values(
                name=lane, brand=brand, owner=self.owner, epoch=1, expires_at=expires, breaker={}
            )
            row = (await transaction.execute(insert.returning(lanes))).first()
        return row

    def _lease(self, row: Row, asked_at: float, deadline: float) -> Lease:
        life = _life(deadline)
        return Lease(row.name, row.brand, row.epoch, life, asked_at + life, Breaker.from_state(row.breaker or {}))

    async def renew(self) -> list[str]:
        """Extend all leases; returns the lanes that were lost to another process."""
        if not self._leases:
            return []
        asked_at = self.clock.monotonic()
        async with self.ledger.write() as transaction:
            now = database_time(self.ledger)
            kept = {
                lease.lane
                for lease in self._leases.values()
                if (await transaction.execute(self._renewal(lease, now))).rowcount
            }
        lost = [lane for lane in self._leases if lane not in kept]
        for lane in lost:
            del self._leases[lane]
        for lease in self._leases.values():
            lease.until = asked_at + lease.life
        return lost

    def _renewal(self, lease: Lease, now: sa.ColumnElement[Any]) -> sa.Update:
        return (
            sa.update(lanes)
            .where(lanes.c.name == lease.lane, lanes.c.owner == self.owner, lanes.c.epoch == lease.epoch)
            .values(expires_at=after(self.ledger, now, lease.life), breaker=lease.breaker.state())
        )

    async def release(self, only: Iterable[str] | None = None) -> None:
        """Give leases up at once, so that another process need not wait for them to lapse."""
        names = [lane for lane in (self._leases if only is None else only) if lane in self._leases]
        if not names:
            return
        async with self.ledger.write() as transaction:
            await transaction.execute(
                sa.update(lanes).where(lanes.c.name.in_(names), lanes.c.owner == self.owner).values(owner="")
            )
        for lane in names:
            self._leases.pop(lane, None)


def _life(deadline: float) -> float:
    return deadline + GRACE


def after(ledger: Ledger, now: sa.ColumnElement[Any], seconds: float) -> Any:
    """The instant so many seconds after what `database_time` gave."""
    if isinstance(now, sa.BindParameter):
        return (ledger.clock.database_now() or ledger.clock.now()) + timedelta(seconds=seconds)
    return now + timedelta(seconds=seconds)
