"""What a run leaves in the ledger: observations, states, receipts, missing renditions, what people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from syncd.engine import operations
from syncd.engine.handler import Effects
from syncd.engine.work import LOCAL, Due, Urgency, touch
from syncd.flow.converge import findings, placing
from syncd.flow.converge.observe import write_observation
from syncd.flow.converge.situation import Situation
from syncd.flow.converge.turn import Turn
from syncd.flow.places import ARCHIVE
from syncd.flow.renditions import intents
from syncd.flow.services import Services
from syncd.flow.touching import RENDER, touch_assets
from syncd.ledger.store import Transaction
from syncd.ledger.tables import core
from syncd.ledger.tables.core import listings, placements, renditions
from syncd.sdk.media import Issue

READ_BACK_FIRST = timedelta(seconds=1)
READ_BACK_LONGEST = timedelta(minutes=5)


class Recorder:
    """Records the turns of one run."""

    def __init__(self, services: Services, kind: str, facts: Situation) -> None:
        self.services, self.kind, self.facts = services, kind, facts

    def effects(self, turn: Turn) -> Effects | None:
        """What is to be written about a place that needs no call; None: nothing."""
        step = turn.decision.step
        quiet = not (
            turn.observed or turn.decision.missing or step.confirms or step.gone or turn.decision.overdue
            or turn.place.released or turn.braked
        )  # fmt: skip
        if quiet:
            return None

        async def effects(transaction: Transaction) -> None:
            await self.record_seen(transaction, turn)
            await self._make_missing(transaction, turn)
            await self._tell(transaction, turn)

        return effects

    async def record_seen(self, transaction: Transaction, turn: Turn) -> None:
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
        await self._refused(transaction, turn)
        await self._shown(transaction, turn)
        for confirm in turn.decision.step.confirms:
            if confirm.placed is not None and confirm.placed.cause is None:
                await self._live(transaction, turn, confirm.placed.id, confirm.seen.external_id, confirm.seen.position)
        await self._gone(transaction, turn)
        await findings.unverified(self.services, transaction, self.facts, turn.place, turn.decision)

    async def _refused(self, transaction: Transaction, turn: Turn) -> None:
        """What the system took and will never show: its words become the reason."""
        brand, connection = self.facts.lane
        for identifier, words in turn.place.refused.items():
            await placing.set_state(transaction, brand, connection, [identifier], "rejected")
            await placing.receipt(transaction, brand, identifier, "rejected", words or "the system cannot show it")
        if turn.place.refused:
            said = "; ".join(dict.fromkeys(filter(None, turn.place.refused.values()))) or "it cannot show the media"
            issues = [Issue(words, media=identifier) for identifier, words in turn.place.refused.items()]
            await findings.rejected(self.services, transaction, self.facts.lane, turn.place.place, said, issues)

    async def _shown(self, transaction: Transaction, turn: Turn) -> None:
        """Follow what shoppers see, where the system can tell."""
        for row, item in self.facts.recognised(turn.place, "shown"):
            shown = item["shown"]
            wanted = "shown" if shown else "live"
            if row.state not in ("live", "shown") or row.state == wanted:
                continue
            await placing.set_state(transaction, *self.facts.lane, [row.id], wanted)
            evidence = "shoppers see it" if shown else "it stands in the listing, but shoppers do not see it"
            await placing.receipt(transaction, self.facts.brand, row.id, wanted, evidence)

    async def _live(self, transaction: Transaction, turn: Turn, placement: str, external: str, slot: int) -> None:
        brand, connection = self.facts.brand, self.facts.connection
        row = next(row for row in turn.place.placements if row.id == placement)
        seen = turn.place.seen[slot - 1]
        values: dict[str, Any] = {
            "external_id": external or row.external_id, "slot": slot, "seen_url": seen["url"] or row.seen_url,
        }  # fmt: skip
        if row.live_at is None:
            values["live_at"] = transaction.now
        if row.state in ("live", "shown"):
            await transaction.execute(sa.update(placements).where(placements.c.id == placement).values(**values))
            return
        state = "shown" if seen.get("shown") else "live"
        await placing.set_state(transaction, brand, connection, [placement], state, **values)
        if self.kind == ARCHIVE:  # the catalogue links to it from now on
            await touch_assets(transaction, self.services.configuration.active.bundle, brand, [row.asset_id])
        evidence = f"read back at position {slot}: {seen['url'] or seen['external_id']} {seen['fetched']}".strip()
        await placing.receipt(transaction, brand, placement, state, evidence)

    async def _gone(self, transaction: Transaction, turn: Turn) -> None:
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

    async def _make_missing(self, transaction: Transaction, turn: Turn) -> None:
        """Ask for the renditions this place waits for, and keep what was worked out on the way."""
        wanted: list[dict[str, Any]] = [
            {
                "brand": self.facts.brand, "key": target.rendition, "version_id": asset.version_id,
                "spec": target.spec, "revision": turn.place.revision, "sha256": "", "media_type": "", "width": 0,
                "height": 0, "size": 0, "reason": "",
            }
            for asset, target in turn.decision.missing.values()
        ]  # fmt: skip
        if wanted:
            await transaction.execute(transaction.insert(renditions).on_conflict_do_nothing(), wanted)
            await touch(transaction, [Due(self.facts.brand, LOCAL, RENDER, row["key"]) for row in wanted])
        for revision, fresh in self.facts.fresh_intents.items():
            if rows := intents.as_rows(self.facts.brand, revision, fresh):
                await transaction.execute(transaction.insert(core.intents).on_conflict_do_nothing(), rows)
        self.facts.fresh_intents.clear()

    async def _tell(self, transaction: Transaction, turn: Turn) -> None:
        await findings.overdue(self.services, transaction, self.facts, turn.place, turn.decision)
        await findings.braked(self.services, transaction, self.facts, turn.decision)
        if turn.place.released and not turn.decision.step.write_needed and not turn.decision.step.held:
            await transaction.execute(
                sa.update(listings)
                .where(
                    listings.c.brand == self.facts.brand,
                    listings.c.connection == self.facts.connection,
                    listings.c.listing == turn.place.place,
                )
                .values(released="")
            )

    def next(self, turn: Turn) -> dict[str, Any]:
        """When this place is looked at again, and how urgently."""
        now, step = self.services.clock.now(), turn.decision.step
        pending = [row for row in turn.place.placements if row.state in ("sent", "accepted", "withdrawing")]
        confirmed = {c.placed.id for c in step.confirms if c.placed} | {
            p.id for p in step.gone if p.id in turn.decision.verified
        }
        waiting = [row for row in pending if row.id not in confirmed]
        if waiting and not turn.decision.blocked:
            age = now - max(row.changed_at for row in waiting)
            longest = max(READ_BACK_LONGEST, self.services.connections.patience(self.facts.connection) / 24)
            pause = min(max(age, READ_BACK_FIRST), longest)
            return {"due_at": now + pause, "urgency": turn.claim.urgency}
        if step.confirms and not turn.decision.blocked:
            return {"due_at": now, "urgency": turn.claim.urgency}  # what made way for it may leave now
        urgency = Urgency.TAKEDOWN if turn.decision.next_change else Urgency.PUBLISH
        return {"due_at": turn.decision.next_change, "urgency": urgency}
