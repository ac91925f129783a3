"""Every hostile file is refused with a named reason, in little time and memory, and the worker lives on."""

from __future__ import annotations

import random
import shutil
import sys
import time
from pathlib import Path

import pytest

from syncd.clock import SystemClock
from syncd.domain.media import MediaLimits
from syncd.errors import HostileInput
from syncd.media.blobs import BlobStore
from syncd.media.ffmpeg import FFmpeg
from syncd.media.studio import Studio
from syncd.media.workers import MediaWorkers, WorkerLimits
from tests.integration.media.conftest import SAMPLES
from tests.integration.media.hostile_files import CLASSES

SECONDS = 10.0  # of wall time for one file, on a loaded machine
MEMORY = 500_000_000  # bytes of resident memory of the worker, at its highest


async def _reason(studio: Studio, blobs: BlobStore, name: str, data: bytes) -> str:
    blob = await blobs.put_bytes(data)
    try:
        facts = await studio.probe(blob.hash, name)
    except HostileInput as error:
        return error.reason
    return f"accepted as {facts.format} {facts.width}x{facts.height}"


def _highest_memory(workers: MediaWorkers) -> int:
    """Bytes of the largest worker, as Linux counts them."""
    if sys.platform != "linux":
        return 0
    sizes = []
    for pid in workers.pids:
        status = Path(f"/proc/{pid}/status").read_text()
        sizes.append(int(status.split("VmHWM:")[1].split()[0]) * 1024)
    return max(sizes, default=0)


@pytest.mark.parametrize("name", CLASSES)
async def test_hostile_files_are_refused(
    name: str, studio: Studio, blobs: BlobStore, workers: MediaWorkers, tmp_path: Path
) -> None:
    if name == "video_bombs" and shutil.which("ffmpeg") is None:
        pytest.skip("there is no ffmpeg on PATH to make hostile videos with")
    corpus = CLASSES[name](tmp_path)
    assert len(corpus) >= 4
    wrong = {}
    for file, (data, allowed) in corpus.items():
        began = time.monotonic()
        reason = await _reason(studio, blobs, file, data)
        if reason not in allowed:
            wrong[file] = reason
        assert time.monotonic() - began < SECONDS, file
    assert wrong == {}
    assert _highest_memory(workers) < MEMORY
    good = await blobs.put_file(SAMPLES / "coffee.png")
    assert (await studio.probe(good.hash, "coffee.png")).width == 600


async def test_the_corpus_has_its_classes() -> None:
    assert len(CLASSES) >= 11


async def test_oversized_files_are_refused_before_they_are_opened(
    blobs: BlobStore, workers: MediaWorkers, ffmpeg: FFmpeg
) -> None:
    strict = Studio(blobs, workers, ffmpeg, SystemClock(), MediaLimits(image_bytes=50_000, video_bytes=50_000))
    for name in ("wine.jpg", "coffee.png", "friends.jpg", "bigbuckbunny.mp4"):
        assert await _reason(strict, blobs, name, (SAMPLES / name).read_bytes()) == "too-large"


@pytest.mark.parametrize("name", ["coffee.png", "rocket.jpg"])
async def test_damaged_files_never_harm_the_worker(
    studio: Studio, blobs: BlobStore, workers: MediaWorkers, name: str
) -> None:
    draw = random.Random(20261122)
    whole = (SAMPLES / name).read_bytes()
    outcomes: dict[str, int] = {}
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 20)):
            data[draw.randrange(2000 if draw.random() < 0.7 else len(data))] = draw.randrange(256)
        reason = await _reason(studio, blobs, name, bytes(data))
        outcomes[reason] = outcomes.get(reason, 0) + 1
    refused = {reason for reason in outcomes if not reason.startswith("accepted")}
    assert refused
    assert not refused & {"worker-died", "time-limit", "memory-limit"}


async def test_a_file_that_needs_too_much_memory_meets_the_limit_and_the_next_one_is_served(blobs: BlobStore) -> None:
    limits = WorkerLimits(memory=450_000_000, cpu_seconds=20, wall_seconds=60)
    pool = MediaWorkers(1, limits, SystemClock())
    data = CLASSES["pixel_bombs"](Path())["one-bit.png"][0]
    try:
        studio = Studio(blobs, pool, None, SystemClock(), MediaLimits(image_pixels=400_000_000))
        blob = await blobs.put_bytes(data)
        with pytest.raises(HostileInput) as caught:
            await pool.run("render_images", _full_size(blobs, blob.hash))
        assert caught.value.reason == "memory-limit"
        good = await blobs.put_file(SAMPLES / "coffee.png")
        assert (await studio.probe(good.hash, "coffee.png")).width == 600
    finally:
        await pool.close()


def _full_size(blobs: BlobStore, hash: str) -> dict[str, object]:
    spec = {"name": "all", "source": "x", "dated": "2026-01-01", "format": "jpeg"}
    return {
        "path": str(Path(blobs.url) / "blobs" / hash[:2] / hash[2:4] / hash),
        "specs": [spec],
        "out_dir": blobs.url,
        "rights": {},
        "limits": MediaLimits(image_pixels=400_000_000).model_dump(),
    }
