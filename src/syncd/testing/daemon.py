"""The real daemon as its own process, moved through time and killed by a test.

with Nursery() as nursery:
    daemon = Daemon(root, nursery=nursery)
    daemon.start()
    daemon.settle()
    daemon.kill()
    daemon.start()
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from syncd.testing.clock import START

STARTING_SECONDS = 60.0
ANSWERING_SECONDS = 240.0
_MODULE = "syncd.testing.process"


class DaemonDied(Exception):
    """The daemon's process is gone; its log says why."""


@dataclass(frozen=True)
class Answer:
    """What the daemon answered over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class Nursery:
    """One process that has imported everything and forks daemons from there."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        command = [sys.executable, "-W", "error", "-m", _MODULE, "--nursery"]
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=_environment({})
        )

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start a daemon; returns its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        with self._turn:
            self._process.stdin.write(json.dumps(request) + "\n")
            answer = self._process.stdout.readline()
        if not answer:
            raise DaemonDied(f"the nursery ended with status {self._process.wait(10)}")
        return int(json.loads(answer)["pid"])

    def close(self) -> None:
        """End the nursery, and with it the daemons it forked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(STARTING_SECONDS)  # it may have been asked for nothing, and still import
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


@dataclass
class Daemon:
    """One daemon on one root folder. `now` goes on where it was when the process is started again.

    `environment` adds settings (SYNCD_…) and secrets; `arguments` are further ones of `syncd.testing.process`.
    """

    root: Path
    nursery: Nursery | None = None
    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    now: datetime = START
    port: int = 0
    pid: int = 0

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="syncd-daemon-"))
        self.log = self.folder / "log"
        self._socket: socket.socket | None = None
        self._lines: Any = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> None:
        """Start the process and wait until it serves.

        Raises:
            DaemonDied: it ended before that.
        """
        path = self.folder / "clock"
        path.unlink(missing_ok=True)
        command = ["--socket", str(path), "--at", self.now.isoformat(), *self.arguments, *arguments]
        settings = {"SYNCD_ROOT": str(self.root), "SYNCD_PORT": str(self.port), "SYNCD_WORKERS": "1",
                    "SYNCD_MIN_FREE_MB": "0"}  # fmt: skip
        environment = _environment({**settings, **self.environment})
        if self.nursery:
            self.pid = self.nursery.fork(command, environment, self.log)
        else:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603  (our own module)
                    [sys.executable, "-m", _MODULE, *command], env=environment, stdout=log, stderr=log
                )
            self.pid = self._process.pid
        self._connect(path)

    def _connect(self, path: Path) -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(ANSWERING_SECONDS)
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                self._socket.close()
            if not self.alive() or time.monotonic() > deadline:
                raise DaemonDied(f"it did not start:\n{self.tail()}")
            time.sleep(0.005)
        self._lines = self._socket.makefile("rb")
        self.ask("now")

    def alive(self) -> bool:
        """Whether the process runs."""
        if self._process:
            return self._process.poll() is None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> int | None:
        """SIGTERM, and wait until it has drained; its exit status (None if a nursery forked it)."""
        self._disconnect()
        self.signal(signal.SIGTERM)
        return self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send any signal, such as SIGSTOP and SIGCONT."""
        assert self.pid > 0, "it was never started, and 0 would mean the test's own process group"
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self) -> int | None:
        """Wait until the process is gone."""
        deadline = time.monotonic() + STARTING_SECONDS
        while self.alive():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.pid} does not end:\n{self.tail()}")
            time.sleep(0.002)
        self._disconnect()
        return self._process.returncode if self._process else None

    def _disconnect(self) -> None:
        if self._lines:
            self._lines.close()
        if self._socket:
            self._socket.close()
        self._lines = self._socket = None

    def close(self) -> None:
        """End it if it runs, and remove its files (the root stays)."""
        if self.pid and self.alive():
            self.signal(signal.SIGCONT)
            self.kill()
        self._disconnect()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    # --- time ----------------------------------------------------------------------------------------------------

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send one command to the clock's socket.

        Raises:
            DaemonDied: the process ended before it answered.
        """
        assert self._socket is not None
        try:
            self._socket.sendall(json.dumps({"do": do, **request}).encode() + b"\n")
            line = self._lines.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        except TimeoutError as error:
            raise TimeoutError(f"no answer to {do}:\n{self.tail()}") from error
        if not line:
            raise DaemonDied(f"it ended while asked to {do}:\n{self.tail()}")
        answer: dict[str, Any] = json.loads(line)
        self.now = datetime.fromisoformat(answer["now"])
        return answer

    def advance(self, seconds: float) -> dict[str, Any]:
        """Let time pass in the daemon. If it dies meanwhile, the time has passed all the same."""
        target = self.now + timedelta(seconds=seconds)
        try:
            return self.ask("advance", seconds=seconds)
        except DaemonDied:
            self.now = target
            raise

    def wait_idle(self) -> dict[str, Any]:
        """Return when nothing runs; how long until something wakes is under `next`."""
        return self.ask("idle")

    def settle(self, most: float = 600.0, within: float = 10.0) -> float:
        """Let time pass until only what comes back for ever is due `within` seconds; returns how long it took."""
        passed = 0.0
        while True:
            self.wait_idle()
            unrest = self.ask("unrest", within=within)["unrest"]
            if not unrest:
                return passed
            if passed >= most:
                raise TimeoutError(f"it does not come to rest within {most:.0f} s: {unrest}\n{self.tail()}")
            self.advance(1.0)
            passed += 1.0

    # --- HTTP ----------------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one HTTP request.

        Raises:
            DaemonDied: no answer came.
        """
        request = Request(f"{self.url}{path}", data=body, headers=dict(headers or {}), method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=ANSWERING_SECONDS) as reply:  # noqa: S310  (always our own loopback URL)
                return Answer(reply.status, reply.read(), dict(reply.headers))
        except HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.read(), dict(refused.headers))
        except OSError as error:
            raise DaemonDied(f"no answer to {method} {path}: {error}\n{self.tail()}") from error

    def api(self, method: str, path: str, body: Any = None) -> Answer:
        """Call the admin API with the first token; `path` is below /api/v1."""
        token = (self.root / "var" / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self.request(method, f"/api/v1{path}", data, headers)


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **settings}
