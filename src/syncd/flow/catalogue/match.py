"""Which product an approved asset shows: the rules propose, the catalogue knows, the domain decides."""

from __future__ import annotations

from pathlib import PurePosixPath

import sqlalchemy as sa

from syncd.domain.delivery import Delivery
from syncd.domain.match import Candidate, MatchResult, MatchStatus, decide, lookups
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim
from syncd.flow.catalogue import lookup
from syncd.flow.services import Services
from syncd.flow.subject import ROW, facts_for_rules
from syncd.flow.touching import MATCH, touch_assets
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import matches, versions
from syncd.ledger.types import Row

OPEN_KINDS = ("unmatched", "ambiguous", "suggested")
_REMEDY = {
    "unmatched": "Name the product in mappings/match-overrides.csv or mend a rule, `syncd reload`, then replay.",
    "ambiguous": "Choose one in mappings/match-overrides.csv, `syncd reload`, then replay.",
    "suggested": "Confirm it in mappings/match-overrides.csv, `syncd reload`, then replay.",
}


class MatchHandler(OneByOne):
    """Key: an asset. Matches it to its product, or opens the exception a person resolves."""

    kind = MATCH
    batch = 32
    parallel = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        rulebook = self.services.configuration.active
        async with self.services.ledger.read() as connection:
            row = (await connection.execute(ROW.where(versions.c.asset_id == claim.key, versions.c.current))).first()
            if row is None or not row.facts:
                return Outcome(claim)
            candidates = rulebook.candidates(facts_for_rules(row, rulebook.bundle))
            known = await lookup.look_up(connection, row.brand, lookups(candidates))
            found = decide(candidates, known)
            if found.status is MatchStatus.UNMATCHED:
                found = decide(candidates, known, await lookup.near(connection, row.brand, _words(row, candidates)))
        return Outcome(claim, effects=self._effects(row, found))

    def _effects(self, row: Row, found: MatchResult) -> Effects:
        async def effects(transaction: Transaction) -> None:
            changed = await self._store(transaction, row, found)
            await self._tell(transaction, row, found)
            if changed:
                bundle = self.services.configuration.active.bundle
                await touch_assets(transaction, bundle, row.brand, [row.asset_id])

        return effects

    async def _store(self, transaction: Transaction, row: Row, found: MatchResult) -> bool:
        """Replace the asset's match; returns whether the product or its status changed."""
        before = {
            (known.sku, known.status)
            for known in await transaction.execute(
                sa.select(matches.c.sku, matches.c.status).where(matches.c.asset_id == row.asset_id)
            )
        }
        shown = [found.product] if found.product else list(found.suggestions)
        status = "confirmed" if found.product else "suggested"
        after = {(product.sku, status) for product in shown if product}
        if before == after:
            return False
        if before:
            await self._touch_left(transaction, row)
        await transaction.execute(sa.delete(matches).where(matches.c.asset_id == row.asset_id))
        rows = [
            {
                "brand": row.brand, "asset_id": row.asset_id, "sku": product.sku, "status": status, "rule": found.rule,
                "location": found.location, "product_version": product.version, "explanation": list(found.explanation),
                "revision": self.services.configuration.active.bundle.revision, "at": transaction.now,
            }
            for product in shown
            if product
        ]  # fmt: skip
        if rows:
            await transaction.execute(sa.insert(matches), rows)
        transaction.record(
            row.brand, f"match.{found.status}", row.asset_id, rule=found.rule, skus=[product["sku"] for product in rows]
        )
        return True

    async def _touch_left(self, transaction: Transaction, row: Row) -> None:
        """What showed the asset under its old product must be looked at as well."""
        await touch_assets(transaction, self.services.configuration.active.bundle, row.brand, [row.asset_id])

    async def _tell(self, transaction: Transaction, row: Row, found: MatchResult) -> None:
        kind = None if found.status is MatchStatus.CONFIRMED else found.status.value
        for moot in OPEN_KINDS:
            if moot != kind:
                await close_exceptions(transaction, row.brand, by="match", kind=moot, subjects=[row.asset_id])
        if kind is None:
            return
        skus = [product.sku for product in found.suggestions]
        await open_exception(
            transaction,
            Opening(
                brand=row.brand, kind=kind, code=f"match.{kind}", subject=row.asset_id, connection=row.connection,
                owner=row.owner, reason=_reason(row, found), remedy=_REMEDY[kind],
                payload={"suggest": skus, "explanation": list(found.explanation)},
                lane=LOCAL, work_kind=MATCH, work_key=row.asset_id,
            ),
        )  # fmt: skip


def _reason(row: Row, found: MatchResult) -> str:
    skus = ", ".join(product.sku for product in found.suggestions)
    if found.status is MatchStatus.AMBIGUOUS:
        return f"{row.file_name} could show {skus}: {found.rule} finds more than one product."
    if found.status is MatchStatus.SUGGESTED:
        return f"{row.file_name} may show {skus}: {found.rule} only suggests."
    return f"No rule finds the product {row.file_name} shows." + (f" Near are {skus}." if skus else "")


def _words(row: Row, candidates: list[Candidate]) -> list[str]:
    """What could resemble a product's name: the values rules found, the file's and the submission's words."""
    delivery = Delivery.model_validate(row.delivery)
    stem = PurePosixPath(row.file_name).stem
    parts = stem.replace("-", " ").replace("_", " ").split()
    return [*(v for c in candidates for v in c.values), stem, *parts, row.title, *delivery.tags, *delivery.hashtags]
