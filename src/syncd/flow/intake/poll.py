"""Polls sources: pages become inbox rows, and each page's checkpoint commits with them."""

from __future__ import annotations

from syncd.engine import inbox
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.inbox import Arrival
from syncd.engine.work import Claim
from syncd.flow import ownership
from syncd.flow.checkpoints import read_checkpoint, write_checkpoint
from syncd.flow.pausing import rests
from syncd.flow.services import Services
from syncd.flow.touching import POLL
from syncd.sdk.roles import Role

CHECKPOINT = "deliveries"


class PollHandler(OneByOne):
    """Key: "" of a source's lane."""

    kind = POLL
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        poll = self.services.connections.config(claim.lane).poll
        if await rests(self.services, claim):
            return Outcome(claim, due_at=self.services.clock.now() + poll)
        await ownership.require(self.services, claim.brand, claim.lane, Role.SOURCE)
        source = self.services.connections.source(claim.lane)
        since = await read_checkpoint(self.services.ledger, claim.brand, claim.lane, CHECKPOINT)
        async for page in source.poll(since):
            async with self.services.ledger.write() as transaction:
                await inbox.store(transaction, [Arrival(claim.brand, claim.lane, item) for item in page.items])
                await write_checkpoint(transaction, claim, CHECKPOINT, page.checkpoint)
        return Outcome(claim, due_at=self.services.clock.now() + poll)
