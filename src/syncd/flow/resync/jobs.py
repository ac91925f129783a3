"""Accepted requests whose effect takes a while, and how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.errors import NotFoundError
from syncd.flow.services import Services
from syncd.ledger.tables.core import jobs, work
from syncd.ledger.types import Row

State = Literal["marking", "running", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `total` keys were marked, `left` of them are due or being worked on, `failed` wait for a person
    (`syncd exceptions`). A key that was made due again by something else counts as done here.
    """

    id: str
    kind: str
    state: State
    selectors: dict[str, Any]
    principal: str
    dry_run: bool
    total: int
    left: int
    failed: int
    created_at: datetime
    report: dict[str, Any]

    @property
    def done(self) -> int:
        return self.total - self.left - self.failed


async def progress_of(services: Services, identifier: str) -> Progress:
    """How far a job is.

    Raises:
        NotFoundError: no such job.
    """
    async with services.ledger.read() as reading:
        row = (await reading.execute(sa.select(jobs).where(jobs.c.id == identifier))).first()
        if row is None:
            raise NotFoundError(f"There is no job {identifier}.", remedy="`syncd resync …` names the job it makes.")
        left, failed = await _unfinished(reading, row, services.clock.now())
    state: State = "done" if row.dry_run or (row.ceiling and not left) else "running" if row.ceiling else "marking"
    return Progress(
        id=row.id, kind=row.kind, state=state, selectors=row.selectors, principal=row.principal, dry_run=row.dry_run,
        total=row.total, left=left, failed=failed, created_at=row.created_at, report=row.report,
    )  # fmt: skip


async def _unfinished(reading: AsyncConnection, job: Row, now: datetime) -> tuple[int, int]:
    """Keys of a job that are due, held or backing off, and those parked until a person acts."""
    if not job.ceiling:
        return 0, 0
    within = sa.and_(work.c.generation > job.floor, work.c.generation <= job.ceiling)
    busy = sa.or_(work.c.due_at <= now, work.c.claim_token.is_not(None), work.c.error.is_not(None))
    counted = sa.select(sa.func.count()).select_from(work)
    left = await reading.execute(counted.where(within, work.c.due_at.is_not(None), busy))
    failed = await reading.execute(counted.where(within, work.c.due_at.is_(None)))
    return left.scalar_one(), failed.scalar_one()
