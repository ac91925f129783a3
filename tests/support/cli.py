"""The command line, run as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(root: Path, port: int) -> dict[str, str]:
    """What a daemon below `root` and its command line share."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
    own = {"SYNCD_ROOT": str(root), "SYNCD_PORT": str(port), "SYNCD_MIN_FREE_MB": "1", "SYNCD_WORKERS": "1"}
    return {**kept, **own, "TZ": "Europe/Berlin", "NO_COLOR": "1"}


async def start(root: Path, port: int, *arguments: str) -> asyncio.subprocess.Process:
    """Start `syncd …`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from syncd.cli import main; main()", *arguments, env=environment(root, port), cwd=root,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def syncd(root: Path, port: int, *arguments: str) -> Ran:
    """Run `syncd …` to its end."""
    process = await start(root, port, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
