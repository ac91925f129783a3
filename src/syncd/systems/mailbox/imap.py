"""One logged-in IMAP connection, blocking: IMAPClient (maintained, BSD, parses BODYSTRUCTURE), as the one asyncio
library, aioimaplib, is under the GPL and leaves parsing to its user. `sessions` gives each a thread.
"""

from __future__ import annotations

import imaplib
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError, ProtocolError

from syncd.errors import AuthError, ConfigError, SyncdError, TransientError
from syncd.sdk.redact import Redactor
from syncd.systems.mailbox.servers import ImapServer

Fetched = Mapping[bytes, Any]
"""What the server said of one message, item by item."""

_WINDOW = 20_000  # UIDs of one search, whose answer must fit in one line
_CONNECTING = 10.0  # seconds; nobody can interrupt a thread that connects
# RFC 5530: the server has a problem of its own, whatever it was asked.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]")
_MISSING = ("[nonexistent]", "[trycreate]", "doesn't exist", "not exist", "unknown mailbox")


class UnreadableAnswer(TransientError):
    """Look at the mail with another program: this server's answer about it is not understood."""


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
        self.folder, self.validity, self.next, self.count = "", 0, 0, 0
        self.takes_keywords = False

    # --- connecting ----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect and log in.

        Raises:
            TransientError: the server cannot be reached. AuthError: it refuses the login. ConfigError: no safe
            connection is possible as it is declared.
        """
        self.close()
        try:
            with self._faults("connect"):
                self._reach()
            with self._faults("login"):
                self._login()
        except SyncdError:
            self.close()
            raise
        if self._dropped:
            self.close()
            raise TransientError(f"The connection to {self._server.name} was given up.")

    def _reach(self) -> None:
        secure, patience = self._server.tls == "tls", self._server.timeout.total_seconds()
        context = self._server.tls_context(self._root)
        self._client = IMAPClient(
            self._server.host, self._server.effective_port, ssl=secure, ssl_context=context,
            timeout=SocketTimeout(min(_CONNECTING, patience), patience),
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
            with suppress(OSError, imaplib.IMAP4.error):  # it was closed by whatever failed before
                client.shutdown()

    def drop(self) -> None:
        """Break the connection, from any thread: whoever waits for the server in another stops at once.

        Only the connection's own thread may close it: closing waits for whoever reads.
        """
        self._dropped = True
        client = self._client
        if client is not None:
            with suppress(OSError):
                client.socket().shutdown(socket.SHUT_RDWR)

    # --- looking -------------------------------------------------------------------------------------------------

    def choose(self, folder: str, *, write: bool = False) -> None:
        """Open a folder.

        Raises:
            ConfigError: there is none of this name.
        """
        with self._faults(f"open the folder {folder}"):
            found = self._client.select_folder(folder, readonly=not write)
        self.folder, self.validity, self.count = folder, int(found[b"UIDVALIDITY"]), int(found[b"EXISTS"])
        self.takes_keywords = b"\\*" in found.get(b"PERMANENTFLAGS", ())
        self.next = int(found.get(b"UIDNEXT", 0)) or max(self.search(["ALL"]), default=0) + 1

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

    def fetch(self, uids: Sequence[int], items: Sequence[str]) -> Mapping[int, Fetched]:
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
            self.connect()
            self.choose(self.folder)
            raise

    def chunk(self, uid: int, section: str, start: int, length: int) -> bytes | None:
        """Some bytes of a part as it is transferred, without marking the message as read; None if it is gone."""
        found = self.fetch([uid], [f"BODY.PEEK[{section}]<{start}.{length}>"]).get(uid)
        return None if found is None else body(found, section)

    # --- changing ------------------------------------------------------------------------------------------------

    def mark(self, uid: int, keyword: str) -> None:
        """Give a message a keyword."""
        with self._faults(f"set the keyword {keyword}"):
            self._client.add_flags([uid], [keyword], silent=True)

    def move(self, uid: int, folder: str) -> None:
        """Move a message, and no other, in one step; needs MOVE."""
        with self._faults(f"move to the folder {folder}"):
            self._client.move([uid], folder)

    def copy(self, uid: int, folder: str) -> None:
        """Copy a message."""
        with self._faults(f"copy to the folder {folder}"):
            self._client.copy([uid], folder)

    def remove(self, uid: int) -> None:
        """Remove a message, and no other; needs UIDPLUS."""
        with self._faults("remove a message"):
            self._client.delete_messages([uid], silent=True)
            self._client.uid_expunge([uid])

    def append(self, folder: str, message: bytes, at: datetime) -> None:
        """Put a message, as read, into a folder."""
        with self._faults(f"write to the folder {folder}"):
            self._client.append(folder, message, [b"\\Seen"], at)

    # --- failing -------------------------------------------------------------------------------------------------

    @contextmanager
    def _faults(self, doing: str) -> Iterator[None]:
        """Make the library's errors ours; none of them keeps the original, whose text may hold what was sent."""
        try:
            yield
        except (OSError, imaplib.IMAP4.abort) as error:
            raise self._server.unreachable(error, doing) from None
        except (imaplib.IMAP4.error, ValueError, RecursionError) as error:
            said = self._redactor.text(" ".join(str(error).split()))[:300]
            raise self._refused(error, doing, said) from None

    def _refused(self, error: Exception, doing: str, said: str) -> SyncdError:
        """The error that a refusal, or an answer nobody understands, is; `said` is its text without secrets."""
        what = f"{self._server.name} was asked to {doing} and answered: {said}"
        # A connection that breaks during the login looks like a refusal, but for what it came from.
        if any(code in said for code in _PASSING) or isinstance(error.__context__, imaplib.IMAP4.abort | OSError):
            return TransientError(what)
        if isinstance(error, LoginError):
            where = f"{self._server.name} refuses the login of {self._server.user}: {said}"
            return AuthError(where, remedy="Correct `user`, `password` or `token` below `imap`, then `syncd check`.")
        if "folder" in doing and any(sign in said.lower() for sign in _MISSING):
            return ConfigError(what, remedy="Create the folder, or correct its name in the options.")
        if isinstance(error, ProtocolError) or not isinstance(error, imaplib.IMAP4.error) or "got more than" in said:
            return UnreadableAnswer(what)
        return TransientError(what)


def body(found: Fetched, section: str) -> bytes:
    """The bytes of a section in what was fetched; servers differ in how they repeat its name."""
    wanted = f"BODY[{section}]".upper().encode()
    plain = ((name.upper().partition(b"<")[0].replace(b'"', b""), value) for name, value in found.items())
    return next((value or b"" for name, value in plain if name == wanted), b"")


def received(found: Fetched) -> int:
    """The second a message was received (INTERNALDATE)."""
    moment = found.get(b"INTERNALDATE")
    if not isinstance(moment, datetime):
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
