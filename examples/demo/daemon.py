"""The real daemon as its own process, and the real command line that talks to it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

USUAL_PORT = 8371
_SYNCD = Path(sys.executable).with_name("syncd")


class DemoFailed(Exception):
    """The story cannot go on; says why."""


class Daemon:
    """`syncd run` on a folder, until `stop`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hook_key = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.log = root / "syncd.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What `syncd` is told: where its folder is, its port, and the one secret of the connections."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        return kept | {
            "SYNCD_ROOT": str(self.root),
            "SYNCD_PORT": str(self.port),
            "SYNCD_LOG_FORMAT": "console",
            "SYNCD_MIN_FREE_MB": "64",
            "CREATORS_HOOK_KEY": self.hook_key,
        }

    def start(self, seconds: float = 120.0) -> None:
        """Start it and wait until it can work.

        Raises:
            DemoFailed: it ended, or was not ready in time.
        """
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [_SYNCD, "run"], cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.require_alive()
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise DemoFailed(f"The daemon was not ready after {seconds:.0f} s; its log is {self.log}.")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def require_alive(self) -> None:
        """Raises: DemoFailed: the daemon ended."""
        if self._process is None or self._process.poll() is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-12:]) if self.log.exists() else ""
            raise DemoFailed(f"The daemon ended by itself. The end of its log ({self.log}):\n{last}")

    def stop(self, seconds: float = 30.0) -> int | None:
        """Ask it to drain and end, as a service manager does; whatever does not end is killed.

        Returns:
            its exit code; None if it never ran.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _kill_group(process.pid)
        return process.wait()

    def command(self, *arguments: str, seconds: float = 120.0) -> str:
        """What a command of `syncd` prints.

        Raises:
            DemoFailed: it refused; with its own words.
        """
        done = subprocess.run(  # noqa: S603  # our own program
            [_SYNCD, *arguments], cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            self.require_alive()
            said = (done.stderr or done.stdout).strip()
            raise DemoFailed(f"syncd {' '.join(arguments)} ended with {done.returncode}: {said}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command answers with `--json`."""
        return json.loads(self.command(*arguments, "--json"))


def _kill_group(group: int) -> None:
    """End whatever is left of the daemon's process group, its media workers too."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_port() -> int:
    """The usual port where nobody has it, else one that is free."""
    for wanted in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("No port is free on 127.0.0.1.")
