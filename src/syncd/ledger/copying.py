"""Copies a whole ledger out of its store, consistently and while it is written to, and into an empty one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from syncd.durable import sync
from syncd.errors import ConflictError, RejectedError
from syncd.ledger.lock import ProcessLock
from syncd.ledger.store import Ledger
from syncd.ledger.tables.base import metadata

OWN_PINS = "backup:"
"""Pins of backups themselves, which a copy leaves out."""
_SQLITE_FILE = "ledger.db"
_ADVISORY_LOCK = 0x73796E6364
_REFERENCED = """
    SELECT DISTINCT b.hash, b.size FROM blob b JOIN pin p ON p.hash = b.hash
    WHERE substr(p.holder, 1, 7) <> 'backup:' ORDER BY b.hash
"""


class BackupRunning(ConflictError):
    """Wait until the other backup is done."""

    code = "backup.running"


class LedgerNotEmpty(RejectedError):
    """Restore into an empty ledger: move the SQLite file away, or name a new database in SYNCD_LEDGER."""

    code = "restore.not-empty"


@dataclass(frozen=True, slots=True)
class Copied:
    """A copied ledger: its files by name within their folder, its schema's revision, and the blobs it keeps.

    `generation`: the last number of the work table's sequence (PostgreSQL). `tables`: columns by table, in an order in
    which they can be filled (PostgreSQL).
    """

    store: str
    revision: str
    files: list[str]
    blobs: list[tuple[str, int]]
    generation: int = 0
    tables: dict[str, list[str]] = field(default_factory=dict)


# --- out --------------------------------------------------------------------------------------------------------------


async def copy_out(ledger: Ledger, folder: Path) -> Copied:
    """Write one committed state of the ledger into a folder; writers are not held up.

    Raises:
        BackupRunning: another process copies this ledger.
    """
    if ledger.embedded:
        return await asyncio.to_thread(_sqlite_out, Path(ledger.url.database or ""), folder)
    connection = await _connect(ledger)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK):
            raise BackupRunning("Another process is making a backup of this ledger.")
        return await _postgres_out(connection, folder)
    finally:
        await connection.close()


def _sqlite_out(source: Path, folder: Path) -> Copied:
    """In one step, so that the copy is one committed state (WAL: readers hold up nobody)."""
    target = folder / _SQLITE_FILE
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")
        revision = writing.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        blobs = [(row[0], row[1]) for row in writing.execute(_REFERENCED)]
    sync(target)
    return Copied("sqlite", revision, [_SQLITE_FILE], blobs)


async def _postgres_out(connection: asyncpg.Connection, folder: Path) -> Copied:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        tables = await _tables(connection)
        for name, columns in tables.items():
            path = folder / f"{name}.copy"
            await connection.copy_from_table(name, output=str(path), columns=columns)
            await asyncio.to_thread(sync, path)
        blobs = [(row[0], row[1]) for row in await connection.fetch(_REFERENCED)]
    generation = await connection.fetchval("SELECT last_value FROM work_generation")
    return Copied("postgresql", revision, [f"{name}.copy" for name in tables], blobs, generation, tables)


async def _tables(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Columns of every table but Alembic's own, those that others refer to first."""
    rows = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[str]] = {}
    for name, column in rows:
        found.setdefault(name, []).append(column)
    known = [table.name for table in metadata.sorted_tables if table.name in found]
    return {name: found[name] for name in known}


# --- in ---------------------------------------------------------------------------------------------------------------


async def copy_in(ledger: Ledger, folder: Path, copied: Copied) -> None:
    """Fill an empty ledger with a copy; afterwards it is open, its schema up to date.

    Raises:
        LedgerNotEmpty: there is something in it. LedgerInUse: a daemon runs on it.
    """
    if ledger.embedded:
        await asyncio.to_thread(_sqlite_in, Path(ledger.url.database or ""), folder)
    else:
        await _require_empty(ledger)
        await ledger.open(copied.revision)
        await _postgres_in(ledger, folder, copied)
    await ledger.open()


def _sqlite_in(target: Path, folder: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = ProcessLock(Path(f"{target}.lock"))
    lock.acquire()
    try:
        for path in (target, Path(f"{target}-wal"), Path(f"{target}-shm")):  # a stale WAL would be played into the copy
            if path.exists():
                raise LedgerNotEmpty(f"There is a ledger already: {path}.")
        partial = target.with_name(f"{target.name}.partial")
        shutil.copyfile(folder / _SQLITE_FILE, partial)
        sync(partial)
        os.replace(partial, target)
        sync(target.parent)
    finally:
        lock.release()


async def _require_empty(ledger: Ledger) -> None:
    connection = await _connect(ledger)
    try:
        for name in await _tables(connection):
            if await connection.fetchval(f'SELECT true FROM "{name}" LIMIT 1'):  # noqa: S608 - names of our own tables
                raise LedgerNotEmpty(f"The database has rows in its table {name}.")
    finally:
        await connection.close()


async def _postgres_in(ledger: Ledger, folder: Path, copied: Copied) -> None:
    connection = await _connect(ledger)
    try:
        async with connection.transaction():
            for name, columns in copied.tables.items():
                await connection.copy_to_table(name, source=str(folder / f"{name}.copy"), columns=columns)
            await _set_sequences(connection, list(copied.tables))
            await connection.execute(f"SELECT setval('work_generation', {max(1, int(copied.generation))})")
    finally:
        await connection.close()


async def _set_sequences(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Let numbered rows go on where they were."""
    for name in tables:
        sequence = await connection.fetchval(
            "SELECT pg_get_serial_sequence(quote_ident(table_name), column_name) FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = $1 AND column_name = 'id'", name
        )  # fmt: skip
        if sequence:
            last = await connection.fetchval(f'SELECT max(id) FROM "{name}"')  # noqa: S608 - names of our own tables
            await connection.execute("SELECT setval($1::text::regclass, $2, $3)", sequence, last or 1, last is not None)


async def _connect(ledger: Ledger) -> asyncpg.Connection:
    return await asyncpg.connect(ledger.url.set(drivername="postgresql").render_as_string(hide_password=False))
