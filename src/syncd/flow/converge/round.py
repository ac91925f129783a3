"""Carrying decisions out: prepared and committed, called, answered."""

from __future__ import annotations

from syncd.engine import operations
from syncd.engine.handler import Outcome
from syncd.engine.lanes import Lanes
from syncd.errors import TransientError
from syncd.flow import ownership
from syncd.flow.converge.placing import Preparation, Writing
from syncd.flow.converge.recording import Recorder
from syncd.flow.converge.situation import Situation
from syncd.flow.converge.targets import open_target
from syncd.flow.converge.turn import Turn
from syncd.flow.places import ROLES
from syncd.flow.services import Services
from syncd.ledger.store import Transaction
from syncd.sdk.media import Answer, ItemResult


class Round:
    """Carries out one run's decisions: prepare, call, record."""

    def __init__(self, services: Services, lanes: Lanes, kind: str, facts: Situation, turns: list[Turn]) -> None:
        self.services, self.lanes, self.kind = services, lanes, kind
        self.facts, self.turns = facts, turns
        self._recorder = Recorder(services, kind, facts)

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
            outcomes += await self._call(turns[start : start + system.max_batch], system.call_deadline)
        return outcomes

    async def _call(self, turns: list[Turn], deadline: float) -> list[Outcome]:
        if not self.lanes.may_call(self.facts.connection, deadline):
            late = TransientError(f"The lease of {self.facts.connection} is too short for another call.")
            return [Outcome(turn.claim, error=late) for turn in turns]
        operation, writings = await self._prepare(turns)
        target = open_target(self.services, self.kind, self.facts.connection)
        try:
            answers = await target.apply([writing.change for writing in writings])
        except Exception as error:
            return [Outcome(turn.claim, error=error, payload={"operation": operation}) for turn in turns]
        by_place = {answer.listing: answer for answer in answers}
        return [
            self._answered(turn, writing, operation, by_place.get(turn.claim.key))
            for turn, writing in zip(turns, writings, strict=True)
        ]

    async def _prepare(self, turns: list[Turn]) -> tuple[str, list[Writing]]:
        """Commit the operation and its placements before anything is called."""
        async with self.services.ledger.write() as transaction:
            for turn in turns:
                await self._recorder.record_seen(transaction, turn)
            preparation = Preparation(transaction, self.facts, self.services.connections.public_url)
            writings = [await preparation.prepare(turn.place, turn.decision) for turn in turns]
            claims = [turn.claim for turn in turns]
            revision = turns[0].place.revision
            operation = await operations.prepare(transaction, claims, [w.wish for w in writings], revision)
        return operation, writings

    def _answered(self, turn: Turn, writing: Writing, operation: str, answer: ItemResult | None) -> Outcome:
        if answer is None:
            lost = TransientError(f"{self.facts.connection} gave no answer for {turn.place.place}.")
            return Outcome(turn.claim, error=lost)
        if answer.answer is Answer.RETRY:
            return Outcome(turn.claim, error=TransientError(answer.message or "The system asks to try again."))

        async def effects(transaction: Transaction) -> None:
            await self._recorder.record_answer(transaction, turn, writing, operation, answer)

        return Outcome(turn.claim, due_at=self.services.clock.now(), urgency=turn.claim.urgency, effects=effects)
