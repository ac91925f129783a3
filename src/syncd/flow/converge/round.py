"""Carrying decisions out: prepared and committed, called, answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from syncd.engine import operations
from syncd.engine.failure import as_syncd_error
from syncd.engine.handler import Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.work import Due, touch
from syncd.errors import Kind, TransientError
from syncd.flow import ownership
from syncd.flow.converge import answers
from syncd.flow.converge.placing import Preparation, Writing
from syncd.flow.converge.recording import Recorder
from syncd.flow.converge.situation import Situation
from syncd.flow.converge.targets import open_target
from syncd.flow.converge.turn import Turn
from syncd.flow.places import ROLES
from syncd.flow.services import Services
from syncd.flow.touching import SETTLE
from syncd.ledger.store import Transaction
from syncd.sdk.channel import Settles
from syncd.sdk.media import Answer, ItemResult

FIRST_LOOK = timedelta(seconds=5)
"""How soon a job is asked about for the first time."""
JOB_AHEAD = timedelta(seconds=15)
"""How long a listing waits that would need one job more than the system works on at a time."""
_ONE_TO_BLAME = frozenset({Kind.REJECTED, Kind.NOT_FOUND, Kind.CONFLICT, Kind.BUG})
"""A call refused for one of its listings; whichever it is, the others need not wait for it."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A recorded call about to be made: its operation and, for each listing, its turn and what is written there."""

    operation: str
    turns: Sequence[Turn]
    writings: Sequence[Writing]


class Round:
    """Carries out one run's decisions: prepare, call, record."""

    def __init__(self, services: Services, lanes: Lanes, kind: str, facts: Situation, turns: list[Turn]) -> None:
        self.services, self.lanes, self.kind = services, lanes, kind
        self.facts, self.turns = facts, turns
        self._recorder = Recorder(services, kind, facts)
        self._target = open_target(services, kind, facts.connection)

    async def finish(self) -> list[Outcome]:
        writing = [turn for turn in self.turns if turn.decision.step.write_needed and turn.can_be_written]
        keys = {turn.claim.key for turn in writing}
        settled = [
            Outcome(turn.claim, effects=self._recorder.effects(turn), **self._recorder.next(turn))
            for turn in self.turns
            if turn.claim.key not in keys
        ]
        if not writing:
            return settled
        return settled + await self._write(writing)

    async def _write(self, turns: list[Turn]) -> list[Outcome]:
        """Write in calls of the size the system takes; one that fails does not keep the others back."""
        system = self.services.connections.system_class(self.facts.connection)
        await ownership.require(self.services, self.facts.brand, self.facts.connection, ROLES[self.kind])
        outcomes: list[Outcome] = []
        for start in range(0, len(turns), system.max_batch):
            part = turns[start : start + system.max_batch]
            if issubclass(system, Settles) and await self._open_jobs() >= system.max_open:
                outcomes += [self._later(turn) for turn in part]
            else:
                outcomes += await self._call(part, system.call_deadline)
        return outcomes

    async def _open_jobs(self) -> int:
        async with self.services.ledger.read() as reading:
            return await operations.open_jobs(reading, self.facts.connection)

    def _later(self, turn: Turn) -> Outcome:
        return Outcome(turn.claim, due_at=self.services.clock.now() + JOB_AHEAD, urgency=turn.claim.urgency)

    async def _call(self, turns: Sequence[Turn], deadline: float) -> list[Outcome]:
        if not self.lanes.may_call(self.facts.connection, deadline):
            late = TransientError(f"The lease of {self.facts.connection} is too short for another call.")
            return [Outcome(turn.claim, error=late) for turn in turns]
        return await self._apply(await self._prepare(turns))

    async def _prepare(self, turns: Sequence[Turn]) -> _Prepared:
        """Commit the operation and its placements before anything is called."""
        async with self.services.ledger.write() as transaction:
            for turn in turns:
                await self._recorder.record_seen(transaction, turn)
            preparation = Preparation(transaction, self.facts, self.services.connections.public_url)
            writings = [await preparation.prepare(turn.place, turn.decision) for turn in turns]
            return await _operation(transaction, turns, writings)

    async def _apply(self, call: _Prepared) -> list[Outcome]:
        try:
            given = await self._target.apply([writing.change for writing in call.writings])
        except Exception as error:
            if len(call.turns) > 1 and as_syncd_error(error).kind in _ONE_TO_BLAME:
                return await self._bisect(call, str(error))
            return [Outcome(turn.claim, error=error, payload={"operation": call.operation}) for turn in call.turns]
        await self._begin_job(call, given)
        by_place = {answer.listing: answer for answer in given}
        return [
            self._answered(turn, writing, call.operation, by_place.get(turn.claim.key))
            for turn, writing in zip(call.turns, call.writings, strict=True)
        ]

    async def _bisect(self, call: _Prepared, why: str) -> list[Outcome]:
        """Make two calls of one that was refused as a whole, until the listing is alone that it was refused for."""
        middle = len(call.turns) // 2
        async with self.services.ledger.write() as transaction:
            undone = {turn.claim.key: ("bisected", why) for turn in call.turns}
            await operations.settle_items(transaction, call.operation, undone)
            halves = [
                await _operation(transaction, call.turns[part], call.writings[part])
                for part in (slice(None, middle), slice(middle, None))
            ]
        return [outcome for half in halves for outcome in await self._apply(half)]

    async def _begin_job(self, call: _Prepared, given: Sequence[ItemResult]) -> None:
        """Commit the system's name for what it works on, before anything else is made of its answer."""
        job = next((answer.job for answer in given if answer.answer is Answer.PENDING), "")
        if not job:
            return
        at = self.services.clock.now() + FIRST_LOOK
        urgency = min(turn.claim.urgency for turn in call.turns)
        async with self.services.ledger.write() as transaction:
            await operations.advance(transaction, call.operation, operations.ACCEPTED, job)
            for answer in given:
                if answer.answer is Answer.PENDING:
                    await answers.name(transaction, self.facts.lane, answer)
            due = Due(self.facts.brand, self.facts.connection, SETTLE, call.operation, urgency, at)
            await touch(transaction, [due])

    def _answered(self, turn: Turn, writing: Writing, operation: str, answer: ItemResult | None) -> Outcome:
        if answer is None:
            lost = TransientError(f"{self.facts.connection} gave no answer for {turn.place.place}.")
            return Outcome(turn.claim, error=lost)
        if answer.answer is Answer.RETRY:
            return Outcome(turn.claim, error=TransientError(answer.message or "The system asks to try again."))
        if answer.answer is Answer.PENDING:
            return Outcome(turn.claim)  # the end of the job makes it due

        async def effects(transaction: Transaction) -> None:
            await answers.record(
                self.services, transaction, self.facts.lane, operation, writing.wish.placements, answer
            )

        return Outcome(turn.claim, due_at=self.services.clock.now(), urgency=turn.claim.urgency, effects=effects)


async def _operation(transaction: Transaction, turns: Sequence[Turn], writings: Sequence[Writing]) -> _Prepared:
    claims, wishes = [turn.claim for turn in turns], [writing.wish for writing in writings]
    operation = await operations.prepare(transaction, claims, wishes, turns[0].place.revision)
    return _Prepared(operation, turns, writings)
