"""The mailbox as a source: reads, understands, opens, puts away and answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from email.message import EmailMessage

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.errors import HookRefused, NotFoundError, RejectedError
from syncd.sdk.context import Context
from syncd.sdk.redact import Redactor, secrets_of
from syncd.sdk.roles import HookRequest, RawItem, SourcePage, Stored, SubmissionStatus
from syncd.systems.mailbox import answer, automatic, opening, places, statement, storing
from syncd.systems.mailbox.checkpoint import Checkpoint
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.places import HEAD, Finder, described
from syncd.systems.mailbox.reading import Reader
from syncd.systems.mailbox.sending import Sender

_PAGE = 20  # messages of one page
_REMEMBERED = 1_000  # submissions whose last answer is kept in mind


class MailboxSource:
    """The methods of the role `source`."""

    def __init__(self, context: Context, options: MailboxOptions) -> None:
        self._context, self._options = context, options
        self._redactor = Redactor(secrets_of(options))
        self._sender = Sender(options.smtp, context.root, self._redactor) if options.smtp else None
        self._told: dict[str, str] = {}

    def _imap(self) -> Imap:
        return Imap(self._options.imap, self._context.root, self._redactor)

    def verify(self, request: HookRequest) -> RawItem:
        """Refuses: a mailbox takes no webhooks."""
        raise HookRefused("no-hooks", "A mailbox takes no webhooks.")

    async def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """New mail, folder by folder, oldest first; the checkpoint holds `uidvalidity:uid` of each folder.

        Where a folder has another UIDVALIDITY than before, all of it is read again.
        """
        seen, imap = Checkpoint.read(since), self._imap()
        try:
            await asyncio.to_thread(imap.connect)
            for folder in self._options.folders:
                async for page in self._folder(imap, folder, seen):
                    yield page
            await asyncio.to_thread(imap.close)
        finally:
            imap.drop()

    async def _folder(self, imap: Imap, folder: str, seen: Checkpoint) -> AsyncIterator[SourcePage]:
        await asyncio.to_thread(imap.choose, folder)
        before = seen.text()
        begin = self._context.clock.now() if self._options.begin == "now" else None
        state = seen.of(folder, imap.validity, imap.next, begin)
        reader = Reader(imap, self._options)
        uids = await asyncio.to_thread(imap.after, state.uid)
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            found = await asyncio.to_thread(reader.messages, page, state)
            seen.advance(folder, page[-1])
            yield SourcePage([message.to_item() for message in found], seen.text())
        if not uids and seen.text() != before:
            yield SourcePage((), seen.text())

    def receive(self, item: RawItem) -> Sequence[Delivery]:
        """The submission a mail begins or goes on with; none for mail of machines, lists and our own.

        Raises:
            RejectedError: its sender is not proven or not allowed, it holds nothing to take, it cannot be read, or it
                reports that an answer of ours did not arrive.
        """
        return statement.deliveries(Message.of_item(item), self._options)

    async def open(self, file: DeliveredFile) -> AsyncIterator[bytes]:
        """The bytes of an attachment, or of what a link leads to.

        Raises:
            HostileInput: it is too large, encrypted or inside a winmail.dat: nothing is fetched. NotFoundError: its
                mail was removed.
        """
        place, facts = places.read(file)
        if "url" in facts:
            async for chunk in self._context.fetch(facts["url"]):
                yield chunk
            return
        opening.require_readable(file, facts["refused"], int(facts["octets"]), self._options.max_size)
        async for chunk in opening.part(self._imap(), self._options, file, place, facts):
            yield chunk

    async def stored(self, files: Sequence[Stored]) -> None:
        """Mark messages all of whose files are stored, and move them where that is declared."""
        done = storing.complete(files)
        if done:
            await asyncio.to_thread(self._put_away, done)

    def _put_away(self, done: Sequence[places.Place]) -> None:
        imap = self._imap()
        try:
            storing.put_away(imap.connect(), self._options, done)
        finally:
            imap.close()

    async def respond(self, status: SubmissionStatus) -> None:
        """Answer the mail a submission began with, unless its sender is not proven or takes no answers.

        Raises:
            NotFoundError: that mail is gone.
        """
        if self._sender is None or status.status in answer.UNTOLD:
            return
        found = await asyncio.to_thread(self._answer, status)
        if found is None or self._told.get(status.external_id) == found["Message-ID"]:
            return
        await self._sender.send(self._options.address, found["To"], answer.wire(found))
        self._remember(status.external_id, found["Message-ID"])
        if self._options.sent:
            await asyncio.to_thread(self._keep, found)

    def _answer(self, status: SubmissionStatus) -> EmailMessage | None:
        """The answer, None if there is nobody to send it to or it was sent before."""
        imap = self._imap()
        try:
            uid = Finder(imap.connect(), self._options).submission(status.external_id)
            if uid is None:
                what = f"The mail that began submission {status.external_id} is gone: nobody was told how it stands."
                raise NotFoundError(what, remedy="Restore the mail, or tell the creator another way.")
            message = described(imap, uid, imap.fetch([uid], ("INTERNALDATE", "RFC822.SIZE", HEAD))[uid])
            if not self._may_answer(message):
                return None
            found = answer.compose(status, message, self._options, self._context.clock.now())
            known = self._options.sent and self._was_sent(imap, found)
            return None if known else found
        finally:
            imap.close()

    def _may_answer(self, message: Message) -> bool:
        with suppress(RejectedError):
            statement.require_sender(message, self._options)
            return not automatic.takes_no_answer(message.sender[1])
        return False

    def _was_sent(self, imap: Imap, found: EmailMessage) -> bool:
        imap.choose(self._options.sent)
        return bool(imap.search(["HEADER", "Message-ID", found["Message-ID"].strip("<>")]))

    def _keep(self, found: EmailMessage) -> None:
        imap = self._imap()
        try:
            imap.connect().append(self._options.sent, answer.wire(found), self._context.clock.now())
        finally:
            imap.close()

    def _remember(self, submission: str, message_id: str) -> None:
        self._told[submission] = message_id
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
