"""What was acknowledged survives a power cut: writes that were not synced are lost, and nothing is missed."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import fsyncdrop
from tests.support.fsyncdrop import Call, Disk

ITEMS = 500
POINTS = 40
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = fsyncdrop.compile_library(tmp_path_factory.mktemp("library"))
    if built is None:
        pytest.skip("no C compiler (cc) here: what a power cut leaves was not tested")
    return built


def record(library: Path, folder: Path, *arguments: str) -> list[Call]:
    """Run an inbox that acknowledges ITEMS items; the calls it made on its files."""
    house = folder / "house"
    house.mkdir()
    log = folder / "calls"
    environment = {**os.environ, "LD_PRELOAD": str(library), "FSYNCDROP_LOG": str(log),
                   "FSYNCDROP_FOLDER": str(house), "PYTHONPATH": os.pathsep.join(sys.path)}  # fmt: skip
    command = [sys.executable, "-m", "tests.support.inbox_process", str(house), str(ITEMS), *arguments]
    subprocess.run(command, check=True, env=environment, cwd=REPOSITORY, timeout=100)
    return fsyncdrop.read_log(log)


def lost_at(calls: Sequence[Call], point: int, folder: Path, rng: random.Random | None) -> str:
    """What is wrong with the ledger if the power fails after `point` calls; "" if nothing is."""
    disk = Disk()
    for call in calls[:point]:
        disk.carry_out(call)
    folder.mkdir()
    disk.crash(folder, rng)
    acknowledged = set(disk.acknowledged.decode().split())
    if not acknowledged:
        return ""
    try:
        ledger = sqlite3.connect(folder / "ledger.db")
        try:
            [sound] = [row[0] for row in ledger.execute("PRAGMA integrity_check")]
            kept = {row[0] for row in ledger.execute("SELECT vendor_id FROM inbox")}
        finally:
            ledger.close()
    except sqlite3.Error as error:
        return f"it does not open: {error}"
    if sound != "ok":
        return f"it is damaged: {sound}"
    return f"lost: {sorted(acknowledged - kept)}" if acknowledged - kept else ""


def faults(calls: Sequence[Call], folder: Path) -> list[str]:
    """Power cuts at drawn points and at the end: once with all that waited lost, once with a part of it."""
    rng = random.Random(len(calls))
    first = next(number for number, call in enumerate(calls) if call.path.endswith(".acks"))
    points = [*rng.sample(range(first, len(calls)), POINTS - 1), len(calls)]
    return [
        f"after {point} of {len(calls)} calls {fault}"
        for number, point in enumerate(points)
        for part in (None, random.Random(point))
        if (fault := lost_at(calls, point, folder / f"{number}{'a' if part else 'b'}", part))
    ]


def test_nothing_acknowledged_is_lost_when_the_power_fails(library: Path, tmp_path: Path) -> None:
    calls = record(library, tmp_path)
    synced = [call.path for call in calls if call.kind == "S"]
    assert any(path.endswith("-wal") for path in synced)
    assert any(path.endswith("ledger.db") for path in synced), "no checkpoint came: the run is too short"
    assert faults(calls, tmp_path) == []


def test_without_synchronous_writes_acknowledged_items_would_be_lost(library: Path, tmp_path: Path) -> None:
    assert faults(record(library, tmp_path, "OFF"), tmp_path) != []
