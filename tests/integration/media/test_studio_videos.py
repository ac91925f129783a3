"""Videos from blob to facts, renditions and posters, by the real ffmpeg; probed by ffprobe and by PyAV."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from syncd.clock import SystemClock
from syncd.domain.media import RightsMetadata
from syncd.domain.spec import ImageSpec, VideoSpec
from syncd.errors import HostileInput, RejectedError, TransientError
from syncd.media.blobs import BlobStore
from syncd.media.ffmpeg import FFmpeg, FFmpegLimits
from syncd.media.studio import Studio
from syncd.media.workers import MediaWorkers
from syncd.testing.clock import ManualClock
from tests.integration.media.conftest import ORIGIN, SAMPLES

BUNNY = SAMPLES / "bigbuckbunny.mp4"
RIGHTS = RightsMetadata(creator=("Blender Foundation",), copyright="© 2008 Blender Foundation")
SMALL: dict[str, Any] = {"width": 160, "height": 160, "max_seconds": 1.0, **ORIGIN}


def turned(ffmpeg: FFmpeg, folder: Path) -> Path:
    """The sample as a phone held upright stores it: landscape frames and a rotation of 90 degrees."""
    plain, path = folder / "plain.mp4", folder / "turned.mp4"
    cut: list[str | Path] = [ffmpeg.ffmpeg, "-v", "error", "-t", "1", "-i", BUNNY, "-vf", "scale=320:180", "-an", plain]
    subprocess.run(cut, check=True)
    turn = ["-display_rotation", "90"] if _has_display_rotation(ffmpeg) else []
    tag = [] if turn else ["-metadata:s:v", "rotate=270"]
    subprocess.run([str(ffmpeg.ffmpeg), "-v", "error", *turn, "-i", plain, "-c", "copy", *tag, path], check=True)
    return path


def _has_display_rotation(ffmpeg: FFmpeg) -> bool:
    said = subprocess.run([ffmpeg.ffmpeg, "-v", "quiet", "-h", "full"], capture_output=True, check=True).stdout
    return b"-display_rotation" in said


@pytest.fixture(params=["ffprobe", "pyav"])
def prober(request: pytest.FixtureRequest, ffmpeg: FFmpeg) -> FFmpeg:
    if request.param == "pyav":
        pytest.importorskip("av")
        return dataclasses.replace(ffmpeg, ffprobe=None)
    if ffmpeg.ffprobe is None:
        pytest.skip("there is no ffprobe here: PyAV alone was tested")
    return ffmpeg


async def test_a_video_is_described_alike_by_both_probers(
    prober: FFmpeg, blobs: BlobStore, workers: MediaWorkers
) -> None:
    studio = Studio(blobs, workers, prober, SystemClock())
    blob = await blobs.put_file(BUNNY)
    facts = await studio.probe(blob.hash, "bunny.mp4")
    assert (facts.kind, facts.format, facts.width, facts.height) == ("video", "mp4", 1280, 720)
    assert facts.seconds == pytest.approx(5.3, abs=0.1)
    assert (facts.fps, facts.video_codec, facts.audio_codec, facts.sha256) == (25.0, "h264", "aac", blob.hash)
    assert facts.captured_at is None


@pytest.mark.parametrize(
    ("name", "format", "codec", "options"),
    [
        ("a.webm", "webm", "vp9", ["-c:v", "libvpx-vp9", "-deadline", "realtime"]),
        ("a.mkv", "matroska", "h264", ["-c:v", "libx264"]),
        ("a.mov", "mov", "mjpeg", ["-c:v", "mjpeg"]),
    ],
)
async def test_other_containers_are_opened(
    prober: FFmpeg,
    blobs: BlobStore,
    workers: MediaWorkers,
    tmp_path: Path,
    name: str,
    format: str,
    codec: str,
    options: list[str],
) -> None:
    studio = Studio(blobs, workers, prober, SystemClock())
    make: list[str | Path] = [
        prober.ffmpeg,
        "-v",
        "error",
        "-t",
        "1",
        "-i",
        BUNNY,
        "-vf",
        "scale=160:90",
        "-an",
        *options,
        tmp_path / name,
    ]
    await asyncio.to_thread(lambda: subprocess.run(make, check=True))
    blob = await blobs.put_file(tmp_path / name)
    facts = await studio.probe(blob.hash, name)
    assert (facts.format, facts.video_codec, facts.width, facts.extension_matches) == (format, codec, 160, True)
    assert facts.seconds == pytest.approx(1.0, abs=0.1)
    [made] = await studio.render(blob.hash, [VideoSpec(name="v", **SMALL)], RIGHTS)
    assert (made.width, made.height) == (160, 90)


async def test_rotation_counts_for_size_and_look(
    prober: FFmpeg, blobs: BlobStore, workers: MediaWorkers, tmp_path: Path
) -> None:
    studio = Studio(blobs, workers, prober, SystemClock())
    blob = await blobs.put_file(await asyncio.to_thread(turned, prober, tmp_path))
    facts = await studio.probe(blob.hash, "phone.mp4")
    assert (facts.width, facts.height) == (180, 320)
    assert facts.rotation in (90, 270)
    specs: list[ImageSpec | VideoSpec] = [
        VideoSpec(name="v", **{**SMALL, "height": 90}),
        ImageSpec(name="p", format="png", **ORIGIN),
    ]
    made, poster = await studio.render(blob.hash, specs, RIGHTS)
    assert (made.width, made.height) == (50, 90)
    with Image.open(io.BytesIO(await blobs.read(poster.blob.hash))) as image:
        assert image.size == (180, 320)


@pytest.mark.parametrize(("fit", "size"), [("crop", (160, 160)), ("pad", (160, 160)), ("contain", (160, 90))])
async def test_a_rendition_is_as_the_spec_says(
    studio: Studio, blobs: BlobStore, fit: Any, size: tuple[int, int]
) -> None:
    blob = await blobs.put_file(BUNNY)
    [made] = await studio.render(blob.hash, [VideoSpec(name="v", fit=fit, fps=12, **SMALL)], RIGHTS)
    facts = await studio.probe(made.blob.hash, "v.mp4")
    assert (facts.width, facts.height) == size == (made.width, made.height)
    assert (facts.video_codec, facts.audio_codec, facts.mode, facts.fps) == ("h264", "aac", "yuv420p", 12.0)
    assert facts.seconds == pytest.approx(1.0, abs=0.1)
    assert facts.rights == RIGHTS
    data = await blobs.read(made.blob.hash)
    assert data.index(b"moov") < data.index(b"mdat")


async def test_the_middle_of_the_picture_is_kept_and_the_padding_has_its_colour(
    studio: Studio, blobs: BlobStore
) -> None:
    blob = await blobs.put_file(BUNNY)
    spec = VideoSpec(name="v", fit="pad", background="#ff8800", **SMALL)
    [made] = await studio.render(blob.hash, [spec], RIGHTS)
    [poster] = await studio.render(made.blob.hash, [ImageSpec(name="p", format="png", **ORIGIN)], RIGHTS)
    with Image.open(io.BytesIO(await blobs.read(poster.blob.hash))) as image:
        corner = image.convert("RGB").getpixel((5, 5))
    assert isinstance(corner, tuple)
    assert max(abs(one - other) for one, other in zip(corner, (255, 136, 0), strict=True)) < 12


async def test_equal_input_gives_equal_bytes(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(BUNNY)
    spec = VideoSpec(name="v", fit="crop", **SMALL)
    hashes = {(await studio.render(blob.hash, [spec], RIGHTS))[0].blob.hash for _ in range(2)}
    assert len(hashes) == 1


async def test_a_cap_on_bytes_is_met_or_named(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(BUNNY)
    spec = VideoSpec(name="v", width=320, max_bytes=120_000, max_seconds=3, audio="none", **ORIGIN)
    [made] = await studio.render(blob.hash, [spec], RIGHTS)
    assert made.bytes <= 120_000
    assert (await studio.probe(made.blob.hash, "v.mp4")).audio_codec is None
    with pytest.raises(RejectedError) as caught:
        await studio.render(blob.hash, [spec.model_copy(update={"max_bytes": 5000})], RIGHTS)
    assert caught.value.data["rule"] == "max_bytes"


def coded_picture(ffmpeg: FFmpeg, path: Path) -> bytes:
    """A digest of the coded frames alone."""
    run: list[str | Path] = [ffmpeg.ffmpeg, "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(run, capture_output=True, check=True).stdout


async def test_a_library_copy_keeps_the_picture_and_loses_the_place(
    studio: Studio, blobs: BlobStore, ffmpeg: FFmpeg, tmp_path: Path
) -> None:
    located = tmp_path / "located.mov"
    tags = ["-metadata", "location=+52.5000+013.4000/", "-metadata", "location-eng=+52.5000+013.4000/"]
    source = turned(ffmpeg, tmp_path)
    run: list[str | Path] = [ffmpeg.ffmpeg, "-v", "error", "-i", source, "-c", "copy", *tags, located]
    await asyncio.to_thread(lambda: subprocess.run(run, check=True))
    blob = await blobs.put_file(located)
    before = await studio.probe(blob.hash, "located.mov")
    copy = await studio.library_copy(blob.hash, RIGHTS)
    after = await studio.probe(copy.hash, "located.mov")
    assert (before.has_gps, after.has_gps, copy.embedded) == (True, False, True)
    assert (after.width, after.height, after.rotation) == (before.width, before.height, before.rotation)
    assert after.rights == RIGHTS
    assert b"+52.5" not in await blobs.read(copy.hash)
    async with blobs.local_path(blob.hash) as one, blobs.local_path(copy.hash) as other:
        assert coded_picture(ffmpeg, one) == coded_picture(ffmpeg, other)


async def test_a_picture_makes_no_video(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(SAMPLES / "rocket.jpg")
    with pytest.raises(RejectedError):
        await studio.render(blob.hash, [VideoSpec(name="v", **SMALL)], RIGHTS)


async def test_a_video_damaged_in_the_middle_is_not_rendered_as_whole(studio: Studio, blobs: BlobStore) -> None:
    data = bytearray(BUNNY.read_bytes())
    start = data.index(b"mdat") + 200_000
    data[start : start + 500_000] = os.urandom(500_000)
    blob = await blobs.put_bytes(bytes(data))
    spec = VideoSpec(name="v", width=160, **ORIGIN)
    try:
        [made] = await studio.render(blob.hash, [spec], RIGHTS)
    except (HostileInput, RejectedError):
        return
    facts = await studio.probe(made.blob.hash, "v.mp4")
    assert facts.seconds == pytest.approx(5.3, abs=0.5)


async def test_the_tool_is_bounded_and_killed(ffmpeg: FFmpeg, tmp_path: Path) -> None:
    starved = dataclasses.replace(ffmpeg, limits=FFmpegLimits(memory=60_000_000))
    with pytest.raises(HostileInput):
        await starved.run(BUNNY, "mp4", ["-f", "null", "-"])
    clock = ManualClock()
    slow = dataclasses.replace(ffmpeg, clock=clock, limits=FFmpegLimits(wall_seconds=5))
    target = tmp_path / "slow.mp4"
    # Real-time reading makes it wait without end while the clock stands still.
    work = asyncio.ensure_future(
        slow.run(BUNNY, "mp4", ["-f", "mp4", str(target)], before=["-re", "-stream_loop", "-1"])
    )
    while not target.exists():
        await asyncio.sleep(0.01)
    await clock.advance(6)
    with pytest.raises(TransientError):
        await work


async def test_the_tools_read_no_list_even_if_one_got_so_far(ffmpeg: FFmpeg, tmp_path: Path) -> None:
    inner, listed = f"file '{BUNNY}'\n", tmp_path / "list.mp4"
    for text in (f"#EXTM3U\n#EXTINF:1,\n{BUNNY}\n#EXT-X-ENDLIST\n", f"ffconcat version 1.0\n{inner}", inner):
        listed.write_text(text)
        with pytest.raises(HostileInput) as caught:
            await ffmpeg.run(listed, "mp4", ["-f", "null", "-"])
        assert caught.value.reason == "corrupt"


async def test_without_ffmpeg_a_video_is_refused_with_what_to_install(blobs: BlobStore, workers: MediaWorkers) -> None:
    studio = Studio(blobs, workers, None, SystemClock())
    blob = await blobs.put_file(BUNNY)
    with pytest.raises(RejectedError, match="Install ffmpeg"):
        await studio.probe(blob.hash, "b.mp4")
