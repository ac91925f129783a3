"""Warm processes that open what strangers sent, so that no file can harm or stall the daemon."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict

from syncd import errors
from syncd.clock import Clock, bounded
from syncd.media import limited


class WorkerLimits(BaseModel):
    """What one job may use, and after how many jobs a worker is replaced (decoders leak).

    A file that is too costly meets `cpu_seconds`; `wall_seconds` is met by a machine that is too slow, so it is longer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory: int = 2_000_000_000
    file_bytes: int = 1_000_000_000
    cpu_seconds: int = 60
    wall_seconds: float = 300.0
    jobs: int = 200

    def of_process(self) -> limited.Limits:
        return {"memory": self.memory, "file_bytes": self.file_bytes, "cpu_seconds": self.cpu_seconds}


log = structlog.get_logger("syncd.media")
_ENDED = frozenset({"memory-limit", "worker-died"})
"""Reasons that a process's death gives; the file may have nothing to do with it."""


class MediaWorkers:
    """A pool of at most `count` workers, started when first needed, each the leader of its own process group."""

    def __init__(self, count: int, limits: WorkerLimits, clock: Clock, *, module: str = "syncd.media.worker") -> None:
        """
        Args:
            module: the module that is run; another one only to serve another table of tasks.
        """
        self._limits = limits
        self._clock = clock
        self._module = module
        self._free = asyncio.Semaphore(count)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live now."""
        return [worker.pid for worker in self._all if worker.alive]

    async def run(self, task: str, args: dict[str, Any]) -> dict[str, Any]:
        """Run one task on the next free worker.

        Args:
            task: a name in `syncd.media.worker.tasks`.
            args: its keyword arguments, as JSON values; files go in and out by path.

        Raises:
            HostileInput: the input was refused, or it used up what a job may use: reasons `time-limit`,
                `memory-limit`, `worker-died`, or the task's own.
            RejectedError: the task refused the input for another reason.
            TransientError: the machine was too slow, or the workers are closing.
            Bug: the task failed for no reason of the input's.
        """
        async with self._free:
            try:
                reply = await self._once(task, args)
            except errors.HostileInput as error:
                if error.reason not in _ENDED:
                    raise
                log.warning("media worker ended", event_id="media.worker-ended", task=task, file=args.get("path"),
                            reason=error.reason, error=error.what)  # fmt: skip
                reply = await self._once(task, args)  # the system may have ended a worker that was doing nothing
        return _result(task, reply)

    async def _once(self, task: str, args: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise errors.TransientError("The media workers are closing.")
        worker = await self._take()
        try:
            reply = await worker.run(task, args)
        except BaseException:
            await self._drop(worker)
            raise
        if worker.jobs >= self._limits.jobs or self._closed:
            await self._drop(worker)
        else:
            self._idle.append(worker)
        return reply

    async def close(self) -> None:
        """Kill every worker and wait until it is gone; jobs under way fail as transient."""
        self._closed = True
        self._idle.clear()
        for worker in list(self._all):
            await self._drop(worker)

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await self._drop(worker)
        worker = _Worker(self._limits, self._clock)
        self._all.add(worker)
        try:
            await worker.start(self._module)
        except BaseException:
            await self._drop(worker)
            raise
        return worker

    async def _drop(self, worker: _Worker) -> None:
        await worker.kill()
        self._all.discard(worker)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, limits: WorkerLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._killed = False
        self.jobs = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, module: str) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**limited.environment(), "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            await bounded(self._clock, self._exchange({"limits": self._limits.of_process()}), self._limits.wall_seconds)
        except (TimeoutError, EOFError, OSError) as error:
            raise errors.TransientError("A media worker did not start.") from error

    async def run(self, task: str, args: dict[str, Any]) -> dict[str, Any]:
        self.jobs += 1
        try:
            work = self._exchange({"task": task, "args": args})
            return await bounded(self._clock, work, self._limits.wall_seconds)
        except TimeoutError as error:
            what = f"The media task {task} did not end within {self._limits.wall_seconds:.0f} s."
            raise errors.TransientError(what) from error
        except (EOFError, OSError) as error:
            raise await self._death(task) from error

    async def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        data = json.dumps(message).encode()
        self._process.stdin.write(len(data).to_bytes(4, "big") + data)
        await self._process.stdin.drain()
        size = int.from_bytes(await self._process.stdout.readexactly(4), "big")
        reply: dict[str, Any] = json.loads(await self._process.stdout.readexactly(size))
        return reply

    async def _death(self, task: str) -> errors.SyncdError:
        """What ended a worker in the middle of a job."""
        assert self._process is not None
        status = await self._process.wait()
        if self._killed:
            return errors.TransientError("The media workers are closing.")
        return death(status, task, self._limits.cpu_seconds)

    async def kill(self) -> None:
        """Kill the worker's whole group and reap it."""
        self._killed = True
        if self._process is None:
            return
        await kill_group(self._process)


async def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process that leads its own session, with all it started, and wait until it is gone."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()


def death(status: int, task: str, cpu_seconds: int) -> errors.HostileInput:
    """Why a limited process ended by itself.

    Args:
        status: its exit status; minus the signal's number if a signal ended it.
    """
    if status == -signal.SIGXCPU:
        what = f"The file took more than {cpu_seconds} s of processor time in {task}."
        return errors.HostileInput("time-limit", what, status=status)
    if status == -signal.SIGKILL:
        return errors.HostileInput("memory-limit", f"The system ended {task}: out of memory.", status=status)
    return errors.HostileInput("worker-died", f"{task} ended with status {status}.", status=status)


def _result(task: str, reply: dict[str, Any]) -> dict[str, Any]:
    if "error" not in reply:
        result: dict[str, Any] = reply["result"]
        return result
    if reply["error"] == "hostile":
        raise errors.HostileInput(reply["reason"], reply["what"], **reply["data"])
    if reply["error"] == "rejected":
        raise errors.RejectedError(reply["what"], **reply["data"])
    raise errors.Bug(f"The media task {task} failed: {reply['what']}")
