"""A mailbox as the source of submissions: attachments and links come in by IMAP, answers go out by SMTP."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from syncd.errors import ConfigError
from syncd.sdk.context import Context
from syncd.sdk.roles import Role
from syncd.sdk.system import SDK, Options
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.source import MailboxSource


class MailboxSystem(MailboxSource):
    """A mailbox that takes submissions and answers them."""

    name: ClassVar[str] = "mailbox"
    sdk: ClassVar[int] = SDK
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SOURCE})
    options: ClassVar[type[Options]] = MailboxOptions
    max_batch: ClassVar[int] = 1
    call_deadline: ClassVar[float] = 60.0
    example: ClassVar[str] = """\
# Submissions by mail: attachments and links are files. Nothing is marked as read; a mail whose files are all stored
# gets a keyword and, with `move_to`, goes to that folder. Mail that does not prove its sender is shown to a person.
connector: mailbox
brand: acme
roles: [source]
owner: dana@acme.example
poll: 1m
options:
  address: content@acme.example
  imap: {host: imap.acme.example, user: content@acme.example, password: "${MAILBOX_PASSWORD}"}
  smtp: {host: smtp.acme.example, user: content@acme.example, password: "${MAILBOX_PASSWORD}"}
  reply_keys: ["${MAILBOX_REPLY_KEY}"]   # signs the token by which a reply finds its submission
  authserv_id: mx.acme.example           # what your server writes first in Authentication-Results
  move_to: Stored                        # must exist; without it mail stays where it is
  # senders: ["*@studio.example"]        # everybody who proves their address, unless named
  # begin: all                           # also what lies there already
"""

    def __init__(self, context: Context, options: MailboxOptions, role: Role) -> None:
        super().__init__(context, options)

    async def check(self) -> str:
        """Logs in, opens the folders, and greets the server that takes answers."""
        found = await asyncio.to_thread(self._checked)
        return f"{found}; {await self._sender.check()}" if self._sender else f"{found}; nobody is answered"

    def _checked(self) -> str:
        imap = self._imap()
        try:
            imap.connect()
            for folder in filter(None, (self._options.move_to, self._options.sent)):
                imap.choose(folder)
            if self._options.move_to and not (imap.has("MOVE") or imap.has("UIDPLUS")):
                what = f"{self._options.imap.name} cannot move a single message (neither MOVE nor UIDPLUS)."
                raise ConfigError(what, remedy="Remove `move_to` from the connection's options.")
            waiting = sum(
                len(imap.choose(folder).search(["UNKEYWORD", self._options.mark])) for folder in self._options.folders
            )
            return f"{', '.join(self._options.folders)} of {self._options.imap.name}: {waiting} messages wait"
        finally:
            imap.close()

    async def close(self) -> None:
        """Nothing is held open."""
