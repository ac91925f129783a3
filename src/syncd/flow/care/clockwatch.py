"""Watches the wall clock: a jump, or a time that is not the database's, is told, holds publishing and inferred
removals, and is accepted only by a person.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from syncd.clock import TrustedClock
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import Claim, Urgency, database_time
from syncd.flow.services import Services
from syncd.ledger import meta
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import exceptions

WATCH = "clock"
WATCH_EVERY = timedelta(seconds=30)


async def compare(ledger: Ledger, clock: TrustedClock) -> None:
    """Compare the machine's time with the database's; SQLite has no time of its own."""
    if not ledger.embedded:
        async with ledger.read() as reading:
            clock.compare((await reading.execute(sa.select(database_time(ledger)))).scalar_one())


class ClockHandler(OneByOne):
    """Key: "" per brand. Opens the exception of a jump, and believes the new time once a person closed it."""

    kind = WATCH

    def __init__(self, services: Services, clock: TrustedClock) -> None:
        self.services, self.clock = services, clock
        self._told: dict[str, str] = {}

    async def one(self, claim: Claim) -> Outcome:
        await compare(self.services.ledger, self.clock)
        if self.clock.stepped and await self._accepted(claim.brand):
            self.clock.accept()

        async def effects(transaction: Transaction) -> None:
            if self.clock.stepped:
                self._told[claim.brand] = await open_exception(transaction, self._opening(claim.brand))
            else:
                self._told.pop(claim.brand, None)
                await close_exceptions(transaction, claim.brand, by="clock", kind="clock", subjects=["clock"])
                await meta.set_value(transaction, meta.LAST_SEEN, transaction.now.isoformat())

        again = self.clock.now() + WATCH_EVERY
        return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL, effects=effects)

    async def _accepted(self, brand: str) -> bool:
        told = self._told.get(brand)
        if told is None:
            return False
        async with self.services.ledger.read() as reading:
            closed = await reading.execute(sa.select(exceptions.c.closed_at).where(exceptions.c.id == told))
            return closed.scalar_one_or_none() is not None

    def _opening(self, brand: str) -> Opening:
        off = self.clock.step or self.clock.apart
        seconds, against = int(off.total_seconds()), "its time" if self.clock.step else "the database's time"
        return Opening(
            brand=brand, kind="clock", code="clock.jumped", subject="clock",
            owner=self.services.owner_of(brand, ""),
            reason=f"The machine's clock is {abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} {against}.",
            remedy="Set the clock right; if it is right now, close this: `syncd exceptions ID --resolve`. "
            "Takedowns go on meanwhile.",
        )  # fmt: skip
