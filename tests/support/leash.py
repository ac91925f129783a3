"""Lets nothing outlive the test run: processes that end with it, and commands that are run if it ends too early."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
STOPS_WITHIN = 20.0
"""Seconds a process has to end by itself once it is asked to."""


def _guard(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, str(GUARD), *arguments], stdin=subprocess.PIPE, text=True, start_new_session=True, **options
    )


class Leashed:
    """A process in a session of its own that is killed when the test run ends, be it by SIGKILL."""

    def __init__(self, command: Sequence[str], log: Path, *, env: Mapping[str, str], cwd: Path) -> None:
        """
        Args:
            log: what the process writes is added to this file.
            env: its whole environment.
        """
        with log.open("ab") as out:
            self._guard = _guard("keep", *command, stdout=subprocess.PIPE, stderr=out, env=dict(env), cwd=cwd)
        self.pid = int(self._hear())
        """The process's id, which is its group's as well."""

    def _hear(self) -> str:
        assert self._guard.stdout
        return self._guard.stdout.readline()

    @property
    def running(self) -> bool:
        return self._guard.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; returns when it was sent or the process has ended."""
        assert self._guard.stdin
        if not self.running:
            return
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(f"{number:d}\n")
            self._guard.stdin.flush()
            self._hear()

    def end(self) -> None:
        """Ask it to end, kill it if it does not, and wait until it is gone."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(STOPS_WITHIN)
        self.kill()

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        assert self._guard.stdin
        if not self._guard.stdin.closed:
            self._guard.communicate(timeout=STOPS_WITHIN)


class LastWill:
    """A command that is run when the test run ends without having released it."""

    def __init__(self, command: Sequence[str], *, user: str | None = None) -> None:
        self._guard = _guard("then", user or "", *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def release(self) -> None:
        """What the command would do was done."""
        self._guard.communicate("free\n", timeout=STOPS_WITHIN)


def environment(**values: str) -> dict[str, str]:
    """What any program needs from this process's environment, and the values given; nothing else gets in."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return inherited | values
