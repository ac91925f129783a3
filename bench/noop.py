"""Keys that do nothing, against pgqueuer's jobs that do nothing, on the same PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import time

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from bench.drain import Nothing, drained, filled
from bench.postgres import Server
from bench.report import Line, median_ratio, per_second

KEYS = 10_000
BATCH = 100
ROUNDS = 5


def measure(server: Server | None) -> list[Line]:
    """Both in turn, each in a fresh database of one server."""
    if server is None:
        return [Line("keys that do nothing on PostgreSQL", "PostgreSQL is not installed here", "")]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(asyncio.run(_pgqueuer(server.database())))
        ours.append(asyncio.run(_product(server.database())))
    what = f"keys that do nothing, PostgreSQL, batches of {BATCH}"
    return [
        Line(what, per_second(ours), f"pgqueuer {per_second(theirs)}", median_ratio(ours, theirs), 1.0, "x pgqueuer")
    ]


async def _product(url: str) -> float:
    async with filled(url, KEYS) as ledger:
        handler = Nothing(ledger)
        handler.batch = BATCH
        return KEYS / await drained(ledger, handler, KEYS)


async def _pgqueuer(url: str) -> float:
    """Jobs per second of one worker that takes batches of the same size, 2 at a time being as fast as it gets."""
    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    connection = await asyncpg.connect(url)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    for start in range(0, KEYS, 1000):
        await queries.enqueue(["probe"] * 1000, [f"k{start + at}".encode() for at in range(1000)], [0] * 1000)
    worker = PgQueuer(AsyncpgDriver(connection))
    done = 0

    @worker.entrypoint("probe")
    async def probe(_: Job) -> None:
        nonlocal done
        done += 1
        if done == KEYS:
            worker.shutdown.set()

    started = time.perf_counter()
    await worker.run(batch_size=BATCH)  # returns when the last job is logged as done
    seconds = time.perf_counter() - started
    await connection.close()
    assert done == KEYS, done
    return KEYS / seconds
