"""What migrations make of an empty store is what the tables declare, on both stores; opening a ledger again changes
nothing in it and loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from syncd.engine import generations
from syncd.ledger.store import Ledger
from syncd.ledger.tables.base import metadata
from syncd.ledger.tables.core import blobs, inbox, lanes, meta, work
from syncd.testing.clock import START, ManualClock

T = TypeVar("T")
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
LATER = START + timedelta(days=400, microseconds=1)
ROWS: dict[sa.Table, dict[str, Any]] = {
    meta: {"name": "ledger", "value": "it's “ünïcode” \U0001f600\n"},
    blobs: {"hash": "ab" * 32, "size": 2**63 - 1, "stored_at": START},
    lanes: {"name": "shop", "brand": "acme", "owner": "", "epoch": 2**31 - 1, "expires_at": LATER,
            "breaker": {"failures": 3, "reason": "", "list": [None, True, 1.5, "ä"]},
            "spent": {}},
    inbox: {"id": 2**40, "brand": "acme", "connection": "shop", "vendor_id": None, "body": bytes(range(256)),
            "headers": {}, "received_at": LATER, "taken_at": None},
    work: {"id": 7, "brand": "acme", "lane": "shop", "kind": "probe", "key": "", "urgency": 0, "due_at": None,
           "not_before": LATER, "generation": 2**62, "claim_token": "t", "claimed_until": START, "attempts": 1,
           "error": None},
}  # fmt: skip


async def of_store(url: str, ask: Callable[[sa.Connection], T]) -> T:
    """What a connection of its own finds in a store."""
    parsed = sa.make_url(url)
    engine = create_async_engine(parsed.set(drivername=DRIVERS[parsed.get_backend_name()]))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(ask)
    finally:
        await engine.dispose()


def differences(connection: sa.Connection) -> list[Any]:
    """What a migration would have to change so that the store has the tables declared."""
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def described(connection: sa.Connection, schema: str | None = None) -> dict[str, list[tuple[str, ...]]]:
    """Tables as the store tells them, down to the conditions of partial indexes, in words that name no schema."""
    inspector = sa.inspect(connection)

    def words(*told: object) -> tuple[str, ...]:
        return tuple(str(part).replace("declared.", "") for part in told)

    def options(index: Mapping[str, Any]) -> dict[str, str]:
        return {name: str(value) for name, value in index.get("dialect_options", {}).items()}

    found: dict[str, list[tuple[str, ...]]] = {}
    for table in inspector.get_table_names(schema):
        key = inspector.get_pk_constraint(table, schema)
        found |= {
            f"{table}: columns": [
                words(c["name"], repr(c["type"]), c["nullable"], c["default"], c.get("identity"))
                for c in inspector.get_columns(table, schema)
            ],
            f"{table}: primary key": [words(key["name"], key["constrained_columns"])],
            f"{table}: unique": sorted(
                words(u["name"], u["column_names"]) for u in inspector.get_unique_constraints(table, schema)
            ),
            f"{table}: references": sorted(
                words(f["name"], f["constrained_columns"], f["referred_table"], f["referred_columns"], f["options"])
                for f in inspector.get_foreign_keys(table, schema)
            ),
            f"{table}: indexes": sorted(
                words(i["name"], i["column_names"], i["unique"], options(i))
                for i in inspector.get_indexes(table, schema)
            ),
        }
    return found


def declared(connection: sa.Connection) -> dict[str, list[tuple[str, ...]]]:
    """The tables declared, as the store tells them once it has made them beside those of the ledger."""
    beside = "ATTACH ':memory:' AS declared" if connection.dialect.name == "sqlite" else "CREATE SCHEMA declared"
    connection.execute(sa.text(beside))
    metadata.create_all(connection.execution_options(schema_translate_map={None: "declared"}), checkfirst=False)
    return described(connection, "declared")


def everything(connection: sa.Connection) -> tuple[Any, ...]:
    """The schema, its revision, and all rows."""
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).all()
    rows = {table.name: connection.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    return described(connection), revision, rows


async def fill(ledger: Ledger) -> None:
    async with ledger.write() as transaction:
        for table, values in ROWS.items():
            await transaction.execute(sa.insert(table).values(values))
        transaction.record("acme", "put", "all", number=1)


# --- the schema ------------------------------------------------------------------------------------------------------


async def test_no_migration_is_missing(ledger: Ledger, ledger_url: str) -> None:
    assert await of_store(ledger_url, differences) == []


async def test_every_detail_of_the_schema_is_as_declared(ledger: Ledger, ledger_url: str) -> None:
    found, wanted = await of_store(ledger_url, described), await of_store(ledger_url, declared)
    assert {part: told for part, told in found.items() if not part.startswith("alembic_version:")} == wanted


async def test_a_difference_would_be_seen(ledger: Ledger, ledger_url: str) -> None:
    async with ledger.write() as transaction:
        await transaction.execute(sa.text("DROP INDEX uq_version_current"))
        await transaction.execute(sa.text("CREATE UNIQUE INDEX uq_version_current ON version (asset_id)"))
        await transaction.execute(sa.text("ALTER TABLE version RENAME COLUMN file_name TO name"))
    assert len(await of_store(ledger_url, differences)) == 2
    found, wanted = await of_store(ledger_url, described), await of_store(ledger_url, declared)
    assert {part for part in wanted if wanted[part] != found[part]} == {"version: columns", "version: indexes"}


async def test_numbers_of_touches_have_their_source(ledger: Ledger, ledger_url: str) -> None:
    def has_sequence(connection: sa.Connection) -> bool:
        return sa.inspect(connection).has_sequence(generations.SEQUENCE.name)

    assert ledger.embedded or await of_store(ledger_url, has_sequence)


# --- opening again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filled", [False, True])
async def test_opening_again_changes_nothing(ledger_url: str, clock: ManualClock, filled: bool) -> None:
    seen = []
    for number in range(3):
        ledger = Ledger(ledger_url, clock)
        await ledger.open()
        if filled and number == 0:
            await fill(ledger)
        seen.append(await of_store(ledger_url, everything))
        await ledger.close()
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("table", ROWS, ids=str)
async def test_rows_come_back_from_a_ledger_opened_again_as_they_were_written(
    ledger_url: str, clock: ManualClock, table: sa.Table
) -> None:
    for again in (False, True):
        ledger = Ledger(ledger_url, clock)
        await ledger.open()
        if not again:
            await fill(ledger)
        else:
            async with ledger.read() as connection:
                row = (await connection.execute(sa.select(table))).one()
            assert dict(row._mapping) == ROWS[table]
        await ledger.close()
