"""Generations: numbers that grow with every touch of a key, so that whoever held it before finds out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import counters

SEQUENCE = sa.Sequence("work_generation")
"""Where PostgreSQL numbers them; SQLite, where one transaction writes at a time, has a row of `counter`."""
_COUNTER = "generation"


async def number(transaction: Transaction, rows: list[dict[str, Any]]) -> int:
    """Give each row a `generation` that never was and never will be again; returns the newest."""
    if transaction.dialect == "postgresql":
        numbers = sa.select(sa.func.nextval(SEQUENCE.name)).select_from(sa.func.generate_series(1, len(rows)).alias())
        found = [generation for (generation,) in await transaction.execute(numbers)]
    else:
        last = await _advance(transaction, len(rows))
        found = list(range(last - len(rows) + 1, last + 1))
    for row, generation in zip(rows, found, strict=True):
        row["generation"] = generation
    return int(max(found))


async def newest(ledger: Ledger) -> int:
    """The newest generation given so far."""
    given = sa.table(SEQUENCE.name, sa.column("last_value"))
    counted = sa.select(counters.c.value).where(counters.c.name == _COUNTER)
    async with ledger.read() as reading:
        found = await reading.execute(counted if ledger.embedded else sa.select(given.c.last_value))
        return int(found.scalar_one_or_none() or 0)


async def _advance(transaction: Transaction, count: int) -> int:
    if transaction.dialect not in _COUNTING:
        _COUNTING[transaction.dialect] = _build_counting(transaction)
    return int(await transaction.scalar(_COUNTING[transaction.dialect], {"counter": _COUNTER, "by": count}))


def _build_counting(transaction: Transaction) -> sa.Executable:
    by = sa.bindparam("by", type_=counters.c.value.type)
    insert = transaction.insert(counters).values(name=sa.bindparam("counter", type_=counters.c.name.type), value=by)
    more = {"value": counters.c.value + by}
    counting: sa.Executable = insert.on_conflict_do_update(index_elements=["name"], set_=more).returning(
        counters.c.value
    )
    return counting


_COUNTING: dict[str, sa.Executable] = {}
