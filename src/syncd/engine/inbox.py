"""The inbox: acknowledged is what is committed, many requests in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from syncd.clock import Clock
from syncd.engine import work
from syncd.engine.failure import as_syncd_error
from syncd.engine.work import LOCAL, Due
from syncd.errors import Kind, SyncdError, TransientError
from syncd.ledger.among import among
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import inbox
from syncd.sdk.source import RawItem

GROUP = 256
CAPACITY = 8_192
BUSY_SECONDS = 2


class InboxFull(TransientError):
    """Send it again after the seconds named; nothing was taken in."""

    code = "inbox.full"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An item on its way into the inbox."""

    brand: str
    connection: str
    item: RawItem


async def store(transaction: Transaction, arrivals: Sequence[Arrival]) -> int:
    """Write items into the inbox and make their intake due, in the caller's transaction.

    An item whose vendor-issued id is known is dropped; one without such an id is always kept.

    Returns:
        How many were new.
    """
    if not arrivals:
        return 0
    numbers = await _numbers(transaction, len(arrivals))
    rows = [
        {
            "id": number, "brand": arrival.brand, "connection": arrival.connection,
            "vendor_id": arrival.item.vendor_id, "body": arrival.item.body, "headers": dict(arrival.item.headers),
            "received_at": transaction.now,
        }
        for number, arrival in zip(numbers, arrivals, strict=True)
    ]  # fmt: skip
    written = await transaction.many(_insertion(transaction), rows)
    stored: Sequence[Any] = [(row["id"], row["brand"]) for row in rows]
    if written != len(rows):
        stored = (await transaction.execute(_NEW, {"numbers": numbers})).all()
    await work.touch(transaction, [Due(brand, LOCAL, "intake", str(number)) for number, brand in stored])
    return len(stored)


_LAST = sa.select(sa.func.max(inbox.c.id))
_NEW = sa.select(inbox.c.id, inbox.c.brand).where(among(inbox.c.id, "numbers"))
_INSERTIONS: dict[str, sa.Insert] = {}


def _insertion(transaction: Transaction) -> sa.Insert:
    if transaction.dialect not in _INSERTIONS:
        names = ("id", "brand", "connection", "vendor_id", "body", "headers", "received_at")
        insert = transaction.insert(inbox).values({name: sa.bindparam(name) for name in names})
        conflict = ["brand", "connection", "vendor_id"]
        _INSERTIONS[transaction.dialect] = insert.on_conflict_do_nothing(index_elements=conflict)
    return _INSERTIONS[transaction.dialect]


async def _numbers(transaction: Transaction, count: int) -> list[int]:
    """Ids for new rows: of the sequence, or on SQLite, where nobody else writes meanwhile, those after the last."""
    if transaction.dialect == "postgresql":
        wanted = sa.func.generate_series(1, count).alias()
        rows = await transaction.execute(sa.select(sa.func.nextval("inbox_id_seq")).select_from(wanted))
        return list(rows.scalars())
    last = await transaction.scalar(_LAST) or 0
    return list(range(last + 1, last + 1 + count))


@dataclass(slots=True)
class _Waiting:
    """An arrival, and what becomes of it."""

    arrival: Arrival
    committed: asyncio.Future[None]

    def end(self, error: Exception | None = None) -> None:
        """Tell whoever waits, unless they have gone."""
        if self.committed.done():
            return
        if error is not None:
            self.committed.set_exception(error)
        else:
            self.committed.set_result(None)


class Inbox:
    """Gathers concurrent arrivals and commits them together."""

    def __init__(self, ledger: Ledger, clock: Clock, *, group: int = GROUP, capacity: int = CAPACITY) -> None:
        self.ledger, self.clock = ledger, clock
        self._group, self._capacity = group, capacity
        self._waiting: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self.closing = False

    @property
    def depth(self) -> int:
        """Items nobody has begun to commit."""
        return len(self._waiting)

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write(), name="inbox")

    async def close(self) -> None:
        """Commit what waits, then stop."""
        self.closing = True
        self._some.set()
        if self._writer:
            await self._writer

    async def put(self, arrival: Arrival) -> None:
        """Return when the item is committed.

        Raises:
            InboxFull: too many wait already, or the daemon is stopping; nothing was taken in.
        """
        if len(self._waiting) >= self._capacity or self.closing:
            raise InboxFull("The inbox takes nothing more for a moment.", retry_after=BUSY_SECONDS)
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrival, committed))
        self._some.set()
        await committed

    async def _write(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                await self._commit_waiting()
            if self.closing:
                return

    async def _commit_waiting(self) -> None:
        """Commit what waits at the moment of writing; on SQLite that is some time after it was asked for."""
        group: list[_Waiting] = []

        async def write(transaction: Transaction) -> None:
            if not group:  # else this is run once more
                group.extend(self._next())
            await store(transaction, [one.arrival for one in group])

        try:
            await self.ledger.transact(write)
        except Exception as error:
            await self._fail(group or list(self._next()), as_syncd_error(error))
        else:
            for one in group:
                one.end()

    async def _fail(self, group: Sequence[_Waiting], error: SyncdError) -> None:
        """What cannot be stored must fail alone; where the ledger takes nothing at the moment, all come back later."""
        for one in group:
            if error.kind is Kind.TRANSIENT:
                one.end(error)
            else:
                await self._commit_alone(one)

    async def _commit_alone(self, one: _Waiting) -> None:
        try:
            await self.ledger.transact(lambda transaction: store(transaction, [one.arrival]))
        except Exception as error:
            fault = as_syncd_error(error)
            one.end(fault if fault.kind is Kind.TRANSIENT else error)
        else:
            one.end()

    def _next(self) -> Iterator[_Waiting]:
        """Take what waits, the oldest first. Safe in any thread, as nobody else takes."""
        for _ in range(min(len(self._waiting), self._group)):
            yield self._waiting.popleft()
