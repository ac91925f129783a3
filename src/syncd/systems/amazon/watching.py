"""Reads the notifications in the queue, and answers for each only after its change is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from syncd.errors import RejectedError
from syncd.sdk.changes import Change, ChangePage, Subject
from syncd.sdk.context import Context
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.listings import Listings
from syncd.systems.amazon.notifications import Notice, notice_of

if TYPE_CHECKING:
    from syncd.systems.amazon.queue import Message, Queue


class Watch:
    """The notifications of one seller's listings in some marketplaces."""

    def __init__(
        self, context: Context, queue: Queue, listings: Listings, seller: str, marketplaces: Sequence[str]
    ) -> None:
        self._log, self._queue, self._listings = context.log, queue, listings
        self._seller, self._marketplaces = seller, marketplaces

    async def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """Yield what the queue holds until it is empty; the checkpoint is the newest instant that was told of.

        Messages are deleted when the next page is asked for: the one they are in is committed by then. What is left
        undone by a crash in between comes again.
        """
        checkpoint = since
        while messages := await self._queue.receive():
            read = [(message, self._understood(message)) for message in messages]
            mine = [(message, notice) for message, notice in read if notice is not None]
            changes = [change for _, notice in mine for change in await self._changes(notice)]
            checkpoint = max([checkpoint, *(change.at.isoformat() for change in changes if change.at is not None)])
            if mine:
                yield ChangePage(changes, checkpoint)
            await self._queue.delete([message for message, _ in mine])

    def _understood(self, message: Message) -> Notice | None:
        """The notification; None for what is not ours to delete: another seller's, or no notification at all."""
        try:
            notice = notice_of(message.body)
        except RejectedError as error:
            self._log.warning("a message was left in the queue", message=message.id, reason=error.what)
            return None
        if notice.seller not in ("", self._seller):
            self._log.warning("a message was left in the queue", message=message.id, reason="it is another seller's")
            return None
        return notice

    async def _changes(self, notice: Notice) -> Sequence[Change]:
        if notice.asin and notice.marketplace in self._marketplaces:
            query = {"identifiersType": "ASIN", "identifiers": notice.asin}
            found = await self._listings.page(notice.marketplace, query)
            names = [ListingName(item.name.sku, notice.marketplace) for item in found.items]
            return [Change(Subject.LISTING, str(name), at=notice.at) for name in names]
        return notice.changes(self._marketplaces)
