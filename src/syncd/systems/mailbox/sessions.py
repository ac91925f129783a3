"""IMAP connections for asyncio: each in a thread of its own, which a silent server keeps from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from syncd.sdk.redact import Redactor
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.servers import ImapServer

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """A logged-in connection and its thread."""

    def __init__(self, imap: Imap) -> None:
        self.imap = imap
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")

    async def run(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Have the connection's thread do something; whoever is cancelled here does not stop it, `end` does."""
        return await asyncio.wrap_future(self._thread.submit(call, *args, **options))

    def end(self) -> None:
        """Log out, in the thread, once it has done what it does."""
        self._thread.submit(self.imap.close)
        self._thread.shutdown(wait=False)


class Sessions:
    """Opens connections to one server."""

    def __init__(self, server: ImapServer, root: Path, redactor: Redactor) -> None:
        """
        Args:
            server: where, and the login.
            root: SYNCD_ROOT.
            redactor: keeps the login out of errors.
        """
        self._server, self._root, self._redactor = server, root, redactor
        self._open: set[Imap] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Session]:
        """A logged-in connection for as long as the context lasts.

        Raises:
            TransientError, AuthError, ConfigError: as `Imap.connect`.
        """
        session = Session(Imap(self._server, self._root, self._redactor))
        self._open.add(session.imap)
        try:
            await session.run(session.imap.connect)
            yield session
        except BaseException:
            session.imap.drop()
            raise
        finally:
            self._open.discard(session.imap)
            session.end()

    def close(self) -> None:
        """Break all connections."""
        for imap in list(self._open):
            imap.drop()
