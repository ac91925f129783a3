"""Answers the source: its files are safe, and how its submission stands, in words for the creator."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.engine.handler import OneByOne, Outcome
from syncd.engine.work import Claim
from syncd.flow.services import Services
from syncd.flow.touching import RESPOND
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import decisions, exceptions, files, findings, submissions, versions
from syncd.ledger.trail import canonical
from syncd.ledger.types import Row
from syncd.sdk.source import Reason, Stored, SubmissionStatus

_ORDER = ("refused", "rejected", "changes", "held", "received", "in_review", "withdrawn", "superseded", "approved")
_UNGRANTED = "We know of no terms that allow us to show it. Write which terms you accepted."


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
        note = await source.respond(status)
        values = {"answered": answered} | ({} if note is None else {"note": note})

        async def effects(transaction: Transaction) -> None:
            await transaction.execute(sa.update(submissions).where(submissions.c.id == claim.key).values(**values))

        return Outcome(claim, effects=effects)

    async def _facts(self, submission: str) -> tuple[Row | None, Sequence[Row], list[Reason]]:
        async with self.services.ledger.read() as reading:
            found = (await reading.execute(sa.select(submissions).where(submissions.c.id == submission))).first()
            rows = (
                await reading.execute(
                    sa.select(
                        files.c.key, files.c.facts, files.c.state, files.c.reason, files.c.sha256, files.c.version_id,
                        versions.c.asset_id, versions.c.status, versions.c.current,
                    )
                    .outerjoin(versions, versions.c.id == files.c.version_id)
                    .where(files.c.submission_id == submission)
                    .order_by(files.c.sequence, files.c.key)
                )
            ).all()  # fmt: skip
            current = {row.version_id: row for row in rows if row.version_id and row.current}
            reasons = [_refused(row) for row in _newest(rows).values() if row.state == "refused"]
            reasons += await self._found(reading, current)
            reasons += await self._ungranted(reading, current)
            reasons += await self._decided(reading, current)
        return found, rows, reasons

    async def _found(self, reading: AsyncConnection, current: Mapping[str, Row]) -> list[Reason]:
        held = sa.select(findings.c.version_id, findings.c.rule, findings.c.message, findings.c.spec).join(
            versions, versions.c.id == findings.c.version_id
        )
        rows = await reading.execute(
            held.where(
                findings.c.version_id.in_(list(current)),
                findings.c.severity == "refuse",
                versions.c.status.in_(("held", "rejected")),
            ).order_by(findings.c.id)
        )
        said = {}
        for row in rows:
            say, file = f"The file {row.message}" if row.spec else row.message, current[row.version_id].key
            said[file, say] = Reason(row.rule, say, file=file)
        return list(said.values())

    async def _ungranted(self, reading: AsyncConnection, current: Mapping[str, Row]) -> list[Reason]:
        held = {row.asset_id: row.key for row in current.values() if row.status == "held"}
        rows = await reading.execute(
            sa.select(exceptions.c.subject)
            .where(
                exceptions.c.kind == "no-grant", exceptions.c.subject.in_(list(held)), exceptions.c.closed_at.is_(None)
            )
            .order_by(exceptions.c.subject)
        )  # fmt: skip
        return [Reason("no-grant", _UNGRANTED, file=held[row.subject]) for row in rows]

    async def _decided(self, reading: AsyncConnection, current: Mapping[str, Row]) -> list[Reason]:
        reviews = self.services.configuration.active.bundle.reviews
        declared = reviews.reasons if reviews else {}
        rows = await reading.execute(
            sa.select(decisions.c.version_id, decisions.c.reason, decisions.c.comment)
            .where(decisions.c.version_id.in_(list(current)), decisions.c.verdict != "approve")
            .order_by(decisions.c.at)
        )
        return [
            Reason(row.reason, " ".join(filter(None, (declared[row.reason].say, row.comment))),
                   declared[row.reason].fix == "creator", current[row.version_id].key)
            for row in rows
            if row.reason in declared
        ]  # fmt: skip


def _newest(rows: Sequence[Row]) -> dict[str, Row]:
    """The last row of each file: what was refused before a better one came is no reason any more."""
    return {row.key: row for row in rows}


def _refused(row: Row) -> Reason:
    """Why a file was refused: stored as `code: sentence`."""
    code, _, say = row.reason.partition(": ")
    return Reason(code, say, file=row.key)


def _status(submission: Row, rows: Sequence[Row], reasons: Sequence[Reason]) -> SubmissionStatus:
    per_file = {
        key: row.status or ("received" if row.state in ("pending", "stored") else row.state)
        for key, row in _newest(rows).items()
    }
    whole = "withdrawn" if submission.withdrawn_at else next((s for s in _ORDER if s in per_file.values()), "received")
    delivery = Delivery.model_validate(submission.facts)
    return SubmissionStatus(submission.external_id, whole, per_file, reasons, delivery, submission.note)


def _fingerprint(status: SubmissionStatus, stored: Sequence[Stored]) -> str:
    content: list[Any] = [
        status.status,
        dict(status.files),
        [[reason.code, reason.say, reason.fixable, reason.file] for reason in status.reasons],
        sorted([file.file.key, file.sha256] for file in stored),
        status.delivery.reference if status.delivery else "",
    ]
    return hashlib.sha256(canonical(content)).hexdigest()
