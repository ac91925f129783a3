"""Answers the source: its files are safe, and how its submission stands, in words for the creator."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from syncd.domain.delivery import DeliveredFile
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import Claim
from syncd.flow.services import Services
from syncd.flow.touching import RESPOND
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import decisions, files, findings, submissions, versions
from syncd.ledger.trail import canonical
from syncd.ledger.types import Row
from syncd.sdk.source import Reason, Stored, SubmissionStatus

_ORDER = ("refused", "rejected", "changes", "held", "received", "in_review", "withdrawn", "superseded", "approved")


class RespondHandler(OneByOne):
    """Key: a submission. Tells its source what changed since it was last told."""

    kind = RESPOND
    batch = 16

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        submission, rows, reasons = await self._facts(claim.key)
        if submission is None:
            return Outcome(claim)
        source = self.services.connections.source(claim.lane)
        stored = [
            Stored(submission.external_id, DeliveredFile.model_validate(row.facts), row.sha256)
            for row in rows
            if row.state == "stored"
        ]
        status = _status(submission, rows, reasons)
        answered = _fingerprint(status, stored)
        if answered == submission.answered:
            return Outcome(claim)
        if stored:
            await source.stored(stored)
        await source.respond(status)

        async def effects(transaction: Transaction) -> None:
            await transaction.execute(
                sa.update(submissions).where(submissions.c.id == claim.key).values(answered=answered)
            )

        return Outcome(claim, effects=effects)

    async def _facts(self, submission: str) -> tuple[Any, list[Row], list[Reason]]:
        async with self.services.ledger.read() as reading:
            found = (await reading.execute(sa.select(submissions).where(submissions.c.id == submission))).first()
            rows = (
                await reading.execute(
                    sa.select(
                        files.c.key, files.c.facts, files.c.state, files.c.reason, files.c.sha256, files.c.version_id,
                        versions.c.status, versions.c.current,
                    )
                    .outerjoin(versions, versions.c.id == files.c.version_id)
                    .where(files.c.submission_id == submission)
                    .order_by(files.c.sequence, files.c.key)
                )
            ).all()  # fmt: skip
            known = [row.version_id for row in rows if row.version_id and row.current]
            reasons = [Reason("refused", row.reason) for row in rows if row.state == "refused"]
            reasons += await self._found(reading, known) + await self._decided(reading, known)
        return found, list(rows), reasons

    async def _found(self, reading: Any, known: list[str]) -> list[Reason]:
        held = sa.select(findings.c.rule, findings.c.message, findings.c.spec).join(
            versions, versions.c.id == findings.c.version_id
        )
        rows = await reading.execute(
            held.where(
                findings.c.version_id.in_(known),
                findings.c.severity == "refuse",
                versions.c.status.in_(("held", "rejected")),
            ).order_by(findings.c.id)
        )
        said = {row.message: Reason(row.rule, f"The file {row.message}" if row.spec else row.message) for row in rows}
        return list(said.values())

    async def _decided(self, reading: Any, known: list[str]) -> list[Reason]:
        reviews = self.services.configuration.active.bundle.reviews
        declared = reviews.reasons if reviews else {}
        rows = await reading.execute(
            sa.select(decisions.c.reason, decisions.c.comment)
            .where(decisions.c.version_id.in_(known), decisions.c.verdict != "approve")
            .order_by(decisions.c.at)
        )
        return [
            Reason(row.reason, " ".join(filter(None, (declared[row.reason].say, row.comment))),
                   declared[row.reason].fix == "creator")
            for row in rows
            if row.reason in declared
        ]  # fmt: skip


def _status(submission: Any, rows: list[Row], reasons: list[Reason]) -> SubmissionStatus:
    per_file: dict[str, str] = {}
    for row in rows:
        per_file[row.key] = row.status or ("received" if row.state in ("pending", "stored") else row.state)
    whole = "withdrawn" if submission.withdrawn_at else next((s for s in _ORDER if s in per_file.values()), "received")
    return SubmissionStatus(submission.external_id, whole, per_file, reasons)


def _fingerprint(status: SubmissionStatus, stored: list[Stored]) -> str:
    content = [
        status.status,
        dict(status.files),
        [[reason.code, reason.say, reason.fixable] for reason in status.reasons],
        sorted([file.file.key, file.sha256] for file in stored),
    ]
    return hashlib.sha256(canonical(content)).hexdigest()
