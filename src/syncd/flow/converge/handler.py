"""Convergence: what should stand at a place, minus what does, carried out one recorded call at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from syncd.engine.handler import Outcome
from syncd.engine.lanes import Lanes
from syncd.engine.work import Claim
from syncd.flow.converge import loading, placing
from syncd.flow.converge.decision import Judge
from syncd.flow.converge.observe import gallery_rows
from syncd.flow.converge.round import Round
from syncd.flow.converge.situation import Situation
from syncd.flow.converge.targets import Target, open_target
from syncd.flow.converge.turn import Turn
from syncd.flow.places import ROLES
from syncd.flow.services import Services
from syncd.ledger.among import among
from syncd.ledger.tables.core import public_names
from syncd.ledger.types import Row
from syncd.sdk.media import MediaState
from syncd.sdk.system import WriteSafety


class ConvergeHandler:
    """Keys: places of one kind in a connection's lane."""

    def __init__(self, services: Services, lanes: Lanes, kind: str, *, batch: int = 500) -> None:
        self.services, self.lanes = services, lanes
        self.kind, self.batch, self.parallel, self.lingers = kind, batch, 1, True

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        first = claims[0]
        config = self.services.connections.config(first.lane)
        if ROLES[self.kind].value not in config.roles:
            return [Outcome(claim) for claim in claims]
        keys = [claim.key for claim in claims]
        facts = await loading.load(self.services, first.brand, first.lane, keys, count_brake=False)
        resting = self._resting(claims, facts)
        claims = [claim for claim in claims if claim.key not in resting]
        if not claims:
            return list(resting.values())
        return [*resting.values(), *await self._converge(claims, facts)]

    def _resting(self, claims: Sequence[Claim], facts: Situation) -> dict[str, Outcome]:
        """Places about which nothing can be decided yet: a call to them may still take effect."""
        system = self.services.connections.system_class(facts.connection)
        found: dict[str, Outcome] = {}
        for claim in claims:
            item = facts.open_items.get(claim.key)
            if item is None:
                continue
            until = item.prepared_at + system.doubt if system.write_safety is WriteSafety.UNSAFE else facts.now
            if item.underway:  # the end of the job makes it due
                found[claim.key] = Outcome(claim)
            elif until > facts.now:
                found[claim.key] = Outcome(claim, due_at=until, urgency=claim.urgency)
        return found

    async def _converge(self, claims: Sequence[Claim], facts: Situation) -> list[Outcome]:
        turns = await self._decide(claims, facts, fresh=frozenset())
        looking = [turn for turn in turns if self._must_look(turn)]
        if looking:
            turns = await self._look(claims, facts, turns, looking)
        return await Round(self.services, self.lanes, self.kind, facts, turns).finish()

    async def _decide(self, claims: Sequence[Claim], facts: Situation, fresh: frozenset[str]) -> list[Turn]:
        """Decide all places; how far the brake is used up is counted only once it holds something back."""
        turns = self._judge(claims, facts, fresh)
        if facts.brake_left is not None or not any(turn.braked for turn in turns):
            return turns
        async with self.services.ledger.read() as reading:
            facts.brake_left = await loading.brake_left(self.services, reading, facts.brand, facts.connection)
        return self._judge(claims, facts, fresh)

    def _judge(self, claims: Sequence[Claim], facts: Situation, fresh: frozenset[str]) -> list[Turn]:
        judge = Judge(facts, self.services.connections.config(facts.connection))
        return [
            Turn(
                claim,
                facts.places[claim.key],
                judge.decide(facts.places[claim.key], fresh=claim.key in fresh),
                open_item=facts.open_items.get(claim.key),
            )
            for claim in claims
        ]

    def _must_look(self, turn: Turn) -> bool:
        """Whether this place must be observed before anything is decided about it."""
        decision, place = turn.decision, turn.place
        if turn.open_item or decision.step.needs_fresh or place.stale:
            return True
        if any(row.state in ("sent", "accepted", "withdrawing") for row in place.placements):
            return True
        if decision.step.confirms:  # what is live now, or called otherwise, is written down where it was seen
            return True
        return bool(decision.step.write_needed)  # whole-set systems would lose what others added since

    async def _look(
        self, claims: Sequence[Claim], facts: Situation, turns: list[Turn], looking: list[Turn]
    ) -> list[Turn]:
        target = open_target(self.services, self.kind, facts.connection)
        keys = [turn.claim.key for turn in looking]
        observed = {gallery.listing: gallery async for gallery in target.observe(keys)}
        for key, gallery in observed.items():
            place = facts.places[key]
            place.seen, place.exists, place.observed_at = gallery_rows(gallery), gallery.exists, facts.now
            place.market = gallery.market or place.market
        names = sorted({m.name for gallery in observed.values() for m in gallery.media if m.name})
        async with self.services.ledger.read() as reading:
            facts.names |= await loading.renditions_of_names(reading, facts.connection, names)
        _note_refusals(facts, keys)
        _forget_unconfirmed(facts, keys, self.services.connections.patience(facts.connection))
        again = await self._decide(claims, facts, fresh=frozenset(observed))
        await self._verify_gone(target, facts, again)
        return [replace(turn, observed=observed.get(turn.claim.key)) for turn in again]

    async def _verify_gone(self, target: Target, facts: Situation, turns: Sequence[Turn]) -> None:
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
        query = sa.select(public_names.c.name).where(
            among(public_names.c.name, names), public_names.c.withdrawn_at.is_not(None)
        )
        async with self.services.ledger.read() as reading:
            return frozenset(row.name for row in await reading.execute(query))


def _forget_unconfirmed(facts: Situation, keys: Sequence[str], patience: timedelta) -> None:
    """What a call in doubt was to add and is not there counts as never sent; so does what was accepted long ago."""
    for key in keys:
        place = facts.places[key]
        doubtful = key in facts.open_items
        place.placements = [
            _with_state(row, "planned") if (row.state == "sent" and doubtful) or _is_lost(row, facts, patience) else row
            for row in place.placements
        ]


def _is_lost(row: Row, facts: Situation, patience: timedelta) -> bool:
    return bool(row.state == "accepted" and facts.now - row.changed_at > patience)


def _note_refusals(facts: Situation, keys: Sequence[str]) -> None:
    """What a system holds and will never show counts as rejected."""
    for key in keys:
        place = facts.places[key]
        failed = {row.id: item for row, item in facts.recognised(place, "state") if item["state"] == MediaState.FAILED}
        place.refused = {
            row.id: failed[row.id].get("message", "")
            for row in place.placements
            if row.id in failed and row.state != "rejected"
        }
        place.placements = [
            _with_state(row, "rejected") if row.id in place.refused else row for row in place.placements
        ]


def _with_state(row: Row, state: str) -> Any:
    return _Row({**row._mapping, "state": state})


class _Row:
    """A ledger row with a value changed in memory."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self._mapping = values
