"""A studio that runs the real workers and tools, and pictures made from the shipped photographs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import SystemClock
from syncd.media.blobs import BlobStore
from syncd.media.ffmpeg import FFmpeg
from syncd.media.studio import Studio
from syncd.media.workers import MediaWorkers, WorkerLimits

SAMPLES = Path(__file__).parents[3] / "examples" / "media"
ORIGIN: dict[str, Any] = {"source": "https://channel.example/spec", "dated": date(2026, 11, 3)}


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore.open(str(tmp_path / "blobs"))


@pytest.fixture
async def workers() -> AsyncIterator[MediaWorkers]:
    pool = MediaWorkers(1, WorkerLimits(memory=1_500_000_000, cpu_seconds=20, wall_seconds=60), SystemClock())
    yield pool
    await pool.close()


@pytest.fixture
def ffmpeg() -> FFmpeg:
    found = FFmpeg.find(SystemClock())
    if found is None:
        pytest.skip("there is no ffmpeg here: its tests were not run")
    return found


@pytest.fixture
def studio(blobs: BlobStore, workers: MediaWorkers, ffmpeg: FFmpeg) -> Studio:
    return Studio(blobs, workers, ffmpeg, SystemClock())
