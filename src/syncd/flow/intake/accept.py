"""From what arrived to what is known: stored items become submissions, whose files are then collected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from syncd.domain.delivery import Delivery
from syncd.engine.handler import Effects, Outcome
from syncd.engine.work import LOCAL, Claim, Due, Urgency, touch
from syncd.flow.noticing import notice
from syncd.flow.people import person_id
from syncd.flow.services import Services
from syncd.flow.subject import brief_of
from syncd.flow.touching import COLLECT, INTAKE, RESPOND, REVIEW
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import assets, files, inbox, submissions
from syncd.ledger.types import Row, new_id
from syncd.sdk.changes import Change, Hears
from syncd.sdk.roles import Role
from syncd.sdk.source import RawItem, Source

ANSWERED_WITHIN = timedelta(seconds=20)


class IntakeHandler:
    """Key: an inbox row. Understands it and brings its submission up to date, whatever the order of arrival."""

    kind = INTAKE
    batch = 64
    parallel = 1
    lingers = False

    def __init__(self, services: Services) -> None:
        self.services = services

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        by_id = {int(claim.key): claim for claim in claims}
        async with self.services.ledger.read() as connection:
            rows = (await connection.execute(sa.select(inbox).where(inbox.c.id.in_(by_id)).order_by(inbox.c.id))).all()
        found = {row.id for row in rows}
        outcomes = [self._understand(by_id[row.id], row) for row in rows]
        return outcomes + [Outcome(claim) for identifier, claim in by_id.items() if identifier not in found]

    def _understand(self, claim: Claim, row: Row) -> Outcome:
        item = RawItem(row.body, row.vendor_id, row.headers)
        try:
            deliveries, changes = self._received(row.connection, item)
        except Exception as error:
            body = row.body.decode("utf-8", "replace")
            return Outcome(claim, error=error, payload={"connection": row.connection, "body": body, "inbox": row.id})
        return Outcome(claim, effects=self._effects(row, deliveries, changes))

    def _received(self, connection: str, item: RawItem) -> tuple[list[Delivery], list[Change]]:
        """What an item tells each role of its connection: submissions, and changes elsewhere."""
        deliveries: list[Delivery] = []
        changes: list[Change] = []
        for role in self.services.connections.config(connection).roles:
            system = self.services.connections.get(connection, Role(role))
            if role == Role.SOURCE.value:
                deliveries += cast(Source, system).receive(item)
            elif isinstance(system, Hears):
                changes += system.heard(item)
        return deliveries, changes

    def _effects(self, row: Row, deliveries: Sequence[Delivery], changes: Sequence[Change]) -> Effects:
        async def effects(transaction: Transaction) -> None:
            if changes:
                config = self.services.connections.config(row.connection)
                await notice(transaction, row.connection, config, dict.fromkeys(changes))
            for delivery in deliveries:
                await Reception(self.services, transaction, row, delivery).take_in()
            await transaction.execute(sa.update(inbox).where(inbox.c.id == row.id).values(taken_at=transaction.now))

        return effects


class Reception:
    """Takes one statement about one submission into the ledger."""

    def __init__(self, services: Services, transaction: Transaction, row: Row, delivery: Delivery) -> None:
        self.services, self.transaction, self.delivery = services, transaction, delivery
        self.brand, self.connection, self.received_at = row.brand, row.connection, row.received_at
        self.sequence = delivery.sequence if delivery.sequence is not None else row.id

    async def take_in(self) -> None:
        """Newer statements replace older ones; an older one that comes late still brings its files as past versions."""
        known = await self._known()
        if known is None:
            submission = await self._insert()
        else:
            submission = str(known.id)
            if self.sequence > (known.sequence or 0):
                self.delivery = self.delivery.after(Delivery.model_validate(known.facts))
                await self._replace(submission, known)
        await self._expect_files(submission)

    async def _known(self) -> Row | None:
        return (
            await self.transaction.execute(
                sa.select(submissions.c.id, submissions.c.sequence, submissions.c.withdrawn_at, submissions.c.facts)
                .where(
                    submissions.c.brand == self.brand,
                    submissions.c.connection == self.connection,
                    submissions.c.external_id == self.delivery.external_id,
                )
                .with_for_update()
            )
        ).first()

    async def _values(self) -> dict[str, Any]:
        delivery, creator = self.delivery, self.delivery.creator
        brief = brief_of(self.services.configuration.active.bundle, self.brand, delivery.brief)
        return {
            "sequence": self.sequence,
            "brief": brief.name if brief else delivery.brief,
            "campaign": brief.campaign if brief else "",
            "facts": delivery.model_dump(mode="json"),
            "people_shown": delivery.people_shown,
            "withdrawn_at": self.received_at if delivery.withdrawn else None,
            "creator_id": creator
            and await person_id(
                self.transaction, self.brand, creator.mail or f"{self.connection}:{creator.reference}",
                name=creator.name, mail=creator.mail, handle=creator.handle,
            ),
        }  # fmt: skip

    async def _insert(self) -> str:
        identifier = new_id()
        await self.transaction.execute(
            sa.insert(submissions).values(
                id=identifier, brand=self.brand, connection=self.connection, external_id=self.delivery.external_id,
                received_at=self.received_at, answered="", note="", **await self._values(),
            )
        )  # fmt: skip
        self.transaction.record(self.brand, "submission.received", identifier, connection=self.connection)
        return identifier

    async def _replace(self, submission: str, known: Row) -> None:
        values = await self._values()
        await self.transaction.execute(sa.update(submissions).where(submissions.c.id == submission).values(**values))
        withdrawn = values["withdrawn_at"] is not None
        if withdrawn and known.withdrawn_at is None:
            self.transaction.record(self.brand, "submission.withdrawn", submission)
        urgency = Urgency.TAKEDOWN if withdrawn else Urgency.PUBLISH
        owned = await self.transaction.execute(sa.select(assets.c.id).where(assets.c.submission_id == submission))
        keys = [Due(self.brand, LOCAL, REVIEW, row.id, urgency) for row in owned]
        await touch(self.transaction, keys)

    async def _expect_files(self, submission: str) -> None:
        rows = [
            {
                "id": new_id(), "brand": self.brand, "submission_id": submission, "key": file.key,
                "sequence": self.sequence, "facts": file.model_dump(mode="json"), "state": "pending", "reason": "",
                "sha256": "",
            }
            for file in self.delivery.files
        ]  # fmt: skip
        if not rows or self.delivery.withdrawn:
            await touch(self.transaction, [Due(self.brand, self.connection, RESPOND, submission)])
            return
        new = await self.transaction.execute(
            self.transaction.insert(files)
            .on_conflict_do_nothing(index_elements=["submission_id", "key", "sequence"])
            .returning(files.c.id),
            rows,
        )
        due = [Due(self.brand, self.connection, COLLECT, row.id) for row in new.all()]
        if due:  # a file that has come makes the answer due at once; nobody waits long for one that is slow
            latest = self.transaction.now + ANSWERED_WITHIN
            due.append(Due(self.brand, self.connection, RESPOND, submission, at=latest))
        await touch(self.transaction, due)
