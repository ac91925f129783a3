"""Short transactions on SQLite: whole in one trip to the thread that writes, and many in one commit.

Statement by statement a transaction asks the thread again and again, and while the event loop is busy each answer waits
for its turn, with the write gate shut meanwhile. A body that awaits nothing but SQL can as well run where the database
is: it is an ordinary coroutine function, driven there without an event loop. Bodies that arrive while another is being
written share the next commit, so that a disk's slow sync is paid once for all.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import PoolProxiedConnection

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
    error: Exception | None = None

    def run(self, connection: _Connection) -> None:
        """Run the body to its end, and keep what it raises."""
        self.error = None
        try:
            self.result = _driven(self.body, connection)
        except Exception as error:
            self.error = error
            raise


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
        self._connection: _Connection | None = None

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
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            async with self._gate:
                group, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._commit(group)
            for one in group:
                _answer(one)

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._together, group)
        except Exception as error:
            for one in group:
                one.error = one.error or error

    # --- in the thread -------------------------------------------------------------------------------------------

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _together(self, group: list[_Waiting]) -> None:
        """One commit for all. Where one of several bodies fails, one each, which is rare: savepoints cost every group.

        Where it is not a body that fails but the database, as a locked one does, it fails for all at once: it would
        make each of them wait as long again.
        """
        try:
            group[0].context.run(self._write_all, group)
        except Exception as error:
            if len(group) > 1 and any(one.error for one in group):
                for one in group:
                    self._alone(one)
            else:
                for one in group:
                    one.error = error

    def _alone(self, one: _Waiting) -> None:
        try:
            one.context.run(self._write_all, [one])
        except Exception as error:
            one.error = error

    def _write_all(self, group: list[_Waiting]) -> None:
        """Called in the context of the first of them."""
        if self._connection is None:
            self._connection = _Connection(self._engine.connect())
        try:
            with self._connection.transaction():
                group[0].run(self._connection)
                for one in group[1:]:
                    one.context.run(one.run, self._connection)
        finally:
            if not self._connection.is_clean():
                self._connection = None
                self._engine.dispose()  # the next transaction has a new one


def _driven(body: Body, connection: _Connection) -> Any:
    """Run a body to its end; it must never have to wait."""
    running = body(cast(AsyncConnection, connection))
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

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begun and committed without SQLAlchemy, which takes longer over that than SQLite."""
        self._done("BEGIN IMMEDIATE", self._raw.execute, "BEGIN IMMEDIATE")
        try:
            yield
            self._done("COMMIT", self.dialect.do_commit, cast(PoolProxiedConnection, self._raw))
        finally:
            with suppress(sqlite3.Error):  # what is left then is told by `is_clean`
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
            if self._connection.in_transaction():
                self._connection.rollback()  # it is over; SQLAlchemy does not know yet

    def is_clean(self) -> bool:
        """Whether another transaction may begin on it."""
        try:
            return not self._raw.in_transaction and not self._connection.closed and not self._connection.invalidated
        except sqlite3.Error:  # it is closed
            return False

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
            raise self._as_sqlalchemy(statement, error) from error
        finally:
            cursor.close()

    def _done(self, statement: str, run: Callable[[Any], Any], argument: Any) -> None:
        try:
            run(argument)
        except sqlite3.Error as error:
            raise self._as_sqlalchemy(statement, error) from error

    def _as_sqlalchemy(self, statement: str, error: sqlite3.Error) -> BaseException:
        return DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=self.dialect)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a statement did: how many rows it wrote, and the first it gave."""

    rowcount: int
    first: tuple[Any, ...] | None = None

    def scalar(self) -> Any:
        return self.first[0] if self.first else None
