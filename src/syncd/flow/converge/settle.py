"""Jobs: calls that a system took and carries out by itself, asked about until they are settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from syncd.engine import operations
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.operations import Job, OpenItem
from syncd.engine.work import Claim, Urgency, touch
from syncd.flow import places
from syncd.flow.converge import answers, findings, placing
from syncd.flow.converge.situation import Lane
from syncd.flow.converge.targets import open_target
from syncd.flow.services import Services
from syncd.flow.touching import SETTLE
from syncd.ledger.store import Transaction
from syncd.sdk.media import Answer, ItemResult

SHORTEST, LONGEST = timedelta(seconds=5), timedelta(minutes=5)
"""Between two questions about one job: a quarter of its age, within these."""
GIVEN_UP = 2
"""After so many times the patience its system declares, nobody waits for a job any longer."""


class SettleHandler(OneByOne):
    """Keys: operations of a connection's lane that the system works on."""

    kind = SETTLE

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async with self.services.ledger.read() as reading:
            job = await operations.job(reading, claim.key)
        if job is None:
            return Outcome(claim)
        lane, age = Lane(claim.brand, claim.lane), self.services.clock.now() - job.prepared_at
        patience = self.services.connections.system_class(claim.lane).job_patience
        if age > GIVEN_UP * patience:
            return Outcome(claim, effects=self._abandon(lane, job, claim.urgency))
        kind = places.kind_of(job.items[0].listing)
        given = await open_target(self.services, kind, claim.lane).settle(
            job.external_id, [item.listing for item in job.items]
        )
        done = {answer.listing: answer for answer in given if answer.answer is not Answer.PENDING}
        finished = all(item.listing in done for item in job.items)
        due_at = None if finished else self.services.clock.now() + min(max(age / 4, SHORTEST), LONGEST)

        async def effects(transaction: Transaction) -> None:
            await self._settle(transaction, lane, job, done, claim.urgency)
            if finished:
                await findings.job_over(transaction, lane, job.operation)
            elif age > patience:
                await findings.job_late(self.services, transaction, lane, job)

        return Outcome(claim, due_at=due_at, urgency=claim.urgency, effects=effects)

    async def _settle(
        self, transaction: Transaction, lane: Lane, job: Job, done: dict[str, ItemResult], urgency: Urgency
    ) -> None:
        """Write what is decided; its listings are read back. What is to be tried again is open no more."""
        for item in job.items:
            answer = done.get(item.listing)
            if answer is None:
                continue
            if answer.answer is Answer.RETRY:
                await self._undo(transaction, lane, job, item, ("retry", answer.message))
            else:
                await answers.record(self.services, transaction, lane, job.operation, item.placements, answer)
        await self._look(transaction, lane, list(done), urgency)

    def _abandon(self, lane: Lane, job: Job, urgency: Urgency) -> Effects:
        """Believe what is seen in the listings."""

        async def effects(transaction: Transaction) -> None:
            for item in job.items:
                await self._undo(transaction, lane, job, item, ("given up", "the job never ended"))
            await findings.job_over(transaction, lane, job.operation)
            await self._look(transaction, lane, [item.listing for item in job.items], urgency)

        return effects

    async def _undo(
        self, transaction: Transaction, lane: Lane, job: Job, item: OpenItem, result: tuple[str, str]
    ) -> None:
        """Settle an item without an answer: what it was to add counts as never sent unless it is seen."""
        await operations.settle_items(transaction, job.operation, {item.listing: result})
        added = item.placements.get("add", [])
        await placing.set_state(transaction, lane.brand, lane.connection, added, "planned")

    async def _look(self, transaction: Transaction, lane: Lane, listings: Sequence[str], urgency: Urgency) -> None:
        await touch(transaction, [places.due(lane.brand, lane.connection, listing, urgency) for listing in listings])
