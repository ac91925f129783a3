"""The exceptions desk: what needs a person is closed by one, or replayed after its cause was mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from syncd.engine.work import Due, touch
from syncd.errors import ConflictError, RejectedError
from syncd.flow.operate.acting import acting
from syncd.flow.people import person_id
from syncd.flow.services import Services
from syncd.flow.show.browse import ExceptionRecord, one
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import exceptions, work
from syncd.ledger.types import Row

CONNECTION = "connection"
"""The kind of exception that stands for all keys of a lane which wait for settings or credentials."""
_PER_TRANSACTION = 500


class AlreadyClosed(ConflictError):
    """Nothing to do; `syncd exceptions` lists the open ones."""

    code = "exception.closed"


class NoSelection(RejectedError):
    """Name at least one selector, or `all`."""

    code = "replay.no-selection"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which exceptions: those that satisfy all that is given.

    `since` (included) to `until` (excluded) is when they were opened; `all` says that nothing else needs to be given.
    """

    brand: str = ""
    kind: str = ""
    code: str = ""
    connection: str = ""
    since: datetime | None = None
    until: datetime | None = None
    all: bool = False
    state: Literal["open", "closed", "all"] = "open"

    @property
    def empty(self) -> bool:
        given = (self.brand, self.kind, self.code, self.connection, self.since, self.until)
        return not (self.all or any(given))

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """As conditions on the exception table."""
        texts = {name: getattr(self, name) for name in ("brand", "kind", "code", "connection")}
        found = [exceptions.c[name] == value for name, value in texts.items() if value]
        if self.since:
            found.append(exceptions.c.opened_at >= self.since)
        if self.until:
            found.append(exceptions.c.opened_at < self.until)
        if self.state != "all":
            closed = exceptions.c.closed_at
            found.append(closed.is_(None) if self.state == "open" else closed.is_not(None))
        return found


async def resolve(services: Services, identifier: str, *, by: str, why: str) -> ExceptionRecord:
    """Close an exception by a person's word and try its work again; if its cause is still there, a new one opens.

    Raises:
        NotFoundError: no such exception. AlreadyClosed: it is not open. UnknownPerson: `by` is nobody.
    """
    known = await one(services, ExceptionRecord, identifier)
    mail = acting(services.configuration.active.bundle, by, known.brand)
    async with services.ledger.write() as transaction:
        closed = await transaction.execute(
            sa.update(exceptions)
            .where(exceptions.c.id == known.id, exceptions.c.closed_at.is_(None))
            .values(closed_at=transaction.now, closed_by=mail, payload={**known.payload, "resolution": why})
            .returning(exceptions.c.id)
        )
        if closed.first() is None:
            raise AlreadyClosed(f"Exception {known.id} was closed by {known.closed_by or 'somebody'}.")
        person = await person_id(transaction, known.brand, mail, mail=mail)
        transaction.record(
            known.brand, "exception.closed", known.subject, kind=known.kind, exception=known.id, by=person
        )
        rows = await transaction.execute(sa.select(exceptions).where(exceptions.c.id == known.id))
        await _replay(transaction, rows.all())
    return await one(services, ExceptionRecord, known.id)


async def replay_one(services: Services, identifier: str) -> int:
    """Make the work behind an exception due now, whatever it waits for; closed ones can be replayed as well.

    Returns:
        how many work keys were made due.

    Raises:
        NotFoundError: no such exception.
    """
    known = await one(services, ExceptionRecord, identifier)
    async with services.ledger.write() as transaction:
        rows = await transaction.execute(sa.select(exceptions).where(exceptions.c.id == known.id))
        return len(await _replay(transaction, rows.all()))


async def replay(services: Services, selection: Selection) -> tuple[int, int]:
    """Make the work behind all selected open exceptions due now.

    Returns:
        how many exceptions, and how many work keys.

    Raises:
        NoSelection: nothing selects.
    """
    if selection.empty:
        raise NoSelection("A replay of everything must say so.")
    last, count, keys = "", 0, set[tuple[str, str, str, str]]()
    while True:
        async with services.ledger.write() as transaction:
            rows = await transaction.execute(
                sa.select(exceptions)
                .where(*selection.conditions(), exceptions.c.id > last)
                .order_by(exceptions.c.id)
                .limit(_PER_TRANSACTION)
            )
            found = rows.all()
            keys |= {(due.brand, due.lane, due.kind, due.key) for due in await _replay(transaction, found)}
        if len(found) < _PER_TRANSACTION:
            return count + len(found), len(keys)
        count, last = count + len(found), found[-1].id


async def _replay(transaction: Transaction, rows: Sequence[Row]) -> list[Due]:
    """Touch each exception's work so that it runs now: the stored item, the facts and the rules are read anew."""
    dues: dict[Due, None] = {}
    for row in rows:
        if row.work_kind:
            dues[Due(row.brand, row.lane, row.work_kind, row.work_key, replay=True)] = None
        if row.kind == CONNECTION:
            dues |= dict.fromkeys(await parked(transaction, row.brand, row.lane))
        transaction.record(row.brand, "exception.replayed", row.subject, kind=row.kind, exception=row.id)
    await touch(transaction, dues)
    return list(dues)


async def parked(transaction: Transaction, brand: str, lane: str) -> list[Due]:
    """The keys of a lane that stopped at the connection's fault; one exception stands for all of them."""
    rows = await transaction.execute(
        sa.select(work.c.kind, work.c.key).where(work.c.brand == brand, work.c.lane == lane, work.c.due_at.is_(None))
    )
    return [Due(brand, lane, row.kind, row.key, replay=True) for row in rows]
