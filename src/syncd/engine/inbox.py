"""The inbox: acknowledged is what is committed, many requests in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.clock import Clock
from syncd.engine import work
from syncd.engine.work import LOCAL, Due
from syncd.errors import TransientError
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import inbox
from syncd.sdk.roles import RawItem

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
    rows = [
        {
            "brand": arrival.brand,
            "connection": arrival.connection,
            "vendor_id": arrival.item.vendor_id,
            "body": arrival.item.body,
            "headers": dict(arrival.item.headers),
            "received_at": transaction.now,
        }
        for arrival in arrivals
    ]
    statement = (
        transaction.insert(inbox)
        .on_conflict_do_nothing(index_elements=["brand", "connection", "vendor_id"])
        .returning(inbox.c.id, inbox.c.brand)
    )
    stored = (await transaction.execute(statement, rows)).all()
    await work.touch(transaction, [Due(row.brand, LOCAL, "intake", str(row.id)) for row in stored])
    return len(stored)


class Inbox:
    """Gathers concurrent arrivals and commits them together."""

    def __init__(self, ledger: Ledger, clock: Clock, *, group: int = GROUP, capacity: int = CAPACITY) -> None:
        self.ledger, self.clock = ledger, clock
        self._group, self._capacity = group, capacity
        self._waiting: list[tuple[Arrival, asyncio.Future[None]]] = []
        self._some = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self.closing = False

    @property
    def depth(self) -> int:
        """Items not yet committed."""
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
        self._waiting.append((arrival, committed))
        self._some.set()
        await committed

    async def _write(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                group, self._waiting = self._waiting[: self._group], self._waiting[self._group :]
                await self._commit(group)
            if self.closing:
                return

    async def _commit(self, group: list[tuple[Arrival, asyncio.Future[None]]]) -> None:
        try:
            async with self.ledger.write() as transaction:
                await store(transaction, [arrival for arrival, _ in group])
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    await self._commit([one])
                return
            if not group[0][1].done():
                group[0][1].set_exception(error)
            return
        for _, committed in group:
            if not committed.done():
                committed.set_result(None)
