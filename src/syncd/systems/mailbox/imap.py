"""One logged-in IMAP connection, blocking, for a thread: IMAPClient (maintained, BSD, parses BODYSTRUCTURE), as the one
asyncio library, aioimaplib, is under the GPL and leaves parsing to its user.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from syncd.errors import ConfigError, SyncdError, TransientError
from syncd.sdk.redact import Redactor
from syncd.systems.mailbox.fetched import body
from syncd.systems.mailbox.options import ImapServer
from syncd.systems.mailbox.reaching import UnreadableAnswer, answered, tls_context, unreachable

_WINDOW = 20_000  # UIDs of one search, whose answer must fit in one line


class Imap:
    """A connection. Make it with `connect`, end it with `close`; a folder is chosen with `choose`."""

    def __init__(self, server: ImapServer, root: Path, redactor: Redactor) -> None:
        """
        Args:
            server: where, and the login.
            root: SYNCD_ROOT.
            redactor: keeps the login out of errors.
        """
        self._server, self._root, self._redactor = server, root, redactor
        self._client: Any = None
        self._dropped = False
        self.folder, self.validity, self.next = "", 0, 0

    def connect(self) -> Imap:
        """Connect and log in.

        Raises:
            TransientError: the server cannot be reached. AuthError: it refuses the login. ConfigError: no safe
            connection is possible as it is declared.
        """
        self.close()
        context = tls_context(self._server.ca_file, self._root)
        try:
            with self._faults("connect"):
                self._reach(context)
            with self._faults("login"):
                self._login()
        except SyncdError:
            self.close()
            raise
        if self._dropped:  # nobody waits for it any more
            self.close()
            raise TransientError(f"The connection to {self._server.name} was given up.")
        return self

    def _reach(self, context: ssl.SSLContext) -> None:
        secure = self._server.tls == "tls"
        self._client = IMAPClient(
            self._server.host, self._server.where, ssl=secure, ssl_context=context if secure else None,
            timeout=self._server.timeout.total_seconds(),
        )  # fmt: skip
        self._client.normalise_times = False
        self._client._imap.debug = 0  # else every answer is written out for a log that nobody asked for
        if self._server.tls == "starttls":
            self._client.starttls(context)

    def _login(self) -> None:
        user, password = self._server.user, self._server.password.get_secret_value()
        if token := self._server.token.get_secret_value():
            self._client.oauth2_login(user, token)
        elif self._client.has_capability("AUTH=PLAIN"):
            self._client.plain_login(user, password)
        else:
            self._client.login(user, password)

    def close(self) -> None:
        """Log out; the socket is closed whatever the server says."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.logout()
        except (OSError, imaplib.IMAP4.error):
            _shut(client)

    def drop(self) -> None:
        """Close the socket at once, from any thread, so that whoever waits for the server stops."""
        self._dropped = True
        client, self._client = self._client, None
        if client is not None:
            _shut(client)

    def choose(self, folder: str, *, write: bool = False) -> Imap:
        """Open a folder.

        Raises:
            ConfigError: there is none of this name.
        """
        with self._faults(f"open the folder {folder}"):
            found = self._client.select_folder(folder, readonly=not write)
        self.folder, self.validity = folder, int(found[b"UIDVALIDITY"])
        self.next = int(found.get(b"UIDNEXT", 0)) or max(self.search(["ALL"]), default=0) + 1
        return self

    def has(self, capability: str) -> bool:
        """Whether the server can do something."""
        with self._faults("ask for capabilities"):
            return bool(self._client.has_capability(capability))

    def after(self, uid: int) -> list[int]:
        """UIDs above this one that were there when the folder was opened, in order."""
        found: list[int] = []
        for start in range(uid + 1, self.next, _WINDOW):
            last = min(start + _WINDOW, self.next) - 1
            found += [each for each in self.search(["UID", f"{start}:{last}"]) if start <= each <= last]
        return sorted(found)

    def search(self, criteria: Sequence[Any]) -> list[int]:
        """UIDs of the folder's messages that meet all criteria."""
        with self._faults("search"):
            return sorted(self._client.search(list(criteria)))

    def fetch(self, uids: Sequence[int], items: Sequence[str]) -> Mapping[int, Mapping[bytes, Any]]:
        """What the server says of these messages; those that are gone are left out.

        Raises:
            UnreadableAnswer: it says it so that nobody understands; the connection is made anew.
        """
        if not uids:
            return {}
        try:
            with self._faults("fetch"):
                found = self._client.fetch(list(uids), list(items))
                return {uid: found[uid] for uid in uids if uid in found}
        except UnreadableAnswer:
            self.connect().choose(self.folder)
            raise

    def chunk(self, uid: int, section: str, start: int, length: int) -> bytes | None:
        """Some bytes of a part as it is transferred, without marking the message as read; None if it is gone."""
        found = self.fetch([uid], [f"BODY.PEEK[{section}]<{start}.{length}>"]).get(uid)
        return None if found is None else body(found, section)

    def mark(self, uid: int, keyword: str) -> None:
        """Give a message a keyword."""
        with self._faults(f"set the keyword {keyword}"):
            self._client.add_flags([uid], [keyword], silent=True)

    def move(self, uid: int, folder: str) -> None:
        """Move a message, and no other.

        Raises:
            ConfigError: the server can neither move nor remove a single message, or there is no such folder.
        """
        if self.has("MOVE"):
            with self._faults(f"move to the folder {folder}"):
                self._client.move([uid], folder)
        elif self.has("UIDPLUS"):
            with self._faults(f"copy to the folder {folder}"):
                self._client.copy([uid], folder)
            self.remove(uid)
        else:
            what = f"{self._server.name} cannot move a single message (neither MOVE nor UIDPLUS)."
            raise ConfigError(what, remedy="Remove `move_to` from the connection's options.")

    def remove(self, uid: int) -> None:
        """Remove a message, and no other; without UIDPLUS it is only marked for removal."""
        with self._faults("remove a message"):
            self._client.delete_messages([uid], silent=True)
            if self._client.has_capability("UIDPLUS"):
                self._client.uid_expunge([uid])

    def append(self, folder: str, message: bytes, at: datetime) -> None:
        """Put a message, as read, into a folder."""
        with self._faults(f"write to the folder {folder}"):
            self._client.append(folder, message, [b"\\Seen"], at)

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        """Make the library's errors ours; none of them keeps the original, whose text may hold what was sent."""
        try:
            yield
        except (OSError, imaplib.IMAP4.abort) as error:
            raise unreachable(error, self._server.name, self._server.tls, doing) from None
        except (imaplib.IMAP4.error, ValueError, RecursionError) as error:
            said = self._redactor.text(" ".join(str(error).split()))[:300]
            raise answered(error, self._server, doing, said) from None


def _shut(client: Any) -> None:
    with suppress(OSError, imaplib.IMAP4.error):  # it was closed by whatever failed before
        client.shutdown()
