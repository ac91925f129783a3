"""Intake committed before it is acknowledged: the webhook route against a handler that stores nothing and against one
transaction for each request, on this disk and on one whose fsync takes 2 ms longer.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.intake_client import CONNECTIONS
from bench.intake_server import PER_SECOND, WRITERS
from bench.report import Line, median_ratio, per_second

ROUNDS = 5
SECONDS = 3.0
SLOWER_US = 2000
_SOURCE = Path(__file__).with_name("slow_fsync.c")


@dataclass
class Rounds:
    """What the rounds of one server gave: requests per second, 99th percentile in ms, the writers' commits."""

    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{per_second(self.rates)}, p99 {statistics.median(self.p99):.0f} ms"


def measure() -> list[Line]:
    """Both disks; the slower one only where a C compiler is."""
    lines = _compare({}, "", 2.0)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        library = _build(Path(folder))
        if library is None:
            return [*lines, Line("the same with 2 ms more for each fsync", "not measured: no C compiler", "")]
        slower = {"LD_PRELOAD": str(library), "SYNCD_BENCH_FSYNC_US": str(SLOWER_US)}
        return lines + _compare(slower, f", {SLOWER_US / 1000:g} ms more for each fsync", 4.0)


def _build(folder: Path) -> Path | None:
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "slow_fsync.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


def _compare(environment: Mapping[str, str], disk: str, aim: float) -> list[Line]:
    rounds = {kind: Rounds() for kind in ("bare", "single", "product")}
    for _ in range(ROUNDS):
        for kind, found in rounds.items():
            _round(kind, found, environment)
    product, bare, single = rounds["product"], rounds["bare"], rounds["single"]
    what = f"webhooks committed before 202, {CONNECTIONS} at a time, {WRITERS} writers of {PER_SECOND}/s beside{disk}"
    against_bare = Line(
        what, str(product), f"stores nothing: {bare}", median_ratio(product.rates, bare.rates), 0.4, "x bare handler"
    )
    against_single = Line(
        what, str(product), f"a transaction each: {single}", median_ratio(product.rates, single.rates), aim,
        "x transaction each",
    )  # fmt: skip
    beside = ", ".join(f"{kind} {statistics.median(found.written):,.0f}" for kind, found in rounds.items())
    shown = Line(f"events its writers committed in about {SECONDS + 1:g} s{disk}", beside, "")
    return [against_single, shown] if disk else [against_bare, against_single, shown]


def _round(kind: str, found: Rounds, environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder, _server(kind, folder, environment) as server:
        port = server.stdout.readline().strip() if server.stdout else ""
        client = [sys.executable, "-m", "bench.intake_client", port, str(SECONDS)]
        run = subprocess.run(client, capture_output=True, text=True, check=True, timeout=120)
        rate, p99 = (float(word) for word in run.stdout.split())
        found.rates.append(rate)
        found.p99.append(p99)
        told, _ = server.communicate(timeout=60)
        found.written.append(int(told.split()[-1]))


@contextmanager
def _server(kind: str, folder: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.intake_server", kind, folder]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
