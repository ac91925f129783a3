"""Convergence: what should stand at a place, minus what does, carried out one recorded call at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from syncd.domain.step import Hold
from syncd.engine import operations
from syncd.engine.handler import Effects, Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.operations import OpenItem
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.errors import TransientError
from syncd.flow import findings, intents, ownership, placing, situation
from syncd.flow.decision import Decision, Judge
from syncd.flow.observe import gallery_rows, write_observation
from syncd.flow.places import ARCHIVE, ROLES
from syncd.flow.placing import Preparation, Writing
from syncd.flow.services import Services
from syncd.flow.situation import PlaceFacts, Situation
from syncd.flow.targets import Target, open_target
from syncd.flow.touching import RENDER, placements, touch_assets
from syncd.ledger.store import Transaction
from syncd.ledger.types import Row
from syncd.sdk.roles import ItemResult, ObservedGallery
from syncd.sdk.roles import Outcome as Answer

READ_BACK_FIRST = timedelta(seconds=1)
READ_BACK_LONGEST = timedelta(minutes=5)
log = structlog.get_logger("syncd.converge")


@dataclass(slots=True)
class _Turn:
    """One place in this run: its claim, decision, and what was observed now."""

    claim: Claim
    place: PlaceFacts
    decision: Decision
    observed: ObservedGallery | None = None
    open_item: OpenItem | None = None


class ConvergeHandler:
    """Keys: places of one kind in a connection's lane."""

    def __init__(self, services: Services, lanes: Lanes, kind: str, *, batch: int = 500) -> None:
        self.services, self.lanes = services, lanes
        self.kind, self.batch, self.parallel = kind, batch, 1

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        first = claims[0]
        config = self.services.connections.config(first.lane)
        if ROLES[self.kind].value not in config.roles:
            return [Outcome(claim) for claim in claims]
        keys = [claim.key for claim in claims]
        facts = await situation.load(self.services, first.brand, first.lane, keys, count_brake=False)
        turns = await self._decide(claims, facts, fresh=frozenset())
        looking = [turn for turn in turns if self._must_look(turn)]
        if looking:
            turns = await self._look(claims, facts, turns, looking)
        return await Round(self, facts, turns).finish()

    async def _decide(self, claims: Sequence[Claim], facts: Situation, fresh: frozenset[str]) -> list[_Turn]:
        """Decide all places; how far the brake is used up is counted only once it holds something back."""
        turns = self._judge(claims, facts, fresh)
        if facts.brake_left is not None or not any(_braked(turn) for turn in turns):
            return turns
        async with self.services.ledger.read() as reading:
            facts.brake_left = await situation.brake_left(self.services, reading, facts.brand, facts.connection)
        return self._judge(claims, facts, fresh)

    def _judge(self, claims: Sequence[Claim], facts: Situation, fresh: frozenset[str]) -> list[_Turn]:
        judge = Judge(facts, self.services.connections.config(facts.connection))
        return [
            _Turn(
                claim,
                facts.places[claim.key],
                judge.decide(facts.places[claim.key], fresh=claim.key in fresh),
                open_item=facts.open_items.get(claim.key),
            )
            for claim in claims
        ]

    def _must_look(self, turn: _Turn) -> bool:
        """Whether this place must be observed before anything is decided about it."""
        decision, place = turn.decision, turn.place
        if turn.open_item or decision.step.needs_fresh:
            return True
        if any(row.state in ("sent", "accepted", "withdrawing") for row in place.placements):
            return True
        return bool(decision.step.write_needed)  # whole-set systems would lose what others added since

    async def _look(
        self, claims: Sequence[Claim], facts: Situation, turns: list[_Turn], looking: list[_Turn]
    ) -> list[_Turn]:
        target = open_target(self.services, self.kind, facts.connection)
        keys = [turn.claim.key for turn in looking]
        observed = {gallery.listing: gallery async for gallery in target.observe(keys)}
        for key, gallery in observed.items():
            place = facts.places[key]
            place.seen, place.exists, place.observed_at = gallery_rows(gallery), gallery.exists, facts.now
            place.market = gallery.market or place.market
        names = sorted({m.name for gallery in observed.values() for m in gallery.media if m.name})
        async with self.services.ledger.read() as reading:
            facts.names |= await situation.renditions_of_names(reading, facts.connection, names)
        _forget_unconfirmed(facts, keys)
        again = await self._decide(claims, facts, fresh=frozenset(observed))
        await self._verify_gone(target, facts, again)
        return [replace(turn, observed=observed.get(turn.claim.key)) for turn in again]

    async def _verify_gone(self, target: Target, facts: Situation, turns: Sequence[_Turn]) -> None:
        """For what left its listing: look whether its media still answers under the name it was served by."""
        leaving = {
            row.id: (turn, row)
            for turn in turns
            for placed in turn.decision.step.gone
            for row in turn.place.placements
            if row.id == placed.id
        }
        withdrawn = await self._withdrawn([row.name for _, row in leaving.values() if row.name])
        public_url = self.services.connections.public_url
        media = [
            placing.media_of(row, facts.made.get(row.fingerprint), public_url)
            for _, row in leaving.values()
            if not row.name or row.name in withdrawn
        ]
        answering = await target.check_gone(media) if media else {}
        for item in media:
            if item.placement not in answering:
                evidence = f"not listed; {item.url} does not answer any more" if item.url else "not listed any more"
                leaving[item.placement][0].decision.verified[item.placement] = evidence

    async def _withdrawn(self, names: Sequence[str]) -> frozenset[str]:
        found: set[str] = set()
        table = situation.public_names
        async with self.services.ledger.read() as reading:
            for part in situation.parts(names):
                rows = await reading.execute(
                    sa.select(table.c.name).where(table.c.name.in_(part), table.c.withdrawn_at.is_not(None))
                )
                found |= {row.name for row in rows}
        return frozenset(found)


