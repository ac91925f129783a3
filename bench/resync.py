"""An unchanged resync: every place of a shop looked at again, and nothing done.

Marks all places as due and lets the engine drain them through the handler that converges listings. The channel fails the
run if it is spoken to, triggers if an event, a receipt or a placement is written.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from bench.machine import most_memory
from bench.report import Line, per_second
from bench.world import BRAND, EACH, LISTINGS, SHOP, fill, write_files
from syncd.app import App
from syncd.cli.daemon import spare_collector
from syncd.engine.engine import Engine, LaneSpec
from syncd.flow import places
from syncd.flow.care import housekeeping
from syncd.flow.converge.handler import ConvergeHandler
from syncd.ledger.tables.core import work as work_table
from syncd.settings import Settings

PLACEMENTS = LISTINGS * EACH
MOST_MIB = 300
ROUNDS = 3
_UNTOUCHED = ("event", "receipt", "placement", "exception", "operation")


@dataclass(frozen=True)
class Round:
    """What one run took: seconds of marking and of looking, seconds of CPU, MiB at most."""

    marking: float
    looking: float
    cpu: float
    mib: float

    @property
    def rate(self) -> float:
        """Placements per second."""
        return PLACEMENTS / (self.marking + self.looking)


def measure() -> list[Line]:
    """Each round in a process of its own, on a ledger made beforehand."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        root = Path(folder) / "made"
        root.mkdir()
        write_files(root)
        asyncio.run(_prepare(root))
        _forbid_writes(root / "var" / "ledger.db")
        rounds = sorted((_round(root) for _ in range(ROUNDS)), key=lambda one: one.rate)
    middle = rounds[ROUNDS // 2]
    what = f"unchanged resync of {PLACEMENTS:,} placements in {LISTINGS:,} listings"
    split = f"marked in {middle.marking:.1f} s, looked at in {middle.looking:.1f} s, {middle.cpu:.1f} s of CPU"
    rates = per_second([one.rate for one in rounds])
    quiet = "no external call; no event, receipt or placement written"
    most = max(one.mib for one in rounds)
    return [
        Line(what, f"{rates} ({split})", quiet, middle.rate, 10_000, "placements/s"),
        Line("its memory", f"{most:.0f} MiB at most", "", most, MOST_MIB, "MiB", least=False),
    ]


def _round(made: Path) -> Round:
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        shutil.copytree(made, folder, dirs_exist_ok=True)
        run = subprocess.run(
            [sys.executable, "-m", "bench.resync", folder], capture_output=True, text=True, check=True, timeout=600
        )
    return Round(*(float(word) for word in run.stdout.split()[-4:]))


def _app(root: Path) -> App:
    return App(Settings(_env_file=None, root=root, min_free_mb=0))


async def _prepare(root: Path) -> None:
    app = _app(root)
    app.settings.var.mkdir(parents=True, exist_ok=True)
    await app.ledger.open()
    await app.configuration.start()
    rulebook = app.configuration.active
    await app.ledger.close()
    fill(root / "var" / "ledger.db", rulebook, datetime.now(UTC))


def _forbid_writes(ledger: Path) -> None:
    connection = sqlite3.connect(ledger)
    for table in _UNTOUCHED:
        for change in ("INSERT", "UPDATE", "DELETE"):
            connection.execute(
                f'CREATE TRIGGER "no_{change}_{table}" BEFORE {change} ON "{table}"'
                f" BEGIN SELECT RAISE(FAIL, '{change} of {table} in an unchanged resync'); END"
            )
    connection.close()


# --- the measured process --------------------------------------------------------------------------------------------


async def _resync(root: Path) -> tuple[float, float]:
    """Seconds of marking and of looking at everything."""
    app = _app(root)
    await app.ledger.open()
    await app.configuration.start()
    engine = Engine(
        app.ledger, app.clock, app.lanes, local=(), connection=[ConvergeHandler(app.services, app.lanes, places.PUBLISH)],
        owner_of=app.services.owner_of, metrics=app.metrics,
    )  # fmt: skip
    spare_collector()
    started = time.perf_counter()
    marked = await housekeeping._touch_places(app.services, BRAND)
    assert marked == LISTINGS, marked
    ready = time.perf_counter()
    engine.serve({SHOP: LaneSpec(BRAND, "")})
    running = asyncio.create_task(engine.run())
    while await _due(app):
        await asyncio.sleep(0.05)
    done = time.perf_counter()
    await engine.drain(5)
    await running
    await _check(app)
    await app.stop()
    return ready - started, done - ready


async def _due(app: App) -> bool:
    """Whether anything is still to be looked at, or held."""
    table = work_table
    ours = (table.c.lane == SHOP, table.c.kind == places.PUBLISH)
    waiting = sa.select(table.c.id).where(*ours, table.c.due_at <= app.clock.now())
    async with app.ledger.read() as reading:
        return (await reading.execute(waiting.limit(1))).first() is not None


async def _check(app: App) -> None:
    """Nothing failed, nobody was spoken to, and everything waits for the day its rights end."""
    table, now = work_table, app.clock.now()
    async with app.ledger.read() as reading:
        waiting = await reading.execute(
            sa.select(sa.func.count()).where(
                table.c.kind == places.PUBLISH, table.c.error.is_(None), table.c.due_at > now
            )
        )
        assert waiting.scalar_one() == LISTINGS
    assert app.registry.get("silent").calls == 0


def main() -> None:
    root = Path(sys.argv[1])
    marking, draining = asyncio.run(_resync(root))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(marking, draining, used.ru_utime + used.ru_stime, most_memory())
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
