"""Opening and closing exceptions: one is open per kind and subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import exceptions
from syncd.ledger.types import new_id


@dataclass(frozen=True, slots=True)
class Opening:
    """An exception to open: who owns it, why, what to type, and the work its replay makes due."""

    brand: str
    kind: str
    code: str
    subject: str
    owner: str
    reason: str
    remedy: str
    connection: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    lane: str = ""
    work_kind: str = ""
    work_key: str = ""


async def open_exception(transaction: Transaction, opening: Opening) -> str:
    """Open an exception, or renew the one already open for this kind and subject.

    Returns:
        The exception's id.
    """
    where = sa.and_(
        exceptions.c.brand == opening.brand,
        exceptions.c.kind == opening.kind,
        exceptions.c.subject == opening.subject,
        exceptions.c.closed_at.is_(None),
    )
    renewed = {"code": opening.code, "reason": opening.reason, "remedy": opening.remedy, "payload": opening.payload}
    known = (await transaction.execute(sa.select(exceptions.c.id, exceptions.c.reason).where(where))).first()
    if known:
        await transaction.execute(sa.update(exceptions).where(where).values(times=exceptions.c.times + 1, **renewed))
        return str(known.id)
    identifier = new_id()
    values = {name: getattr(opening, name) for name in opening.__slots__}
    await transaction.execute(
        sa.insert(exceptions).values(
            id=identifier, opened_at=transaction.now, closed_at=None, closed_by="", times=1, **values
        )
    )
    transaction.record(
        opening.brand, "exception.opened", opening.subject, kind=opening.kind, code=opening.code, exception=identifier
    )
    return identifier


async def close_exceptions(
    transaction: Transaction,
    brand: str,
    *,
    by: str,
    kind: str = "",
    subjects: Sequence[str] = (),
    work: tuple[str, str, str] | None = None,
) -> int:
    """Close the open exceptions of a kind and subjects, or those of one work key (lane, kind, key).

    Returns:
        How many were closed.
    """
    conditions = [exceptions.c.brand == brand, exceptions.c.closed_at.is_(None)]
    if kind:
        conditions.append(exceptions.c.kind == kind)
    if subjects:
        conditions.append(exceptions.c.subject.in_(list(subjects)))
    if work:
        conditions += [
            exceptions.c.lane == work[0],
            exceptions.c.work_kind == work[1],
            exceptions.c.work_key == work[2],
        ]
    closed = await transaction.execute(
        sa.update(exceptions)
        .where(*conditions)
        .values(closed_at=transaction.now, closed_by=by)
        .returning(exceptions.c.id, exceptions.c.subject, exceptions.c.kind)
    )
    rows = closed.all()
    for row in rows:
        transaction.record(brand, "exception.closed", row.subject, kind=row.kind, exception=row.id, by=by)
    return len(rows)
