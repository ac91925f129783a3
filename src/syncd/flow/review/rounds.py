"""From checked to approved: a grant that covers the asset, a round of review on its current version, decisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.asset import VersionEvent, VersionStatus
from syncd.domain.delivery import Delivery
from syncd.domain.review import Decision, ReviewStatus, Route, Verdict, outcome
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.flow.people import person_id
from syncd.flow.renditions import intents
from syncd.flow.review import grants
from syncd.flow.review.check import set_status
from syncd.flow.services import Services
from syncd.flow.subject import ROW, facts_for_rules
from syncd.flow.touching import MATCH, RESPOND, REVIEW, touch_assets
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import assets, decisions, people, rounds, submissions, versions
from syncd.ledger.types import Row, new_id
from syncd.mapping.rights import GrantTerms
from syncd.media.blobs import BlobInfo

IMPORTED_ROLE = "imported"


class ReviewHandler(OneByOne):
    """Key: an asset. Gives its current version the grant it has, asks for review, and concludes what was decided."""

    kind = REVIEW
    batch = 32
    parallel = 1

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        async with self.services.ledger.read() as connection:
            row = await _current(connection, claim.key)
        if row is None:
            return Outcome(claim)
        terms = self._terms(row)
        document = (
            await grants.store_document(self.services.blobs, self.services.settings.root, terms) if terms else None
        )
        return Outcome(claim, effects=self._effects(row, terms, document))

    def _terms(self, row: Row) -> GrantTerms | None:
        if not row.facts:
            return None
        rulebook = self.services.configuration.active
        return rulebook.terms_for(facts_for_rules(row, rulebook.bundle))

    def _effects(self, seen: Row, terms: GrantTerms | None, document: BlobInfo | None) -> Effects:
        async def effects(transaction: Transaction) -> None:
            row = await _current(transaction.connection, seen.asset_id)
            if row is None or _judged_by(row) != _judged_by(seen):
                await touch(transaction, [Due(seen.brand, LOCAL, REVIEW, seen.asset_id)])
                return
            await Advance(self.services, transaction, row, terms, document).run()

        return effects


def _judged_by(row: Row) -> tuple[object, ...]:
    """What the rules were asked about; where it changed meanwhile, as when the file was probed, they are asked anew."""
    return row.version_id, row.facts, row.delivery


async def _current(connection: AsyncConnection, asset: str) -> Row | None:
    columns = ROW.add_columns(submissions.c.withdrawn_at.label("submission_withdrawn_at"), assets.c.withdrawn_because)
    return (await connection.execute(columns.where(versions.c.asset_id == asset, versions.c.current))).first()


class Advance:
    """Brings one asset's current version as far as the facts allow, in one transaction."""

    def __init__(
        self,
        services: Services,
        transaction: Transaction,
        row: Row,
        terms: GrantTerms | None,
        document: BlobInfo | None,
    ) -> None:
        self.services, self.transaction, self.row = services, transaction, row
        self.terms, self.document = terms, document
        self.rulebook = services.configuration.active
        self.delivery = Delivery.model_validate(row.delivery)

    async def run(self) -> None:
        zone = self.rulebook.bundle.brands[self.row.brand].zone
        await grants.take_consents(self.transaction, self.row, self.delivery, zone)
        if self.terms:
            await grants.grant(self.transaction, self.row, self.terms, zone, self.document)
        withdrawn = await self._follow_withdrawal()
        urgency = Urgency.TAKEDOWN if withdrawn else Urgency.PUBLISH
        if not withdrawn:
            await self._advance()
        await touch_assets(self.transaction, self.rulebook.bundle, self.row.brand, [self.row.asset_id], urgency)
        await touch(
            self.transaction, [Due(self.row.brand, self.row.connection, RESPOND, self.row.submission_id, urgency)]
        )

    async def _follow_withdrawal(self) -> bool:
        """Take the asset back, or up again, as its submission was; returns whether it is withdrawn."""
        because = self.row.withdrawn_because
        late = self.row.status != VersionStatus.WITHDRAWN  # a version that came after the withdrawal
        if self.row.submission_withdrawn_at and (late or not self.row.withdrawn_at):
            await withdraw_asset(self.transaction, self.row, because or "submission")
            return True
        if because == "submission" and not self.row.submission_withdrawn_at:
            values = {"withdrawn_at": None, "withdrawn_because": ""}
            await self.transaction.execute(sa.update(assets).where(assets.c.id == self.row.asset_id).values(**values))
            if self.row.status == VersionStatus.WITHDRAWN:
                await self._set(VersionEvent.TAKE_UP)
            return False
        return self.row.withdrawn_at is not None

    async def _set(self, event: VersionEvent, **data: Any) -> None:
        await set_status(self.transaction, self.row, event, **data)
        refreshed = await _current(self.transaction.connection, self.row.asset_id)
        assert refreshed is not None
        self.row = refreshed

    async def _advance(self) -> None:
        if not self.row.facts or self.row.status in (VersionStatus.REJECTED, VersionStatus.CHANGES):
            return
        if not await self._covered() or not await self._fits():
            return
        if self.row.status in (VersionStatus.RECEIVED, VersionStatus.HELD):
            await self._ask()
        if self.row.status == VersionStatus.IN_REVIEW:
            await self._conclude()
        if self.row.status == VersionStatus.APPROVED:
            await touch(self.transaction, [Due(self.row.brand, LOCAL, MATCH, self.row.asset_id)])

    async def _covered(self) -> bool:
        """No grant, no pass."""
        found = await grants.grants_of(self.transaction.connection, [self.row.asset_id], self.rulebook.bundle)
        if found.get(self.row.asset_id):
            await close_exceptions(
                self.transaction, self.row.brand, by="grant", kind="no-grant", subjects=[self.row.asset_id]
            )
            return True
        if self.row.status == VersionStatus.RECEIVED:
            await self._set(VersionEvent.HOLD, reason="no-grant")
        await open_exception(
            self.transaction,
            Opening(
                brand=self.row.brand, kind="no-grant", code="rights.no-grant", subject=self.row.asset_id,
                connection=self.row.connection, owner=self.row.owner,
                reason=f"No rule in mappings/rights.yaml grants the use of {self.row.file_name}.",
                remedy="Add a rule that covers it (`syncd case ASSET` shows its facts), then `syncd replay EXCEPTION`.",
                lane=LOCAL, work_kind=REVIEW, work_key=self.row.asset_id,
            ),
        )  # fmt: skip
        return False

    async def _fits(self) -> bool:
        """Nobody looks at what no channel takes: it stays held until a spec or the file changes."""
        targets, _ = await intents.load(self.transaction.connection, self.rulebook, [self.row.version_id])
        channels = [t for t in targets.get(self.row.version_id, ()) if t.spec != intents.LIBRARY_COPY]
        if not channels or not all(target.refusal for target in channels):
            return True
        if self.row.status == VersionStatus.RECEIVED:
            await self._set(VersionEvent.HOLD, reason="no-spec-met")
        return False

    async def _ask(self) -> None:
        """Open the round; approvals made elsewhere count where the connection says so."""
        if self._imports_approval():
            await self._import_approval()
            return
        route = self.rulebook.route_for(facts_for_rules(self.row, self.rulebook.bundle))
        if route is None:
            return
        known = await self.transaction.execute(
            sa.select(rounds.c.version_id).where(rounds.c.version_id == self.row.version_id)
        )
        if known.first() is None:
            await self.transaction.execute(
                sa.insert(rounds).values(
                    version_id=self.row.version_id, brand=self.row.brand, route=asdict(route),
                    opened_at=self.transaction.now, outcome="",
                )
            )  # fmt: skip
            self.transaction.record(self.row.brand, "review.opened", self.row.version_id, rule=route.rule)
        await self._set(VersionEvent.ASK)

    def _imports_approval(self) -> bool:
        connection = self.rulebook.bundle.connections.get(self.row.connection)
        return bool(self.delivery.approval and connection and connection.approvals == "import")

    async def _import_approval(self) -> None:
        """Take in an approval made in another system, as a decision that says where it comes from."""
        approval = self.delivery.approval
        assert approval is not None
        await self.transaction.execute(
            sa.insert(decisions).values(
                id=new_id(), brand=self.row.brand, version_id=self.row.version_id,
                person_id=await person_id(self.transaction, self.row.brand, approval.by, mail=approval.by),
                role=IMPORTED_ROLE, verdict=Verdict.APPROVE.value, reason="", comment=approval.reference,
                imported_from=self.row.connection, revision=self.rulebook.bundle.revision, at=approval.at,
            )
        )  # fmt: skip
        self.transaction.record(
            self.row.brand, "decision.imported", self.row.version_id, connection=self.row.connection,
            reference=approval.reference, at=approval.at.isoformat(),
        )  # fmt: skip
        await self._approve()

    async def _conclude(self) -> None:
        found = (
            await self.transaction.execute(sa.select(rounds).where(rounds.c.version_id == self.row.version_id))
        ).first()
        if found is None:
            return
        route = route_from(found.route)
        result = outcome(
            route,
            await decisions_on(self.transaction.connection, self.row.version_id),
            self.row.version_id,
            submitter=self.delivery.creator.mail if self.delivery.creator else "",
        )
        if result.status is ReviewStatus.PENDING:
            return
        await self.transaction.execute(
            sa.update(rounds)
            .where(rounds.c.version_id == self.row.version_id)
            .values(closed_at=self.transaction.now, outcome=result.status.value)
        )
        if result.status is ReviewStatus.APPROVED:
            await self._approve()
        else:
            rejected = result.status is ReviewStatus.REJECTED
            await self._set(VersionEvent.REJECT if rejected else VersionEvent.REQUEST_CHANGES)

    async def _approve(self) -> None:
        """Approve this version; the one it replaces is superseded from now on."""
        await self._set(VersionEvent.APPROVE)
        older = await self.transaction.execute(
            sa.update(versions)
            .where(
                versions.c.asset_id == self.row.asset_id,
                versions.c.id != self.row.version_id,
                versions.c.status == VersionStatus.APPROVED.value,
            )
            .values(status=VersionStatus.SUPERSEDED.value)
            .returning(versions.c.id)
        )
        for old in older.all():
            self.transaction.record(self.row.brand, "version.superseded", old.id, by=self.row.version_id)


