"""An engine with a handler that tests steer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa

from syncd.engine.engine import Engine
from syncd.engine.handler import Handler, Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.work import Claim
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables import Event, Work
from syncd.telemetry.metrics import Metrics
from syncd.testing.clock import ManualClock

Answer = Callable[[Claim], Awaitable[Outcome]]


class Probe:
    """A handler that writes one event per key, or answers as a test says."""

    def __init__(self, kind: str = "probe", batch: int = 10, parallel: int = 1, answer: Answer | None = None) -> None:
        self.kind, self.batch, self.parallel, self.lingers = kind, batch, parallel, False
        self.seen: list[Claim] = []
        self.answer = answer

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        self.seen += claims
        if self.answer:
            return [await self.answer(claim) for claim in claims]
        return [Outcome(claim, effects=told(claim)) for claim in claims]


def told(claim: Claim) -> Callable[[Transaction], Awaitable[None]]:
    async def effects(transaction: Transaction) -> None:
        transaction.record(claim.brand, "probe.done", claim.key)

    return effects


def make_engine(ledger: Ledger, clock: ManualClock, *local: Handler, connection: Sequence[Handler] = ()) -> Engine:
    return Engine(
        ledger, clock, Lanes(ledger, clock), local=local, connection=connection,
        owner_of=lambda *_: "dana@acme.example", metrics=Metrics(),
    )  # fmt: skip


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Let the loop run until something holds; real time bounds it, it decides nothing."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.005)


async def count_work(ledger: Ledger) -> int:
    async with ledger.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(Work))).scalar_one())


async def subjects(ledger: Ledger, kind: str = "probe.done") -> list[str]:
    async with ledger.read() as connection:
        rows = await connection.execute(sa.select(Event.subject).where(Event.kind == kind).order_by(Event.id))
        return [row.subject for row in rows]
