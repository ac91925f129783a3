"""The daemon under test, from inside its process: the real App on a clock that a socket moves.

    python -m syncd.testing.process --socket PATH --at 2026-11-22T12:00:00+00:00
    python -m syncd.testing.process --nursery      forks such processes on request, so that each starts warm

Settings come from SYNCD_…, as for the real daemon.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

import syncd.app
from syncd.cli.daemon import spare_collector
from syncd.domain.review import Verdict
from syncd.errors import ConflictError
from syncd.flow.review.decide import Ruling, decide
from syncd.ledger import migrate  # noqa: F401  # imported when a ledger is opened: the nursery's children have it warm
from syncd.ledger.tables.core import items, placements, versions, work
from syncd.settings import Settings
from syncd.telemetry import logging
from syncd.testing import points as crash_points
from syncd.testing.remote import SocketClock

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h
STANDING = ("seal", "sweep", "garbage", "forecast", "poll", "mirror", "observe", "watch", "subscribe", "clock")
"""Kinds that come back for ever; all others come to an end when nothing new happens."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one daemon, or the nursery, until it is told to stop."""
    options = _parser().parse_args(arguments)
    if options.nursery:
        _nurse()
    else:
        asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="syncd.testing.process")
    parser.add_argument("--nursery", action="store_true")
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--at", type=datetime.fromisoformat)
    parser.add_argument("--crash", default="", help="STAGE:NUMBER or STAGE:ACT of the point to die at")
    parser.add_argument("--note", type=Path, help="file that is written just before dying")
    parser.add_argument("--synchronous", choices=("OFF",), help="weaken the SQLite ledger, to see a test fail")
    return parser


async def _run(options: argparse.Namespace) -> None:
    settings = Settings()
    clock = SocketClock(options.at)
    logging.configure(clock, form=logging.LogFormat(settings.log_format), level=settings.log_level)
    points = crash_points.Points(options.crash, options.note)
    crash_points.watch_commits(points)
    crash_points.watch_files(points, settings.root)
    crash_points.watch_workers(points)
    vars(syncd.app).update(Engine=crash_points.staged_engine(points), Registry=crash_points.counted_registry(points))
    if options.synchronous:
        sa.event.listen(sa.Engine, "engine_connect", _weaken)
    app = syncd.app.App(settings, clock)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await app.start()
    spare_collector()
    _add_commands(clock, app, points)
    server = await clock.serve(options.socket)
    try:
        await stopping.wait()
    finally:
        server.close()
        await app.stop()


def _weaken(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA synchronous=OFF")


def _add_commands(clock: SocketClock, app: syncd.app.App, points: crash_points.Points) -> None:
    async def unrest(request: dict[str, Any]) -> dict[str, Any]:
        """What is left to do, in words: see `_unrest`."""
        async with app.ledger.read() as reading:
            left = await _unrest(reading, clock.now(), timedelta(seconds=float(request["within"])))
        return {"unrest": [*left, *[f"{app.inbox.depth} in the inbox"] * bool(app.inbox.depth)]}

    async def approve(request: dict[str, Any]) -> dict[str, Any]:
        """Have `by` approve the version that is in review and first by its file's name; says whether there was one."""
        query = sa.select(versions.c.id).where(versions.c.status == "in_review").order_by(versions.c.file_name)
        async with app.ledger.read() as reading:
            version = (await reading.execute(query.limit(1))).scalar()
        if version is not None:
            with contextlib.suppress(ConflictError):
                await decide(app.services, version, Ruling(request["by"], Verdict.APPROVE))
        return {"approved": version is not None}

    clock.command("unrest", unrest)
    clock.command("approve", approve)
    clock.command("points", lambda _: {"points": points.acts})
    clock.command("lanes", lambda _: {"lanes": {lease.lane: lease.epoch for lease in app.lanes.held().values()}})


async def _unrest(reading: AsyncConnection, now: datetime, within: timedelta) -> list[str]:
    """Keys of finite kinds that are due soon, claimed or backing off; standing ones that are overdue; placements and
    calls that are not settled.
    """
    soon = sa.or_(work.c.due_at <= now + within, work.c.claim_token.is_not(None), work.c.not_before.is_not(None))
    overdue = sa.or_(work.c.due_at <= now, work.c.claim_token.is_not(None))
    keys = sa.case((work.c.kind.in_(STANDING), overdue), else_=soon)
    pending = placements.c.state.in_(("sent", "accepted", "withdrawing"))
    queries = (
        sa.select(
            work.c.lane, work.c.kind, work.c.key, work.c.due_at, work.c.not_before, work.c.claim_token,
            work.c.claimed_until, work.c.attempts, work.c.error,
        ).where(keys),
        sa.select(placements.c.connection, placements.c.listing, placements.c.id, placements.c.state).where(pending),
        sa.select(items.c.operation_id, items.c.listing).where(items.c.result == ""),
    )  # fmt: skip
    return [" ".join(map(str, row)) for query in queries for row in await reading.execute(query)]


# --- the nursery ----------------------------------------------------------------------------------------------------


def _nurse() -> None:
    """Fork a daemon for each line `{"arguments": […], "environment": {…}, "log": PATH}`; answer `{"pid": N}`."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert threading.active_count() == 1, "a process with threads must not fork"
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _be_born(request)
        print(json.dumps({"pid": pid}), flush=True)  # noqa: T201  (this is the protocol)


def _be_born(request: dict[str, Any]) -> None:
    status = 1
    try:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        os.environ.clear()
        os.environ.update(request["environment"])
        main(request["arguments"])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