def route_from(stored: dict[str, Any]) -> Route:
    """A route as a round keeps it."""
    return Route(
        ask=tuple(stored["ask"]),
        people={role: tuple(mails) for role, mails in stored["people"].items()},
        approver=stored["approver"],
        rule=stored["rule"],
        location=stored["location"],
    )


async def decisions_on(connection: AsyncConnection, version: str) -> list[Decision]:
    """The decisions on one version, in the order they were made."""
    rows = await connection.execute(
        sa.select(decisions.c.verdict, people.c.reference)
        .join(people, people.c.id == decisions.c.person_id)
        .where(decisions.c.version_id == version)
        .order_by(decisions.c.at, decisions.c.id)
    )
    return [Decision(row.reference, Verdict(row.verdict), version) for row in rows]


async def withdraw_asset(transaction: Transaction, row: Row, because: str) -> None:
    """Take an asset back: its approved and current versions are withdrawn, whoever asked."""
    await transaction.execute(
        sa.update(assets)
        .where(assets.c.id == row.asset_id)
        .values(withdrawn_at=transaction.now, withdrawn_because=because)
    )
    changed = await transaction.execute(
        sa.update(versions)
        .where(
            versions.c.asset_id == row.asset_id,
            sa.or_(versions.c.current, versions.c.status == VersionStatus.APPROVED.value),
            versions.c.status.not_in((VersionStatus.SUPERSEDED.value, VersionStatus.WITHDRAWN.value)),
        )
        .values(status=VersionStatus.WITHDRAWN.value)
        .returning(versions.c.id)
    )
    await close_exceptions(transaction, row.brand, by="withdrawal", kind="no-grant", subjects=[row.asset_id])
    for version in changed.all():
        transaction.record(row.brand, "version.withdrawn", version.id, asset=row.asset_id, because=because)
