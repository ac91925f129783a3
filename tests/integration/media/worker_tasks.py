"""Tasks that misbehave, served by a real worker process: `python -m tests.integration.media.worker_tasks`."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

from syncd.media import worker


def _echo(**args: Any) -> dict[str, Any]:
    return {"pid": os.getpid(), **args}


def _burn() -> dict[str, Any]:
    while True:
        pass


def _hang(note: str) -> dict[str, Any]:
    """Never end, and leave a child behind that holds on too."""
    child = subprocess.Popen(["sleep", "600"])
    with open(note, "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return {}


def _grow() -> dict[str, Any]:
    return {"size": len(bytearray(3_000_000_000))}


def _fill(path: str) -> dict[str, Any]:
    with open(path, "wb") as file:
        file.writelines(bytes(1_000_000) for _ in range(100))
    return {}


def _die(signal: int) -> dict[str, Any]:
    os.kill(os.getpid(), signal)
    return {}


def _environment() -> dict[str, Any]:
    return {"names": sorted(os.environ)}


def _print() -> dict[str, Any]:
    os.write(1, b"noise of a decoder")
    print("more noise", flush=True)
    return {"fine": True}


if __name__ == "__main__":
    tasks = (_echo, _burn, _hang, _grow, _fill, _die, _environment, _print)
    worker.main(lambda: {task.__name__[1:]: task for task in tasks})
