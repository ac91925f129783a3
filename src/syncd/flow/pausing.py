"""Whether a connection rests: paused as a whole, it is not even read."""

from __future__ import annotations

from syncd.engine.work import Claim
from syncd.flow.services import Services
from syncd.flow.standing import standing_of


async def rests(services: Services, claim: Claim) -> bool:
    """Whether the claim's connection is paused as a whole; it is due again when resumed."""
    async with services.ledger.read() as reading:
        return (await standing_of(reading, claim.brand, claim.lane)).paused == "all"
