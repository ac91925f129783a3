"""A peer's server process, which tests start, hurt and stop."""

from __future__ import annotations

import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.peers.installation import Unavailable
from tests.support.leash import Leashed, environment
from tests.support.postgres import free_port

STARTS_WITHIN = 180.0
"""Seconds until a peer must answer; one takes about ten on a quiet machine."""


class PeerProcess:
    """A program that serves HTTP on a loopback port of its own, the same one after each start."""

    def __init__(self, name: str, folder: Path, health: str) -> None:
        """
        Args:
            folder: where its state and its log lie.
            health: the path that answers 200 once it can work.
        """
        self.name, self.folder, self.port = name, folder, free_port()
        self.log = folder / "run.log"
        self._health = health
        self._changing = threading.RLock()
        self._process: Leashed | None = None
        self._unusual = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        """What is run, in the peer's folder."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Its environment, beside what every program needs."""
        raise NotImplementedError

    def create(self) -> None:
        """Make what it stores its state in, and start it for the first time."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self, **settings: str) -> None:
        """Start it unless it runs, and wait until it answers.

        Args:
            settings: environment variables that differ for this start.
        """
        with self._changing:
            if self.running:
                return
            env = environment(**(self.settings() | settings))
            self._unusual = bool(settings)
            self._process = Leashed(self.command(), self.log, env=env, cwd=self.folder)
            self.wait()

    def wait(self) -> None:
        """Return when it answers."""
        ends = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if not self.running or time.monotonic() > ends:
                raise Unavailable(f"{self.name} did not start. The end of {self.log}:\n{self._tail()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self._health, timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        with self._changing:
            if self._process:
                self._process.end()

    def kill(self) -> None:
        """End it with SIGKILL."""
        with self._changing:
            if self._process:
                self._process.kill()

    def pause(self) -> None:
        """Let it stand still: connections are taken by the system, nothing answers."""
        if self._process:
            self._process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.signal(signal.SIGCONT)

    def recover(self) -> None:
        """Let it run with its own settings, whatever the test before did to it."""
        self.resume()
        if self._unusual:
            self.stop()
        self.start()

    def restart(self, **settings: str) -> None:
        """Stop it and start it, with settings that differ for this start."""
        self.stop()
        self.start(**settings)
