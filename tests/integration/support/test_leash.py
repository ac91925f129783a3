"""What a test run started ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.leash import LastWill, Leashed, environment

SLEEPER = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()",
]


def until(condition, seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def leashed(tmp_path: Path, command: list[str]) -> Leashed:
    log = tmp_path / "log"
    process = Leashed(command, log, env=environment(), cwd=tmp_path)
    until(lambda: b"up" in log.read_bytes())
    return process


def test_a_leashed_process_ends_when_asked(tmp_path):
    process = leashed(tmp_path, SLEEPER)
    assert process.running
    assert alive(process.pid)
    process.end()
    assert not process.running
    assert not alive(process.pid)


def test_a_stopped_process_is_killed_as_well(tmp_path):
    process = leashed(tmp_path, STUBBORN)
    process.signal(signal.SIGSTOP)
    process.kill()
    assert not alive(process.pid)
    process.signal(signal.SIGCONT)  # nobody is there: nobody gets it
    process.kill()


def test_a_test_run_that_is_killed_leaves_nothing_behind(tmp_path):
    marker = tmp_path / "will"
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.support.leash import *\n"
        f"p = Leashed({STUBBORN!r}, Path({str(tmp_path / 'log')!r}), env=environment(), cwd=Path('.'))\n"
        f"w = LastWill(['touch', {str(marker)!r}])\n"
        "print(p.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert run.returncode == -signal.SIGKILL
    until(lambda: not alive(int(run.stdout)))
    until(marker.exists)


def test_a_will_that_was_released_is_not_carried_out(tmp_path):
    marker = tmp_path / "will"
    will = LastWill(["touch", str(marker)])
    will.release()
    assert not marker.exists()
