"""Where a daemon under test can be killed: before and after every commit and every call that leaves the process.

A point is named by the stage that reached it and its number within that stage, so that the same point is found again in
another run although tasks interleave differently.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from syncd.engine.engine import Engine
from syncd.engine.handler import Handler, Outcome
from syncd.engine.work import Claim
from syncd.ledger.store import Ledger
from syncd.ledger.tables.core import placements
from syncd.media.workers import MediaWorkers
from syncd.sdk.registry import Registry
from syncd.sdk.system import System

STAGES = frozenset({
    "inbox", "poll", "intake", "collect", "check", "review", "match", "locate", "mirror", "observe", "render",
    "archive", "link", "publish", "takedown", "respond",
})  # fmt: skip
"""Stages in which a kill leaves work half done; all others (leases, seals, starting) are between work."""

TAKEDOWN = "takedown"
_CONVERGING = ("archive", "link", "publish")
_CALLS = (
    "apply", "observe", "check_gone", "put", "withdraw", "attach", "detach", "read", "products", "poll", "open",
    "stored", "respond",
)  # fmt: skip
_FILE_MOVES = ("rename", "replace", "link")
_BY_TASK = {"Inbox._write": "inbox", "Engine._serve_lane": "claim", "Engine.run": "lease", "Engine._keep": "heartbeat"}
_stage: ContextVar[str] = ContextVar("stage", default="")


class Points:
    """Counts the points a run passes, and ends the process at one of them."""

    def __init__(self, crash: str, note: Path | None) -> None:
        """
        Args:
            crash: the point to die at: `STAGE:NUMBER`, or `STAGE:ACT` for the first of its kind; "" to die nowhere.
            note: file that is written just before dying: JSON with `point`, `act`, `stage` and `running`, the kinds of
                work in flight.
        """
        stage, _, which = crash.partition(":")
        self._crash = (stage, int(which) if which.isdigit() else which)
        self._note = note
        self.passed: Counter[str] = Counter()
        self.acts: list[tuple[str, int, str]] = []
        self.running: Counter[str] = Counter()

    def reached(self, act: str) -> None:
        """Note that the process is at a point, and die if it is the one."""
        stage = current_stage()
        self.passed[stage] += 1
        number = self.passed[stage]
        self.acts.append((stage, number, act))
        if self._crash in ((stage, number), (stage, act)):
            self._die(stage, number, act)

    def _die(self, stage: str, number: int, act: str) -> None:
        if self._note:
            running = sorted(+self.running)
            note = {"point": f"{stage}:{number}", "act": act, "stage": stage, "running": running}
            self._note.write_text(json.dumps(note))
        os.kill(os.getpid(), signal.SIGKILL)


def current_stage() -> str:
    """The kind of work this code runs for, or what the daemon does for itself."""
    if stage := _stage.get():
        return stage
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "start"
    coroutine = task.get_coro() if task else None
    return _BY_TASK.get(getattr(coroutine, "__qualname__", ""), "start")


# --- commits, files, connectors -------------------------------------------------------------------------------------


def watch_commits(points: Points) -> None:
    """Two points for every commit of this process."""
    original = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        points.reached("before commit")
        original(self, connection)  # type: ignore[no-untyped-call]  # SQLAlchemy's has no types
        points.reached("after commit")

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def watch_files(points: Points, root: Path) -> None:
    """Two points for every file below `root` that gets another name."""
    prefix = f"{root.resolve()}{os.sep}"
    for name in _FILE_MOVES:
        setattr(os, name, _counted_move(getattr(os, name), name, points, prefix))


def _counted_move(original: Callable[..., None], name: str, points: Points, prefix: str) -> Callable[..., None]:
    @functools.wraps(original)
    def move(source: Any, target: Any, **options: Any) -> None:
        ours = os.path.abspath(os.fsdecode(target)).startswith(prefix)
        if ours:
            points.reached(f"before {name}")
        original(source, target, **options)
        if ours:
            points.reached(f"after {name}")

    return move


def watch_workers(points: Points) -> None:
    """Two points for every job of a media worker."""
    original = MediaWorkers.run

    async def run(self: MediaWorkers, task: str, args: dict[str, Any]) -> dict[str, Any]:
        points.reached(f"before {task}")
        result = await original(self, task, args)
        points.reached(f"after {task}")
        return result

    MediaWorkers.run = run  # type: ignore[method-assign]


def counted_registry(points: Points) -> type[Registry]:
    """A Registry whose connectors have two points for every call of their methods."""

    class CountedRegistry(Registry):
        @classmethod
        def discover(cls, root: Path) -> Registry:
            found = Registry.discover(root)
            return Registry({name: _counted_system(plain, points) for name, plain in found.systems.items()},
                            found.problems)  # fmt: skip

    return CountedRegistry


def _counted_system(plain: type[System], points: Points) -> type[System]:
    methods = {call: _counted(plain, call, points) for call in _CALLS if hasattr(plain, call)}
    return type(plain.__name__, (plain,), methods)


def _counted(plain: type[Any], call: str, points: Points) -> Callable[..., Any]:
    original = getattr(plain, call)
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def counted(self: Any, *args: Any, **options: Any) -> Any:
            _follow(call, args)
            points.reached(f"before {call}")
            result = await original(self, *args, **options)
            points.reached(f"after {call}")
            return result

        return counted

    @functools.wraps(original)
    async def counted_each(self: Any, *args: Any, **options: Any) -> Any:
        points.reached(f"before {call}")
        async for item in original(self, *args, **options):
            yield item
        points.reached(f"after {call}")

    return counted_each


def _follow(call: str, args: Sequence[Any]) -> None:
    """A call that only takes away makes its run a takedown."""
    if _stage.get() not in _CONVERGING:
        return
    changes = args[0] if call == "apply" else ()
    if call in ("withdraw", "detach") or any(change.remove and not change.add for change in changes):
        _stage.set(TAKEDOWN)


# --- work -----------------------------------------------------------------------------------------------------------


def staged_engine(points: Points) -> type[Engine]:
    """An Engine whose handlers say for which stage they run."""

    class StagedEngine(Engine):
        def __init__(self, ledger: Ledger, *args: Any, local: Any, connection: Any, **options: Any) -> None:
            local = [_Staged(handler, ledger, points) for handler in local]
            connection = [_Staged(handler, ledger, points) for handler in connection]
            super().__init__(ledger, *args, local=local, connection=connection, **options)

    return StagedEngine


class _Staged:
    """A handler that names its stage for all that happens until its task ends, the finishing commit included."""

    def __init__(self, handler: Handler, ledger: Ledger, points: Points) -> None:
        self._handler, self._ledger, self._points = handler, ledger, points
        self.kind, self.batch, self.parallel = handler.kind, handler.batch, handler.parallel

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        stage = TAKEDOWN if self.kind in _CONVERGING and await self._withdraws(claims) else self.kind
        _stage.set(stage)
        task = asyncio.current_task()
        assert task is not None
        if stage in STAGES:
            self._points.running[stage] += 1
            task.add_done_callback(lambda _: self._points.running.subtract([stage]))
        return await self._handler.run(claims)

    async def _withdraws(self, claims: Sequence[Claim]) -> bool:
        query = sa.select(placements.c.id).where(
            placements.c.connection == claims[0].lane,
            placements.c.listing.in_([claim.key for claim in claims]),
            placements.c.state == "withdrawing",
        )
        async with self._ledger.read() as reading:
            return (await reading.execute(query.limit(1))).first() is not None