def _forget_unconfirmed(facts: Situation, keys: Sequence[str]) -> None:
    """What a call in doubt was to add and is not there counts as never sent; so does what was accepted long ago."""
    for key in keys:
        place = facts.places[key]
        doubtful = key in facts.open_items
        place.placements = [
            _planned(row) if (row.state == "sent" and doubtful) or _is_lost(row, facts) else row
            for row in place.placements
        ]


def _is_lost(row: Row, facts: Situation) -> bool:
    return bool(row.state == "accepted" and facts.now - row.changed_at > findings.PATIENCE)


def _planned(row: Row) -> Any:
    return _Row({**row._mapping, "state": "planned"})


class _Row:
    """A ledger row with a value changed in memory."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self._mapping = values


class Round:
    """Carries out one run's decisions: prepare, call, record."""

    def __init__(self, handler: ConvergeHandler, facts: Situation, turns: list[_Turn]) -> None:
        self.services, self.lanes, self.kind = handler.services, handler.lanes, handler.kind
        self.facts, self.turns = facts, turns

    async def finish(self) -> list[Outcome]:
        writing = [turn for turn in self.turns if turn.decision.step.write_needed and _exists(turn)]
        keys = {turn.claim.key for turn in writing}
        settled = [
            Outcome(turn.claim, effects=self._effects(turn), **self._next(turn))
            for turn in self.turns
            if turn.claim.key not in keys
        ]
        if not writing:
            return settled
        return settled + await self._write(writing)

    # --- writing -------------------------------------------------------------------------------------------------

    async def _write(self, turns: list[_Turn]) -> list[Outcome]:
        """Write in calls of the size the system takes; one that fails does not keep the others back."""
        system = self.services.connections.system_class(self.facts.connection)
        await ownership.require(self.services, self.facts.brand, self.facts.connection, ROLES[self.kind])
        outcomes: list[Outcome] = []
        for start in range(0, len(turns), system.max_batch):
            outcomes += await self._call(turns[start : start + system.max_batch], system.call_deadline)
        return outcomes

    async def _call(self, turns: list[_Turn], deadline: float) -> list[Outcome]:
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

    async def _prepare(self, turns: list[_Turn]) -> tuple[str, list[Writing]]:
        """Commit the operation and its placements before anything is called."""
        async with self.services.ledger.write() as transaction:
            for turn in turns:
                await self._record_seen(transaction, turn)
            preparation = Preparation(transaction, self.facts, self.services.connections.public_url)
            writings = [await preparation.prepare(turn.place, turn.decision) for turn in turns]
            claims = [turn.claim for turn in turns]
            revision = turns[0].place.revision
            operation = await operations.prepare(transaction, claims, [w.wish for w in writings], revision)
        return operation, writings

    def _answered(self, turn: _Turn, writing: Writing, operation: str, answer: ItemResult | None) -> Outcome:
        if answer is None:
            lost = TransientError(f"{self.facts.connection} gave no answer for {turn.place.place}.")
            return Outcome(turn.claim, error=lost)
        if answer.outcome is Answer.RETRY:
            return Outcome(turn.claim, error=TransientError(answer.message or "The system asks to try again."))

        async def effects(transaction: Transaction) -> None:
            await self._record_answer(transaction, turn, writing, operation, answer)

        return Outcome(turn.claim, due_at=self.services.clock.now(), urgency=turn.claim.urgency, effects=effects)

    async def _record_answer(
        self, transaction: Transaction, turn: _Turn, writing: Writing, operation: str, answer: ItemResult
    ) -> None:
        brand, connection = self.facts.brand, self.facts.connection
        accepted = answer.outcome is Answer.ACCEPTED
        for identifier in writing.added:
            external = answer.external_ids.get(identifier)
            await placing.set_state(
                transaction, brand, connection, [identifier], "accepted" if accepted else "rejected",
                **({"external_id": external} if external else {}),
            )  # fmt: skip
        for identifier in writing.added + writing.removed:
            kind = answer.outcome.value
            await placing.receipt(transaction, brand, identifier, kind, answer.message or kind, operation)
        await operations.settle_items(transaction, operation, {turn.claim.key: (answer.outcome.value, answer.message)})
        if not accepted:
            await findings.rejected(self.services, transaction, self.facts, turn.place, answer.message)

    # --- recording -----------------------------------------------------------------------------------------------

    def _effects(self, turn: _Turn) -> Effects | None:
        step = turn.decision.step
        quiet = not (
            turn.observed or turn.decision.missing or step.confirms or step.gone or turn.decision.overdue
            or turn.place.released or _braked(turn)
        )  # fmt: skip
        if quiet:
            return None

        async def effects(transaction: Transaction) -> None:
            await self._record_seen(transaction, turn)
            await self._make_missing(transaction, turn)
            await self._tell(transaction, turn)

        return effects

    async def _record_seen(self, transaction: Transaction, turn: _Turn) -> None:
        """Write what was observed, and what it proves about placements and calls in doubt."""
        if turn.observed is None:
            return
        brand, connection = self.facts.brand, self.facts.connection
        await write_observation(transaction, brand, connection, turn.observed)
        if turn.open_item:
            await operations.settle_items(
                transaction, turn.open_item.operation, {turn.claim.key: ("observed", "resolved by looking")}
            )
            unsent = [row.id for row in turn.place.placements if row.state == "planned"]
            await placing.set_state(transaction, brand, connection, unsent, "planned")
        for confirm in turn.decision.step.confirms:
            if confirm.placed is not None and confirm.placed.cause is None:
                await self._live(transaction, turn, confirm.placed.id, confirm.seen.external_id, confirm.seen.position)
        await self._gone(transaction, turn)
        await findings.unverified(self.services, transaction, self.facts, turn.place, turn.decision)

    async def _live(self, transaction: Transaction, turn: _Turn, placement: str, external: str, slot: int) -> None:
        brand, connection = self.facts.brand, self.facts.connection
        row = next(row for row in turn.place.placements if row.id == placement)
        values: dict[str, Any] = {"external_id": external or row.external_id, "slot": slot}
        if row.live_at is None:
            values["live_at"] = transaction.now
        if row.state in ("live", "shown"):
            await transaction.execute(sa.update(placements).where(placements.c.id == placement).values(**values))
            return
        await placing.set_state(transaction, brand, connection, [placement], "live", **values)
        seen = turn.place.seen[slot - 1]
        if self.kind == ARCHIVE:  # the catalogue links to it from now on
            await touch_assets(transaction, self.services.configuration.active.bundle, brand, [row.asset_id])
        evidence = f"read back at position {slot}: {seen['url'] or seen['external_id']} {seen['fetched']}".strip()
        await placing.receipt(transaction, brand, placement, "live", evidence)

    async def _gone(self, transaction: Transaction, turn: _Turn) -> None:
        """Close what left its listing: first its public name, then, seen gone there as well, the placement."""
        rows = {row.id: row for row in turn.place.placements}
        for placed in turn.decision.step.gone:
            row = rows.get(placed.id)
            if row is None:
                continue
            nobody = await placing.withdraw_name(transaction, self.facts.connection, row.name, except_for=row.id)
            if row.name and nobody and row.id not in turn.decision.verified:
                continue
            await placing.set_state(
                transaction, self.facts.brand, self.facts.connection, [row.id], "gone", gone_at=transaction.now,
                cause=row.cause or (placed.cause.value if placed.cause else ""),
            )  # fmt: skip
            evidence = turn.decision.verified.get(row.id, "not in the listing when it was read again")
            await placing.receipt(transaction, self.facts.brand, row.id, "gone", evidence)

    async def _make_missing(self, transaction: Transaction, turn: _Turn) -> None:
        """Ask for the renditions this place waits for, and keep what was worked out on the way."""
        insert: Any = postgresql.insert if transaction.dialect == "postgresql" else sqlite.insert
        wanted: list[dict[str, Any]] = [
            {
                "brand": self.facts.brand, "key": target.rendition, "version_id": asset.version_id,
                "spec": target.spec, "revision": turn.place.revision, "sha256": "", "media_type": "", "width": 0,
                "height": 0, "size": 0, "reason": "",
            }
            for asset, target in turn.decision.missing.values()
        ]  # fmt: skip
        if wanted:
            await transaction.execute(insert(situation.renditions).on_conflict_do_nothing(), wanted)
            await touch(transaction, [Due(self.facts.brand, LOCAL, RENDER, row["key"]) for row in wanted])
        for revision, fresh in self.facts.fresh_intents.items():
            if rows := intents.as_rows(self.facts.brand, revision, fresh):
                await transaction.execute(insert(intents.intents).on_conflict_do_nothing(), rows)
        self.facts.fresh_intents.clear()

    async def _tell(self, transaction: Transaction, turn: _Turn) -> None:
        await findings.overdue(self.services, transaction, self.facts, turn.place, turn.decision)
        await findings.braked(self.services, transaction, self.facts, turn.decision)
        if turn.place.released and not turn.decision.step.write_needed and not turn.decision.step.held:
            await transaction.execute(
                sa.update(situation.listings)
                .where(
                    situation.listings.c.brand == self.facts.brand,
                    situation.listings.c.connection == self.facts.connection,
                    situation.listings.c.listing == turn.place.place,
                )
                .values(released="")
            )

    def _next(self, turn: _Turn) -> dict[str, Any]:
        """When this place is looked at again, and how urgently."""
        now, step = self.services.clock.now(), turn.decision.step
        pending = [row for row in turn.place.placements if row.state in ("sent", "accepted", "withdrawing")]
        confirmed = {c.placed.id for c in step.confirms if c.placed} | {
            p.id for p in step.gone if p.id in turn.decision.verified
        }
        waiting = [row for row in pending if row.id not in confirmed]
        if waiting and not turn.decision.blocked:
            age = now - max(row.changed_at for row in waiting)
            pause = min(max(age, READ_BACK_FIRST), READ_BACK_LONGEST)
            return {"due_at": now + pause, "urgency": turn.claim.urgency}
        if step.confirms and not turn.decision.blocked:
            return {"due_at": now, "urgency": turn.claim.urgency}  # what made way for it may leave now
        urgency = Urgency.TAKEDOWN if turn.decision.next_change else Urgency.PUBLISH
        return {"due_at": turn.decision.next_change, "urgency": urgency}


def _braked(turn: _Turn) -> bool:
    return any(held.why is Hold.BRAKE for held in turn.decision.step.held)


def _exists(turn: _Turn) -> bool:
    """A listing that is not there is told about, not written to."""
    return turn.place.exists or not turn.place.place.startswith("listing:")
