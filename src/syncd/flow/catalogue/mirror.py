"""Reads the authoritative catalogue into the mirror, and notices what is no longer in it, slowly and surely."""

from __future__ import annotations

import json

import sqlalchemy as sa

from syncd.domain.product import ProductRecord
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.work import Claim, Urgency
from syncd.flow.catalogue import lookup
from syncd.flow.checkpoints import value_of, write_checkpoint
from syncd.flow.pausing import rests
from syncd.flow.services import Services
from syncd.flow.touching import MIRROR
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import products

CHECKPOINT = "products"
MISSING = "products.missing"
SHRINKS_AT_MOST = 0.2
"""A complete listing that lost more than this share is not believed without a person."""


class MirrorHandler(OneByOne):
    """Key: "" of a catalog's lane. Reads what changed; a complete listing also tells what is gone."""

    kind = MIRROR
    batch = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        name = claim.lane
        connection = self.services.connections.config(name)
        if await rests(self.services, claim):
            return Outcome(claim, due_at=self.services.clock.now() + connection.poll, urgency=Urgency.PUBLISH)
        catalog = self.services.connections.catalog(name)
        since = await self._since(claim)
        records: list[ProductRecord] = []
        problems: list[str] = []
        checkpoint, complete = since, False
        async for page in catalog.products(since):
            records += page.products
            problems += page.problems
            checkpoint, complete = page.checkpoint or checkpoint, page.complete
        again = self.services.clock.now() + connection.poll
        effects = self._effects(claim, records, problems, checkpoint, complete)
        return Outcome(claim, due_at=again, urgency=Urgency.PUBLISH, effects=effects)

    async def _since(self, claim: Claim) -> str:
        """Where to read on; the whole again while something seems to be missing."""
        async with self.services.ledger.read() as reading:
            missing = await value_of(reading, claim.brand, claim.lane, MISSING)
            return "" if missing not in ("", "[]") else await value_of(reading, claim.brand, claim.lane, CHECKPOINT)

    def _effects(
        self, claim: Claim, records: list[ProductRecord], problems: list[str], checkpoint: str, complete: bool
    ) -> Effects:
        async def effects(transaction: Transaction) -> None:
            bundle, name = self.services.configuration.active.bundle, claim.lane
            await lookup.take_in(transaction, bundle, claim.brand, name, records)
            if complete:
                await self._note_missing(transaction, claim, frozenset(record.sku for record in records))
            if records or problems:
                await self._tell(transaction, claim, problems)
            await write_checkpoint(transaction, claim, CHECKPOINT, checkpoint)

        return effects

    async def _tell(self, transaction: Transaction, claim: Claim, problems: list[str]) -> None:
        """Rows that were not understood, with a sample; nothing counts as gone while there are any."""
        subject = f"{claim.lane}/rows"
        if not problems:
            await close_exceptions(transaction, claim.brand, by="listing", kind="catalogue", subjects=[subject])
            return
        opening = Opening(
            brand=claim.brand, kind="catalogue", code="catalogue.rows", subject=subject, connection=claim.lane,
            owner=self.services.owner_of(claim.brand, claim.lane),
            reason=f"{len(problems):,} rows of {claim.lane} were not understood: {problems[0]}",
            remedy="Mend them in the catalogue, or name its columns and values in the connection's options.",
            payload={"problems": problems[:50]}, lane=claim.lane, work_kind=MIRROR, work_key=claim.key,
        )  # fmt: skip
        await open_exception(transaction, opening)

    async def _note_missing(self, transaction: Transaction, claim: Claim, listed: frozenset[str]) -> None:
        """Only what two complete listings in a row lack is gone, and never many at once without a person's word."""
        known = await self._known(transaction, claim)
        missing = known - listed
        stored = await value_of(transaction.connection, claim.brand, claim.lane, MISSING)
        before = frozenset(json.loads(stored or "[]"))
        subject = f"{claim.lane}/products"
        if missing and len(missing) > max(3, SHRINKS_AT_MOST * len(known)):
            await open_exception(transaction, self._shrunk(claim, subject, len(missing), len(known)))
            return
        await close_exceptions(transaction, claim.brand, by="listing", kind="brake", subjects=[subject])
        if gone := missing & before:
            bundle = self.services.configuration.active.bundle
            await lookup.mark_absent(transaction, bundle, claim.brand, sorted(gone))
        await write_checkpoint(transaction, claim, MISSING, json.dumps(sorted(missing - gone)))

    async def _known(self, transaction: Transaction, claim: Claim) -> frozenset[str]:

        rows = await transaction.execute(
            sa.select(products.c.sku).where(
                products.c.brand == claim.brand,
                products.c.connection == claim.lane,
                products.c.absent_since.is_(None),
            )
        )
        return frozenset(row.sku for row in rows)

    def _shrunk(self, claim: Claim, subject: str, missing: int, known: int) -> Opening:
        return Opening(
            brand=claim.brand, kind="brake", code="brake.catalogue", subject=subject, connection=claim.lane,
            owner=self.services.owner_of(claim.brand, claim.lane),
            reason=f"{claim.lane} lists {missing:,} of {known:,} products no more; none of them was taken as gone.",
            remedy="Look at the catalogue. If it is right, remove the products there in smaller steps.",
            lane=claim.lane, work_kind=MIRROR, work_key=claim.key,
        )  # fmt: skip
