"""A mailbox as the source of submissions: attachments and links come in by IMAP, answers go out by SMTP."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.errors import HookRefused
from syncd.sdk.context import Context
from syncd.sdk.redact import Redactor, secrets_of
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem, SourcePage, Stored, SubmissionStatus
from syncd.sdk.system import Options, System
from syncd.systems.mailbox import answer, files, polling, statement, whereabouts
from syncd.systems.mailbox.answer import Answer
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.polling import Checkpoint
from syncd.systems.mailbox.sessions import Session, Sessions
from syncd.systems.mailbox.smtp import Smtp

_PAGE = 20  # messages of one page
_REMEMBERED = 1_000  # answers that are known to be sent, should the ledger not take them at once


class MailboxSystem(System):
    """A mailbox that takes submissions and answers them."""

    name: ClassVar[str] = "mailbox"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SOURCE})
    options: ClassVar[type[Options]] = MailboxOptions
    call_deadline: ClassVar[float] = 60.0
    example: ClassVar[str] = """\
# Submissions by mail: attachments and links are files. Nothing is marked as read; a mail whose files are all stored
# gets a keyword and, with `move_to`, goes to that folder. Mail that does not prove its sender is shown to a person.
connector: mailbox
brand: acme
roles: [source]
owner: dana@acme.example
poll: 30s                                # an answer leaves within a minute
options:
  address: content@acme.example
  imap: {host: imap.acme.example, user: content@acme.example, password: "${MAILBOX_PASSWORD}"}
  smtp: {host: smtp.acme.example, user: content@acme.example, password: "${MAILBOX_PASSWORD}"}
  reply_keys: ["${MAILBOX_REPLY_KEY}"]   # signs the token by which a reply finds its submission
  authserv_id: mx.acme.example           # what your server writes first in Authentication-Results
  sent: Sent                             # must exist; copies of answers, by which none is sent twice
  move_to: Stored                        # must exist; without it mail stays where it is
  # senders: ["*@studio.example"]        # everybody who proves their address, unless named
  # begin: all                           # also what lies there already
"""

    def __init__(self, context: Context, options: MailboxOptions, role: Role) -> None:
        super().__init__(context, options, role)
        redactor = Redactor(secrets_of(options))
        self._sessions = Sessions(options.imap, context.root, redactor)
        self._smtp = Smtp(options.smtp, context.root, redactor) if options.smtp else None
        self._sent: deque[str] = deque(maxlen=_REMEMBERED)

    # --- what comes in -------------------------------------------------------------------------------------------

    def verify(self, request: HookRequest) -> RawItem:
        """Refuses: a mailbox takes no webhooks."""
        raise HookRefused("no-hooks", "A mailbox takes no webhooks.")

    async def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """New mail, folder by folder, oldest first; the checkpoint holds `uidvalidity:uid` of each folder.

        Where a folder has another UIDVALIDITY than before, all of it is read again.
        """
        seen = Checkpoint.read(since)
        async with self._sessions.open() as session:
            for folder in self._options.folders:
                async for page in self._folder(session, folder, seen):
                    yield page

    async def _folder(self, session: Session, folder: str, seen: Checkpoint) -> AsyncIterator[SourcePage]:
        imap, before = session.imap, seen.text()
        await session.run(imap.choose, folder)
        begin = self._context.clock.now() if self._options.begin == "now" else None
        state = seen.of(folder, imap.validity, imap.next, begin)
        uids = await session.run(imap.after, state.uid)
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            found = await session.run(polling.read, imap, page, state)
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
        where, facts = whereabouts.read(file)
        if "url" in facts:
            async for chunk in self._context.fetch(facts["url"]):
                yield chunk
            return
        files.require_readable(file, facts["refused"], int(facts["decoded"]), self._options.max_size)
        async for chunk in files.stream(self._sessions, self._options, file, where, facts):
            yield chunk

    # --- what becomes of it --------------------------------------------------------------------------------------

    async def stored(self, files: Sequence[Stored]) -> None:
        """Mark messages all of whose files are stored, and move them where that is declared."""
        done = whereabouts.complete(files)
        if done:
            async with self._sessions.open() as session:
                await session.run(whereabouts.put_away, session.imap, self._options, done)

    async def respond(self, status: SubmissionStatus) -> str | None:
        """Answer the newest mail of the submission, unless nothing changed that its sender needs to know.

        Raises:
            RejectedError: the server does not take mail for this address.
        """
        due = answer.due(status, self._options, self._context.clock.now()) if self._smtp else None
        if due is None:
            return None
        if self._options.sent:
            async with self._sessions.open() as session:
                await self._send_with_copy(session, due)
        else:
            await self._send(due)
        return due.note

    async def _send_with_copy(self, session: Session, due: Answer) -> None:
        """Send it unless its copy says that it was sent; some servers keep the copy themselves."""
        if await session.run(_holds, session.imap, self._options.sent, due):
            return
        await self._send(due)
        if not await session.run(_holds, session.imap, self._options.sent, due):
            await session.run(session.imap.append, self._options.sent, due.wire, self._context.clock.now())

    async def _send(self, due: Answer) -> None:
        if self._smtp and due.identifier not in self._sent:
            await self._smtp.send(self._options.address, due.recipient, due.wire)
            self._sent.append(due.identifier)

    # --- how it stands -------------------------------------------------------------------------------------------

    async def check(self) -> str:
        """Logs in, opens the folders, and greets the server that takes answers."""
        async with self._sessions.open() as session:
            found = await session.run(_look, session.imap, self._options)
        return f"{found}; {await self._smtp.check()}" if self._smtp else f"{found}; nobody is answered"

    async def close(self) -> None:
        """Break the connections that are open."""
        self._sessions.close()


def _holds(imap: Imap, folder: str, due: Answer) -> bool:
    imap.choose(folder)
    return bool(imap.search(["HEADER", "Message-ID", due.identifier.strip("<>")]))


def _look(imap: Imap, options: MailboxOptions) -> str:
    """Open all folders, which tells those that are missing."""
    whereabouts.require_moving(imap, options)
    for folder in filter(None, (options.move_to, options.sent)):
        imap.choose(folder)
    counts = []
    for folder in options.folders:
        imap.choose(folder)
        counts.append(f"{folder} ({imap.count})")
    return f"{options.imap.name} has {', '.join(counts)}"
