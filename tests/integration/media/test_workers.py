"""Workers are bounded, replaced and gone in the end, whatever a job does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import SystemClock
from syncd.errors import Bug, HostileInput, TransientError
from syncd.media.workers import MediaWorkers, WorkerLimits
from syncd.testing.clock import ManualClock

MODULE = "tests.integration.media.worker_tasks"


@pytest.fixture
async def make_pool() -> AsyncIterator[Callable[..., MediaWorkers]]:
    pools = []

    def make(count: int = 1, clock: Any = None, **limits: Any) -> MediaWorkers:
        bounds = WorkerLimits(**{"memory": 1_000_000_000, "cpu_seconds": 5, "wall_seconds": 30, **limits})
        pools.append(MediaWorkers(count, bounds, clock or SystemClock(), module=MODULE))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.01)


async def reason(pool: MediaWorkers, task: str, **args: Any) -> str:
    with pytest.raises(HostileInput) as caught:
        await pool.run(task, args)
    return caught.value.reason


async def test_a_worker_is_kept_warm_and_replaced_after_its_jobs(make_pool: Callable[..., MediaWorkers]) -> None:
    pool = make_pool(jobs=3)
    pids = [(await pool.run("echo", {}))["pid"] for _ in range(7)]
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4] == pids[5] != pids[6]
    await gone(pids[0])


async def test_workers_run_at_once_up_to_their_count(make_pool: Callable[..., MediaWorkers]) -> None:
    pool = make_pool(count=2)
    answers = await asyncio.gather(*(pool.run("echo", {"n": n}) for n in range(8)))
    assert [each["n"] for each in answers] == list(range(8))
    assert len({each["pid"] for each in answers}) == 2


async def test_processor_time_is_bounded_per_job(make_pool: Callable[..., MediaWorkers]) -> None:
    pool = make_pool(cpu_seconds=1)
    first = await pool.run("echo", {})
    assert await reason(pool, "burn") == "time-limit"
    assert (await pool.run("echo", {}))["pid"] != first["pid"]


async def test_memory_and_file_size_are_bounded(make_pool: Callable[..., MediaWorkers], tmp_path: Path) -> None:
    pool = make_pool(file_bytes=5_000_000)
    assert await reason(pool, "grow") == "memory-limit"
    with pytest.raises(Bug, match="File too large"):
        await pool.run("fill", {"path": str(tmp_path / "big")})
    assert (tmp_path / "big").stat().st_size <= 5_000_000


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (signal.SIGKILL, "memory-limit"),
        (signal.SIGXCPU, "time-limit"),
        (signal.SIGSEGV, "worker-died"),
        (signal.SIGABRT, "worker-died"),
    ],
)
async def test_a_death_in_a_job_is_named_and_the_next_job_runs(
    make_pool: Callable[..., MediaWorkers], number: signal.Signals, named: str
) -> None:
    pool = make_pool()
    assert await reason(pool, "die", signal=int(number)) == named
    assert await pool.run("print", {}) == {"fine": True}


async def test_a_worker_that_died_while_idle_is_replaced(make_pool: Callable[..., MediaWorkers]) -> None:
    pool = make_pool()
    pid = (await pool.run("echo", {}))["pid"]
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    await asyncio.sleep(0)
    assert (await pool.run("echo", {}))["pid"] != pid


async def test_the_deadline_kills_the_whole_group(make_pool: Callable[..., MediaWorkers], tmp_path: Path) -> None:
    clock = ManualClock()
    pool = make_pool(clock=clock, wall_seconds=10)
    note = tmp_path / "note"
    work = asyncio.ensure_future(pool.run("hang", {"note": str(note)}))
    while not (note.exists() and note.read_text().count(" ") == 1):
        await asyncio.sleep(0.01)
    assert not work.done()
    await clock.advance(11)
    with pytest.raises(TransientError):
        await work
    for pid in note.read_text().split():
        await gone(int(pid))


async def test_a_cancelled_job_takes_its_worker_with_it(make_pool: Callable[..., MediaWorkers], tmp_path: Path) -> None:
    pool = make_pool()
    note = tmp_path / "note"
    work = asyncio.ensure_future(pool.run("hang", {"note": str(note)}))
    while not (note.exists() and note.read_text().count(" ") == 1):
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    for pid in note.read_text().split():
        await gone(int(pid))
    assert (await pool.run("echo", {"n": 1}))["n"] == 1


async def test_closing_leaves_no_process_and_fails_what_runs(
    make_pool: Callable[..., MediaWorkers], tmp_path: Path
) -> None:
    pool = make_pool(count=2)
    idle = (await pool.run("echo", {}))["pid"]
    note = tmp_path / "note"
    work = asyncio.ensure_future(pool.run("hang", {"note": str(note)}))
    while not (note.exists() and note.read_text().count(" ") == 1):
        await asyncio.sleep(0.01)
    await pool.close()
    with pytest.raises(TransientError):
        await work
    for pid in (idle, *map(int, note.read_text().split())):
        await gone(pid)
    with pytest.raises(TransientError):
        await pool.run("echo", {})


async def test_a_worker_sees_no_secret_of_the_environment(
    make_pool: Callable[..., MediaWorkers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_TOKEN", "s3cret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    names = (await make_pool().run("environment", {}))["names"]
    assert "PATH" in names
    assert not {"SYNCD_TOKEN", "AWS_SECRET_ACCESS_KEY"} & set(names)


async def test_a_killed_daemon_leaves_no_worker() -> None:
    program = (
        "import asyncio\n"
        "from syncd.clock import SystemClock\n"
        "from syncd.media.workers import MediaWorkers, WorkerLimits\n"
        "async def main():\n"
        f"    pool = MediaWorkers(1, WorkerLimits(), SystemClock(), module={MODULE!r})\n"
        "    print((await pool.run('echo', {}))['pid'], flush=True)\n"
        "    await pool.run('burn', {})\n"
        "asyncio.run(main())\n"
    )
    daemon = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert daemon.stdout is not None
    pid = int(await asyncio.to_thread(daemon.stdout.readline))
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    await gone(pid)
