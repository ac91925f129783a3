"""Makes renditions: named by what they are made of, so that each is made once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from syncd.domain.media import MEDIA_TYPES, MediaFacts
from syncd.engine.handler import Effects, Outcome
from syncd.engine.work import Claim
from syncd.errors import NotFoundError, RejectedError
from syncd.flow.renditions.intents import LIBRARY_COPY
from syncd.flow.services import Services
from syncd.flow.subject import ROW, media_facts, rights_metadata
from syncd.flow.touching import RENDER, touch_assets
from syncd.ledger import blobs as blob_rows
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import renditions, versions
from syncd.ledger.types import Row


class RenderHandler:
    """Keys: renditions. Those of one source are made from one decode."""

    kind = RENDER
    batch = 6
    parallel = 2
    lingers = False

    def __init__(self, services: Services) -> None:
        self.services = services

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        by_key = {claim.key: claim for claim in claims}
        async with self.services.ledger.read() as reading:
            rows = (await reading.execute(sa.select(renditions).where(renditions.c.key.in_(by_key)))).all()
            sources = {
                row.version_id: row
                for row in await reading.execute(ROW.where(versions.c.id.in_({r.version_id for r in rows})))
            }
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if not row.sha256:
                groups[row.version_id].append(row)
        open_keys = {row.key for group in groups.values() for row in group}
        made = await asyncio.gather(*(self._group(sources[v], group, by_key) for v, group in groups.items()))
        idle = [Outcome(claim) for key, claim in by_key.items() if key not in open_keys]
        return [outcome for group in made for outcome in group] + idle

    async def _group(self, source: Row, rows: list[Row], claims: dict[str, Claim]) -> list[Outcome]:
        """Make all of one source together; if that fails, each alone, so that each has its own reason."""
        facts = media_facts(source)
        assert facts is not None, "only probed versions have renditions to make"
        try:
            return await self._make(source, facts, rows, claims)
        except RejectedError as error:
            if len(rows) == 1:
                return [Outcome(claims[rows[0].key], effects=self._refuse(source, rows[0], error))]
        except Exception as error:
            if len(rows) == 1:
                return [Outcome(claims[rows[0].key], error=error)]
        return [outcome for row in rows for outcome in await self._group(source, [row], claims)]

    async def _make(self, source: Row, facts: MediaFacts, rows: list[Row], claims: dict[str, Claim]) -> list[Outcome]:
        rights = rights_metadata(source, facts)
        outcomes = []
        copies = [row for row in rows if row.spec == LIBRARY_COPY]
        for row in copies:
            copy = await self.services.studio.library_copy(source.sha256, rights)
            values = {
                "sha256": copy.hash, "size": copy.size, "media_type": MEDIA_TYPES[facts.format],
                "width": facts.width, "height": facts.height,
            }  # fmt: skip
            outcomes.append(Outcome(claims[row.key], effects=self._keep(source, row, values)))
        derived = [row for row in rows if row.spec != LIBRARY_COPY]
        if derived:
            specs = [await self._spec(row) for row in derived]
            for row, made in zip(derived, await self.services.studio.render(source.sha256, specs, rights), strict=True):
                values = {
                    "sha256": made.blob.hash, "size": made.blob.size, "media_type": made.media_type,
                    "width": made.width, "height": made.height,
                }  # fmt: skip
                outcomes.append(Outcome(claims[row.key], effects=self._keep(source, row, values)))
        return outcomes

    async def _spec(self, row: Row) -> Any:
        rulebook = await self.services.configuration.rulebook(row.revision)
        spec = rulebook.bundle.specs.get(row.spec)
        if spec is None:
            raise NotFoundError(f"Revision {row.revision[:8]} has no spec {row.spec}.")
        return spec

    def _keep(self, source: Row, row: Row, values: dict[str, Any]) -> Effects:
        async def effects(transaction: Transaction) -> None:
            await blob_rows.keep(transaction, values["sha256"], values["size"], f"rendition:{row.key}")
            await transaction.execute(
                sa.update(renditions)
                .where(renditions.c.brand == row.brand, renditions.c.key == row.key)
                .values(**values, reason="", made_at=transaction.now)
            )
            transaction.record(row.brand, "rendition.made", row.key, version=row.version_id, spec=row.spec)
            await self._touch(transaction, source)

        return effects

    def _refuse(self, source: Row, row: Row, error: RejectedError) -> Effects:
        async def effects(transaction: Transaction) -> None:
            await transaction.execute(
                sa.update(renditions)
                .where(renditions.c.brand == row.brand, renditions.c.key == row.key)
                .values(reason=error.what)
            )
            transaction.record(row.brand, "rendition.refused", row.key, version=row.version_id, spec=row.spec)
            await self._touch(transaction, source)

        return effects

    async def _touch(self, transaction: Transaction, source: Row) -> None:
        bundle = self.services.configuration.active.bundle
        await touch_assets(transaction, bundle, source.brand, [source.asset_id])
