"""Following a target's changes: asked for now and then, and told by webhooks that are kept subscribed."""

from __future__ import annotations

from datetime import timedelta

import structlog

from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import Claim, Urgency
from syncd.flow.checkpoints import read_checkpoint, write_checkpoint
from syncd.flow.noticing import notice
from syncd.flow.pausing import rests
from syncd.flow.services import Services
from syncd.flow.standing import standing_of
from syncd.flow.touching import SUBSCRIBE, WATCH
from syncd.ledger.store import Transaction
from syncd.sdk.changes import Subscribes, Watches
from syncd.sdk.roles import Role

RENEW_EVERY = timedelta(hours=1)
"""Between two looks whether the vendor still sends its events to us; what was lost meanwhile a sweep finds."""
log = structlog.get_logger("syncd.connection")


class WatchHandler(OneByOne):
    """Keys: roles of a connection's lane whose systems can be asked for changes."""

    kind = WATCH

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        connections = self.services.connections
        config, system = connections.config(claim.lane), connections.system_class(claim.lane)
        again = self.services.clock.now() + system.watch_every
        if claim.key not in config.roles:
            return Outcome(claim)
        if await rests(self.services, claim):
            return Outcome(claim, due_at=again)
        watched, checkpoint = connections.get(claim.lane, Role(claim.key)), f"changes as {claim.key}"
        assert isinstance(watched, Watches)
        since = await read_checkpoint(self.services.ledger, claim.brand, claim.lane, checkpoint)
        async for page in watched.changes(since):
            async with self.services.ledger.write() as transaction:
                await notice(transaction, claim.lane, config, page.changes)
                await write_checkpoint(transaction, claim, checkpoint, page.checkpoint)
        return Outcome(claim, due_at=again)


class SubscribeHandler(OneByOne):
    """Keys: roles of a connection's lane whose systems must be told where to send their events."""

    kind = SUBSCRIBE

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        connections = self.services.connections
        config = connections.config(claim.lane)
        if claim.key not in config.roles:
            return Outcome(claim)
        again = self.services.clock.now() + RENEW_EVERY
        async with self.services.ledger.read() as reading:
            standing = await standing_of(reading, claim.brand, claim.lane)
        if not standing.may_write(config) or standing.paused:
            return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL)
        system = connections.get(claim.lane, Role(claim.key))
        assert isinstance(system, Subscribes)
        mended = await system.subscribe(f"{connections.public_url}/hooks/{claim.lane}")

        async def effects(transaction: Transaction) -> None:
            if mended:
                log.info("subscribed", event_id="connection.subscribed", connection=claim.lane, mended=mended)
                transaction.record(claim.brand, "connection.subscribed", claim.lane, mended=mended)

        return Outcome(claim, due_at=again, urgency=Urgency.BACKFILL, effects=effects)
