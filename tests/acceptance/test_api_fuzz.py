"""The whole API under generated requests, each scope by itself: no 5xx, no answer that is not described."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.world import World

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


class Process:
    """A daemon as its own process, with some content, and a token of each scope."""

    def __init__(self, root: Path) -> None:
        self.world = World(root)
        self.url = f"http://127.0.0.1:{self.world.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")},
            "SYNCD_ROOT": str(root), "SYNCD_PORT": str(self.world.port), "SYNCD_MIN_FREE_MB": "1",
            "SYNCD_WORKERS": "1", "SYNCD_LOG_LEVEL": "error",
        }  # fmt: skip
        self.world.submit("GL-0001.jpg")
        self.world.submit("GL-0002.jpg", colour="blue")
        self.world.submit("nothing.jpg", colour="green")
        syncd = Path(sys.executable).with_name("syncd")
        self.log = (root / "daemon.log").open("wb")
        self.process = subprocess.Popen([syncd, "run"], env=self.environment, cwd=root, stderr=self.log)
        self.tokens = {"admin": self._first_token(root)}
        self._wait_for_content()
        for scope in ("read", "operate"):
            answer = self._call("POST", "/tokens", json={"name": scope, "scope": scope})
            self.tokens[scope] = str(answer.json()["token"])

    def _first_token(self, root: Path) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (root / "daemon.log").read_text()
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return (root / "var" / "token").read_text().strip()
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError("the daemon did not start")

    def _call(self, method: str, path: str, **options: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['admin']}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, **options)  # type: ignore[arg-type]

    def _wait_for_content(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            items = self._call("GET", "/versions").json()["items"]
            if len(items) == 3 and all(item["status"] == "in_review" for item in items):
                return
            time.sleep(0.1)
        raise TimeoutError("the submissions were not checked in time")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Process]:
    daemon = Process(tmp_path)
    yield daemon
    daemon.stop()


def fuzz(daemon: Process, scope: str, *, seed: int, examples: int) -> subprocess.CompletedProcess[str]:
    """Run the generator against the described API with one scope's token."""
    return subprocess.run(
        [
            SCHEMATHESIS, "run", f"{daemon.url}/api/openapi.json", "--header",
            f"Authorization: Bearer {daemon.tokens[scope]}", "--seed", str(seed), "--max-examples", str(examples),
            "--phases", "fuzzing,stateful", "--checks", CHECKS, "--no-color", "--workers", "1",
            "--generation-database", "none", "--request-timeout", "30",
        ],
        capture_output=True, text=True, cwd=daemon.world.root, check=False,
    )  # fmt: skip


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scope", ["read", "operate", "admin"])
def test_no_request_brings_an_undocumented_answer(daemon: Process, scope: str) -> None:
    found = fuzz(daemon, scope, seed=1, examples=20)
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    assert daemon.process.poll() is None


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scope", ["read", "operate", "admin"])
def test_no_request_of_many_brings_an_undocumented_answer(daemon: Process, scope: str, seed: int) -> None:
    found = fuzz(daemon, scope, seed=seed, examples=200)
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
