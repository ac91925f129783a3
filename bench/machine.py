"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

from tests.support.postgres import find_binaries

_BUSY = 0.5


def describe() -> dict[str, str]:
    """The machine and the versions that matter, by what they are."""
    facts = {
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "memory": f"{_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _postgres(),
    }
    return facts | {name: version(name) for name in ("aiohttp", "sqlalchemy", "pillow", "pyvips", "pgqueuer")}


def busy() -> str:
    """A warning if others load this machine now, else nothing; figures taken then say little."""
    load = os.getloadavg()[0]
    return f"The load is {load:.1f} before the start: others use this machine." if load > _BUSY else ""


def most_memory() -> float:
    """MiB of this program at most; `ru_maxrss` would count what started it as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _cpu() -> str:
    known = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return known[1] if known else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _postgres() -> str:
    binaries = find_binaries()
    if binaries is None:
        return "not installed"
    said = subprocess.run([binaries / "pg_ctl", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1].strip() if ")" not in said.stdout else said.stdout.split(")")[1].split()[0]
