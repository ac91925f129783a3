"""Lane leases: one process at a time talks to an account, known by the epoch of its lease."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from syncd.clock import Clock
from syncd.engine.breaker import Breaker
from syncd.engine.limiter import Limiter
from syncd.engine.work import database_time
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import lanes
from syncd.ledger.types import Row
from syncd.sdk.limits import Limit

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
        self._limiters: dict[str, Limiter] = {}
        self._kept: dict[str, _Kept] = {}

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

    def limiter(self, lane: str, limits: Sequence[Limit]) -> Limiter:
        """What keeps the limits of a lane's account in this process, from now on these; it goes on from what the
        last owner kept."""
        limiter = self._limiters.get(lane)
        if limiter is None:
            limiter = self._limiters[lane] = Limiter(lane, self.clock, limits)
            self._hand_over(lane)
        else:
            limiter.declare(limits)
        return limiter

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
        for row in rows:
            self._kept[row.name] = _Kept(row.spent or {}, _life(missing[row.name][1]))
            self._hand_over(row.name)
        return taken

    def _hand_over(self, lane: str) -> None:
        """Let a limiter know what was spent before it was there, once both are."""
        limiter = self._limiters.get(lane)
        if limiter is not None and (kept := self._kept.pop(lane, None)):
            kept.give(limiter, self.clock)

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
                name=lane, brand=brand, owner=self.owner, epoch=1, expires_at=expires, breaker={}, spent={}
            )
            row = (await transaction.execute(insert.returning(lanes))).first()
        return row

    def _lease(self, row: Row, asked_at: float, deadline: float) -> Lease:
        life = _life(deadline)
        return Lease(row.name, row.brand, row.epoch, life, asked_at + life, Breaker.from_state(row.breaker or {}))

    def close(self) -> None:
        """Let no call wait for its turn any longer."""
        for limiter in self._limiters.values():
            limiter.close()

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
            .values(
                expires_at=after(self.ledger, now, lease.life),
                breaker=lease.breaker.state(),
                spent=self._spent(lease.lane, whole=False),
            )
        )

    async def keep_spent(self, lane: str) -> None:
        """Keep what a lane has spent at once: for what is too scarce to be assumed spent by the next owner."""
        lease = self.get(lane)
        if lease is None:
            return
        mine = (lanes.c.name == lane, lanes.c.owner == self.owner, lanes.c.epoch == lease.epoch)
        statement = sa.update(lanes).where(*mine).values(spent=self._spent(lane, whole=False))
        async with self.ledger.write() as transaction:
            await transaction.execute(statement)

    def _spent(self, lane: str, *, whole: bool) -> dict[str, Any]:
        """What the row keeps of a lane's limits; `whole`: nothing is spent after this."""
        limiter = self._limiters.get(lane)
        budgets = limiter.state() if limiter else {}
        return {"at": self.clock.now().isoformat(), "whole": whole, "budgets": budgets} if budgets else {}

    async def release(self, only: Iterable[str] | None = None) -> None:
        """Give leases up at once, so that another process need not wait for them to lapse."""
        names = [lane for lane in (self._leases if only is None else only) if lane in self._leases]
        if not names:
            return
        async with self.ledger.write() as transaction:
            for name in names:
                await transaction.execute(
                    sa.update(lanes)
                    .where(lanes.c.name == name, lanes.c.owner == self.owner)
                    .values(owner="", spent=self._spent(name, whole=True))
                )
        for lane in names:
            self._leases.pop(lane, None)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a lane's row said of its limits when it was taken."""

    spent: Mapping[str, Any]
    life: float

    def give(self, limiter: Limiter, clock: Clock) -> None:
        if not self.spent:
            return
        age = max(0.0, (clock.now() - datetime.fromisoformat(self.spent["at"])).total_seconds())
        unkept = 0.0 if self.spent["whole"] else min(age, self.life) + RENEW_EVERY  # as much may go in one instant
        limiter.restore(self.spent["budgets"], age, unkept)


def _life(deadline: float) -> float:
    return deadline + GRACE


def after(ledger: Ledger, now: sa.ColumnElement[Any], seconds: float) -> Any:
    """The instant so many seconds after what `database_time` gave."""
    if isinstance(now, sa.BindParameter):
        return (ledger.clock.database_now() or ledger.clock.now()) + timedelta(seconds=seconds)
    return now + timedelta(seconds=seconds)
