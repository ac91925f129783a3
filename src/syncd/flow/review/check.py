"""Checks before people look: what the file is, and whether it fits each channel it is meant for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.domain.asset import VersionEvent, VersionStatus, advance
from syncd.domain.checks import Finding
from syncd.domain.media import MediaFacts
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, touch
from syncd.errors import HostileInput, RejectedError
from syncd.flow.renditions import intents
from syncd.flow.services import Services
from syncd.flow.subject import ROW
from syncd.flow.touching import CHECK, RESPOND, REVIEW
from syncd.ledger.store import Transaction
from syncd.ledger.tables import core
from syncd.ledger.tables.core import assets, findings, versions
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook

_Found = dict[tuple[str, str], list[Finding]]


class CheckHandler(OneByOne):
    """Key: a version. Probes it, checks it against the spec of every channel it is meant for, passes or holds it."""

    kind = CHECK
    batch = 4
    parallel = 2

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async with self.services.ledger.read() as connection:
            row = (await connection.execute(ROW.where(versions.c.id == claim.key))).first()
        if row is None or row.status not in (VersionStatus.RECEIVED, VersionStatus.HELD):
            return Outcome(claim)
        try:
            facts = await self.services.studio.probe(row.sha256, row.file_name)
        except (HostileInput, RejectedError) as error:
            return Outcome(claim, effects=self._refuse(row, error))
        return Outcome(claim, effects=self._judge(row, facts))

    def _refuse(self, row: Row, error: RejectedError) -> Effects:
        async def effects(transaction: Transaction) -> None:
            reason = str(error.data.get("reason") or error.code)
            measured, limit = (str(error.data.get(name, "")) for name in ("measured", "limit"))
            found = Finding(
                rule=reason, measured=measured or row.file_name, limit=limit or "a safe, whole file", message=error.what
            )  # fmt: skip
            await self._write(transaction, row, {("", ""): [found]})
            await set_status(transaction, row, VersionEvent.REJECT, reason=reason)
            await touch(transaction, [Due(row.brand, row.connection, RESPOND, row.submission_id)])

        return effects

    def _judge(self, row: Row, facts: MediaFacts) -> Effects:
        async def effects(transaction: Transaction) -> None:
            rulebook = self.services.configuration.active
            document = facts.model_dump(mode="json")
            await transaction.execute(sa.update(versions).where(versions.c.id == row.version_id).values(facts=document))
            await transaction.execute(sa.update(assets).where(assets.c.id == row.asset_id).values(kind=facts.kind))
            probed = (await transaction.execute(ROW.where(versions.c.id == row.version_id))).one()
            targets, found = intents.intend(probed, rulebook)
            await self._write(transaction, row, found)
            await self._keep_intents(transaction, row, rulebook, targets)
            channels = [target for target in targets if target.spec != intents.LIBRARY_COPY]
            if channels and all(target.refusal for target in channels):
                await set_status(transaction, row, VersionEvent.HOLD, reason="no-spec-met")
            else:
                await touch(transaction, [Due(row.brand, LOCAL, REVIEW, row.asset_id)])
            await touch(transaction, [Due(row.brand, row.connection, RESPOND, row.submission_id)])

        return effects

    async def _write(self, transaction: Transaction, row: Row, found: _Found) -> None:
        await transaction.execute(sa.delete(findings).where(findings.c.version_id == row.version_id))
        rows = [
            {
                "brand": row.brand, "version_id": row.version_id, "connection": connection, "spec": spec,
                "revision": self.services.configuration.active.bundle.revision, **finding.model_dump(),
            }
            for (connection, spec), those in found.items()
            for finding in those
        ]  # fmt: skip
        if rows:
            await transaction.execute(sa.insert(findings), rows)

    async def _keep_intents(
        self, transaction: Transaction, row: Row, rulebook: Rulebook, targets: list[intents.Target]
    ) -> None:
        rows = intents.as_rows(row.brand, rulebook.bundle.revision, {row.version_id: targets})
        await transaction.execute(
            sa.delete(core.intents).where(
                core.intents.c.version_id == row.version_id,
                core.intents.c.revision == rulebook.bundle.revision,
            )
        )
        await transaction.execute(transaction.insert(core.intents).on_conflict_do_nothing(), rows)


async def set_status(transaction: Transaction, row: Row, event: VersionEvent, **data: Any) -> VersionStatus:
    """Move a version on, as the domain allows, and write the event.

    Args:
        row: has `version_id`, `brand`, `asset_id` and `status`.
    """
    before = VersionStatus(row.status)
    after = advance(before, event)
    if after != before:
        values: dict[str, Any] = {"status": after.value}
        if after is VersionStatus.APPROVED:
            values["approved_at"] = transaction.now
        await transaction.execute(sa.update(versions).where(versions.c.id == row.version_id).values(**values))
        transaction.record(row.brand, f"version.{after}", row.version_id, asset=row.asset_id, **data)
    return after
