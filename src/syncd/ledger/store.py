"""The ledger: one relational store, SQLite through a write gate or PostgreSQL, through the same code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from syncd.clock import Clock
from syncd.errors import ConfigError
from syncd.ledger import conflicts, events, many
from syncd.ledger.direct import DirectWriter
from syncd.ledger.embedded import connector
from syncd.ledger.lock import ProcessLock

T = TypeVar("T")
_SHARED: dict[str, Any] = {"json_deserializer": from_json, "hide_parameters": True}
"""What all engines have: errors that do not tell what was to be written, for it may be personal."""
_BUSY_MS = 10_000
ABANDONED_MS = 15_000
"""After this long PostgreSQL ends a transaction whose process stands still, so that its row locks hold up no other."""


class Transaction:
    """One write transaction: SQL, the events that tell what it did, and the lanes it made work for."""

    def __init__(self, connection: AsyncConnection, clock: Clock, dialect: str) -> None:
        self.connection = connection
        self.clock = clock
        self.dialect = dialect
        self.now = clock.now()
        self.woken: set[str] = set()
        self._events: list[events.NewEvent] = []
        self._session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """An ORM session inside this transaction."""
        if self._session is None:
            self._session = AsyncSession(bind=self.connection, expire_on_commit=False, autoflush=False)
        return self._session

    async def execute(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> sa.CursorResult[Any]:
        """Run one Core statement (a sequence of parameters runs it for each)."""
        if self._session is not None:
            await self._session.flush()
        return await self.connection.execute(statement, parameters)

    async def many(self, statement: sa.Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run one kept statement for each of many rows, with no ORM session in between.

        Args:
            statement: as `many.prepared` takes it.

        Returns:
            how many rows it wrote; -1 where the driver does not say.
        """
        text, places = many.prepared(statement, self.connection.dialect)
        return (await self.connection.exec_driver_sql(text, many.arguments(places, rows))).rowcount

    async def scalar(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """The one value that a kept statement gives, as the driver has it."""
        text, places = many.prepared(statement, self.connection.dialect)
        [arguments] = many.arguments(places, [parameters]) if parameters else [()]
        return (await self.connection.exec_driver_sql(text, arguments)).scalar()

    def insert(self, into: sa.Table) -> Any:
        """An INSERT of the store's own dialect, which knows what to do on a conflict."""
        return (postgresql.insert if self.dialect == "postgresql" else sqlite.insert)(into)

    def record(self, brand: str, kind: str, subject: str, /, revision: str = "", **data: Any) -> None:
        """Write an event with this transaction. `data` holds ids and plain facts, never personal data."""
        self._events.append(events.new_event(brand, self.now, kind, subject, revision, data))

    async def flush(self) -> None:
        """Write what is still in memory; called by the ledger before the commit."""
        if self._session is not None:
            await self._session.flush()
        if self._events:
            await events.insert(self.connection, self.dialect, self._events)
            self._events = []


class Ledger:
    """Opens the store, hands out read connections and write transactions."""

    def __init__(self, url: str, clock: Clock) -> None:
        """
        Args:
            url: `sqlite:///path/to/file` or `postgresql://user@host/database`.
            clock: the daemon's time.

        Raises:
            ConfigError: the URL names neither store.
        """
        self.url = sa.make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise ConfigError(
                f"the ledger cannot live in {self.dialect!r}.",
                remedy="Set SYNCD_LEDGER to sqlite:///… or postgresql://….",
            )
        self.clock = clock
        self._gate = asyncio.Lock()
        self._writer: AsyncConnection | None = None
        self._raw_writer: Any = None
        self._listeners: list[Callable[[Collection[str]], None]] = []
        self._lock = ProcessLock(Path(f"{self.url.database}.lock")) if self.dialect == "sqlite" else None
        self._write_engine, self._read_engine = self._engines()
        self._direct: DirectWriter | None = None

    @property
    def embedded(self) -> bool:
        """SQLite: one process, no server."""
        return self.dialect == "sqlite"

    def _engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        if not self.embedded:
            settings = {"idle_in_transaction_session_timeout": str(ABANDONED_MS)}
            engine = create_async_engine(
                self.url.set(drivername="postgresql+asyncpg"), pool_size=8, max_overflow=8, pool_pre_ping=False,
                connect_args={"server_settings": settings}, **_SHARED,
            )  # fmt: skip
            return engine, engine
        path = self.url.database or ""
        url, read_only = f"sqlite+aiosqlite:///{path}", connector(f"file:{path}?mode=ro", uri=True)
        write = create_async_engine(url, async_creator=connector(path), pool_size=1, max_overflow=0, **_SHARED)
        read = create_async_engine(url, async_creator=read_only, pool_size=4, max_overflow=4, **_SHARED)
        sa.event.listen(write.sync_engine, "connect", _prepare_writer)
        sa.event.listen(write.sync_engine, "begin", _begin_immediate)
        sa.event.listen(read.sync_engine, "connect", _prepare_reader)
        return write, read

    async def open(self, revision: str = "head") -> None:
        """Take the process lock (SQLite) and bring the schema up to date.

        Args:
            revision: the schema to bring it to; an older one only to fill it with what was copied from there.

        Raises:
            ConfigError: another process holds the SQLite ledger.
        """
        from syncd.ledger import migrate

        if self._lock:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        async with self._write_engine.connect() as connection:
            await connection.run_sync(migrate.upgrade, revision)

    async def close(self) -> None:
        if self._direct is not None:
            await self._direct.close()
            self._direct = None
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        await self._write_engine.dispose()
        await self._read_engine.dispose()
        if self._lock:
            self._lock.release()

    def on_commit(self, listener: Callable[[Collection[str]], None]) -> None:
        """Call `listener` with the lanes that got work, after each commit."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one committed state; it cannot write."""
        async with self._read_engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """An ORM session over `read`."""
        async with self.read() as connection:
            session = AsyncSession(bind=connection, expire_on_commit=False, autoflush=False)
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """One transaction, committed when the block ends without an error. Await nothing but SQL inside it."""
        if self.embedded:
            async with self._gate:
                connection = await self._held_writer()
                try:
                    async with self._transaction(connection) as transaction:
                        yield transaction
                except BaseException:
                    await self._recover(connection)
                    raise
        else:
            async with self._write_engine.connect() as connection, self._transaction(connection) as transaction:
                yield transaction
        conflicts.committed()
        self._told(transaction.woken)

    async def transact(self, body: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `body` in one transaction, committed when it returns.

        The shorter way for what is short and frequent: on SQLite all of it is one trip to the thread that writes, in
        one commit with others that came meanwhile. `body` runs there beside the event loop, so it must touch nothing
        but its transaction and what nobody else changes; and it runs once more if another of that commit fails.
        """
        if not self.embedded:
            async with self.write() as transaction:
                return await body(transaction)
        woken: set[str] = set()

        async def whole(connection: AsyncConnection) -> T:
            transaction = Transaction(connection, self.clock, self.dialect)
            found = await body(transaction)
            await transaction.flush()
            woken.update(transaction.woken)
            return found

        if self._direct is None:
            self._direct = DirectWriter(self._direct_engine(), self._gate)
        found = cast(T, await self._direct.run(whole, lambda: self._told(woken)))
        conflicts.committed()
        return found

    def _direct_engine(self) -> sa.Engine:
        engine = sa.create_engine(
            f"sqlite:///{self.url.database}", poolclass=sa.StaticPool, **_SHARED,
            connect_args={"check_same_thread": False, "cached_statements": 8 * many.AT_ONCE},
        )  # fmt: skip
        sa.event.listen(engine, "connect", _prepare_writer)
        return engine

    def _told(self, woken: Collection[str]) -> None:
        if woken:
            for listener in self._listeners:
                listener(woken)

    @asynccontextmanager
    async def _transaction(self, connection: AsyncConnection) -> AsyncIterator[Transaction]:
        async with connection.begin():
            transaction = Transaction(connection, self.clock, self.dialect)
            yield transaction
            await transaction.flush()

    async def _held_writer(self) -> AsyncConnection:
        if self._writer is None:
            self._writer = await self._write_engine.connect()
            self._raw_writer = (await self._writer.get_raw_connection()).driver_connection
        return self._writer

    async def _recover(self, connection: AsyncConnection) -> None:
        """After a failed or cancelled transaction: keep the connection only if it is surely clean."""
        if connection.closed or connection.invalidated or connection.in_transaction() or self._is_inside():
            self._writer = None
            await asyncio.shield(self._close_for_good(connection))

    def _is_inside(self) -> bool:
        """Whether the driver's connection is in a transaction, as after a commit that SQLite refused."""
        try:
            return self._raw_writer is not None and bool(self._raw_writer.in_transaction)
        except ValueError:  # it is closed
            return False

    async def _close_for_good(self, connection: AsyncConnection) -> None:
        """Close the driver's own connection as well: one that was invalidated could still hold the write lock."""
        if not connection.invalidated:
            await connection.invalidate()
        await connection.close()
        if self._raw_writer is not None:
            self._raw_writer.stop()  # closes after what it still does, and ends its thread
            self._raw_writer = None


def _prepare_writer(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_reader(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
