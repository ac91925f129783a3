"""Connections to SQLite whose thread is asked once per statement.

aiosqlite asks a connection's thread for a cursor, to execute, to fetch and to close: four times there and back for one
statement, which is most of what a short transaction costs. Here it happens in one go, unless there are many rows.
"""

from __future__ import annotations

import functools
import sqlite3
import weakref
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiosqlite

AT_ONCE = 1_000


class _Cursor:
    """What SQLAlchemy asks of a cursor. Executing brings the first AT_ONCE rows along; most statements have no more."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self._open: sqlite3.Cursor | None = None
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> _Cursor:
        return self

    async def execute(self, statement: str, parameters: Iterable[Any] = ()) -> _Cursor:
        await self._connection.turn(self._run, "execute", statement, parameters)
        return self

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> _Cursor:
        await self._connection.turn(self._run, "executemany", statement, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        if self._open is not None:
            await self._connection.turn(self._fetch, None)
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = size or self.arraysize
        if self._open is not None and len(self._rows) < wanted:
            await self._connection.turn(self._fetch, wanted - len(self._rows))
        rows, self._rows = self._rows[:wanted], self._rows[wanted:]
        return rows

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        self._rows = []
        if self._open is not None:
            await self._connection.turn(self._end)

    # --- in the connection's thread ------------------------------------------------------------------------------

    def _run(self, connection: sqlite3.Connection, method: str, statement: str, parameters: Iterable[Any]) -> None:
        self._open = connection.cursor()
        try:
            getattr(self._open, method)(statement, parameters)
        except BaseException:
            self._end(connection)
            raise
        self.description, self.lastrowid = self._open.description, self._open.lastrowid
        self._rows = []
        self._fetch(connection, AT_ONCE)

    def _fetch(self, connection: sqlite3.Connection, size: int | None) -> None:
        """Read `size` more rows (None: all that are left)."""
        cursor = self._open
        if cursor is None:
            return
        found = [] if not self.description else cursor.fetchall() if size is None else cursor.fetchmany(size)
        self._rows += found
        self.rowcount = cursor.rowcount
        if size is None or len(found) < size:
            self._end(connection)

    def _end(self, _connection: sqlite3.Connection | None) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class _Connection(aiosqlite.Connection):
    """A connection that hands out such cursors, and takes none of them along half-read when it closes."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        made: list[sqlite3.Connection] = []  # whoever waits for it may be cancelled; it is to be closed even so

        def make() -> sqlite3.Connection:
            made.append(connect())
            return made[0]

        super().__init__(make, iter_chunk_size=64)
        self._made = made
        self._cursors: weakref.WeakSet[_Cursor] = weakref.WeakSet()

    def cursor(self) -> Any:
        cursor = _Cursor(self)
        self._cursors.add(cursor)
        return cursor

    async def close(self) -> None:
        self._tx.put_nowait((None, functools.partial(_end_all, self._cursors)))
        await super().close()

    def stop(self) -> Any:
        self._tx.put_nowait((None, functools.partial(_end_all, self._cursors)))
        self._tx.put_nowait((None, functools.partial(_close_all, self._made)))
        return super().stop()

    async def turn(self, work: Callable[..., None], *arguments: Any) -> None:
        """Have the connection's thread do something with the connection itself."""
        execute: Any = self._execute  # it has no types
        await execute(work, self._conn, *arguments)


def _end_all(cursors: weakref.WeakSet[_Cursor]) -> None:
    """SQLite keeps a closed connection, its locks and its snapshot until the last statement of it has ended."""
    for cursor in list(cursors):
        cursor._end(None)


def _close_all(made: list[sqlite3.Connection]) -> None:
    for connection in made:
        connection.close()


def connector(database: str, **options: Any) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """What `create_async_engine` takes as `async_creator`.

    Args:
        database, options: as `sqlite3.connect` takes them.
    """

    async def connect() -> aiosqlite.Connection:
        connection = _Connection(lambda: sqlite3.connect(database, **options))
        connection._thread.daemon = True  # as SQLAlchemy has it: a forgotten connection does not keep the process alive
        return await connection

    return connect
