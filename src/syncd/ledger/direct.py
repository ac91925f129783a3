"""Short transactions on SQLite: whole in one trip to the thread that writes, and many in one commit.

Statement by statement a transaction asks the thread again and again, and while the event loop is busy each answer waits
for its turn, with the write gate shut meanwhile. A body that awaits nothing but SQL can as well run where the database
is: it is an ordinary coroutine function, driven there without an event loop. Bodies that arrive while another is being
written share the next commit, each behind a savepoint of its own, so that a disk's slow sync is paid once for all.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.errors import Bug
from syncd.ledger import many

Body = Callable[[AsyncConnection], Coroutine[Any, Any, Any]]
AT_ONCE = 64


@dataclass(slots=True)
class _Waiting:
    """A body, whose it is, and what becomes of it."""

    body: Body
    context: contextvars.Context
    done: asyncio.Future[Any]
    committed: Callable[[], None]
    result: Any = None
    error: BaseException | None = None


class DirectWriter:
    """One connection, the thread that owns it, and the bodies that wait for it."""

    def __init__(self, engine: sa.Engine, gate: asyncio.Lock) -> None:
        """
        Args:
            engine: of one connection, which may be used in another thread than the one that made it.
            gate: shut while this or anybody else writes.
        """
        self._engine, self._gate = engine, gate
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def run(self, body: Body, committed: Callable[[], None]) -> Any:
        """Run a body in a transaction; returns once it is committed. Being cancelled does not undo it.

        Args:
            committed: called after the commit, also where the caller was cancelled meanwhile.

        Raises:
            Bug: the body awaited something else than SQL; nothing of it was written.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(body, contextvars.copy_context(), done, committed))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="ledger")
        return await done

    async def close(self) -> None:
        """Write what waits, close the connection and end the thread."""
        if self._writing is not None:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            async with self._gate:
                group, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._commit(group)
            for one in group:
                _answer(one)

    async def _commit(self, group: list[_Waiting]) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._thread, group[0].context.run, self._together, group)
        try:
            await running
        except Exception as error:
            for one in group:
                one.error = one.error or error

    # --- in the thread -------------------------------------------------------------------------------------------

    def _together(self, group: list[_Waiting]) -> None:
        with self._engine.begin() as connection:
            if len(group) == 1:
                group[0].result = _driven(group[0].body, connection)
                return
            for one in group:
                context = one.context if one is not group[0] else contextvars.copy_context()
                context.run(_behind_savepoint, one, connection)
                if one.error is not None and not _is_inside(connection):
                    raise one.error  # SQLite gave the whole transaction up, as on a full disk: nobody goes on alone


def _behind_savepoint(one: _Waiting, connection: sa.Connection) -> None:
    try:
        with connection.begin_nested():
            one.result = _driven(one.body, connection)
    except Exception as error:
        one.error = error


def _is_inside(connection: sa.Connection) -> bool:
    raw = connection.connection.driver_connection
    return raw is not None and bool(raw.in_transaction)


def _driven(body: Body, connection: sa.Connection) -> Any:
    """Run a body to its end; it must never have to wait."""
    running = body(cast(AsyncConnection, _Connection(connection)))
    try:
        running.send(None)
    except StopIteration as done:
        return done.value
    running.close()
    raise Bug("A transaction awaited something else than SQL.")


def _answer(one: _Waiting) -> None:
    if not one.done.done():  # else whoever asked was cancelled
        if one.error is not None:
            one.done.set_exception(one.error)
        else:
            one.done.set_result(one.result)
    if one.error is None:
        one.committed()


class _Connection:
    """What a transaction asks of its connection, answered at once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._raw = cast(sqlite3.Connection, connection.connection.driver_connection)
        self.dialect = connection.dialect

    async def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = ()) -> _Done:
        """Run text as the driver takes it, a list of parameters for each row.

        Each statement gives Python's lock away and must get it back, so many rows share one.
        """
        cursor = self._raw.cursor()
        try:
            if not isinstance(parameters, list):
                cursor.execute(statement, parameters)
                return _Done(cursor.rowcount, cursor.fetchone())
            widened = many.widened(statement, parameters)
            return _Done(sum(cursor.execute(text, values).rowcount for text, values in widened))
        except sqlite3.Error as error:
            raise DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=self.dialect) from error
        finally:
            cursor.close()


@dataclass(frozen=True, slots=True)
class _Done:
    """What a statement did: how many rows it wrote, and the first it gave."""

    rowcount: int
    first: tuple[Any, ...] | None = None

    def scalar(self) -> Any:
        return self.first[0] if self.first else None
