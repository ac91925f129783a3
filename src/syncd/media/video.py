"""Renditions of a video: cut, reframed, MP4 with H.264 and AAC that starts before it is all loaded, poster frame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from syncd import errors
from syncd.domain.media import MEDIA_TYPES, MediaFacts, RightsMetadata
from syncd.domain.spec import VideoSpec
from syncd.media import geometry
from syncd.media.ffmpeg import FFmpeg
from syncd.media.rendition import RenditionResult

_AUDIO_BITRATE = 128_000
_HEADROOM = 0.94  # of max_bytes: what the container and an encoder's misses leave
_RETRY_HEADROOM = 0.90  # of the first attempt's rate after it overshot
_LEAST_BITRATE = 100_000
_NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact")
_ENDS_EARLY = 0.5  # seconds by which a result may be shorter than asked


Prober = Callable[[Path], Awaitable[MediaFacts]]


async def render_video(
    ffmpeg: FFmpeg,
    source: Path,
    facts: MediaFacts,
    spec: VideoSpec,
    target: Path,
    prober: Prober,
    rights: RightsMetadata,
) -> RenditionResult:
    """Make one rendition; equal input gives equal bytes with the same ffmpeg on the same kind of machine.

    Args:
        facts: of the source, as the prober found them.
        target: the file to write, `.mp4`.
        prober: finds the facts of the result.
        rights: creator and copyright are written as MP4 carries them; the rest has no place there.

    Raises:
        HostileInput: the source cannot be decoded, or needs too much time or memory.
        RejectedError: it does not fit into `max_bytes`, or ends before its own duration.
    """
    seconds = min(facts.seconds or 0.0, spec.max_seconds or float("inf"))
    bitrate = _bitrate(spec, facts, seconds)
    for _ in range(2):
        arguments = _arguments(spec, facts, seconds, bitrate, ffmpeg.limits.threads)
        await ffmpeg.run(source, facts.format, [*arguments, *_tags(rights), "-f", "mp4", str(target)])
        size = (await asyncio.to_thread(target.stat)).st_size
        if spec.max_bytes is None or size <= spec.max_bytes:
            return _verified(await prober(target), target, spec, seconds)
        bitrate = int(bitrate * spec.max_bytes / size * _RETRY_HEADROOM)
    what = f"The video has {size} bytes for {spec.name}; {spec.max_bytes} are allowed."
    raise errors.RejectedError(what, spec=spec.name, rule="max_bytes", measured=size, limit=spec.max_bytes)


async def poster(ffmpeg: FFmpeg, source: Path, facts: MediaFacts, target: Path) -> None:
    """Write one frame as PNG, upright: at one second, or in the middle of a shorter video."""
    at = min(1.0, (facts.seconds or 0.0) / 2)
    frame = ["-map", "0:v:0", "-frames:v", "1", "-vf", "scale=iw*sar:ih,setsar=1", "-pix_fmt", "rgb24"]
    output = [*frame, "-f", "image2", "-update", "1", str(target)]
    await ffmpeg.run(source, facts.format, output, before=["-ss", f"{at:.3f}"])
    if not await asyncio.to_thread(target.exists):
        raise errors.HostileInput("corrupt", "The video gives no frame for its poster.")


async def copy_streams(ffmpeg: FFmpeg, source: Path, format: str, rights: RightsMetadata, target: Path) -> None:
    """Write a copy whose coded picture and sound are unchanged: creator and copyright as given, no position, no rest.

    Raises:
        HostileInput: the container cannot be read, or what it holds cannot stand in its own format.
    """
    muxer = {"webm": "webm", "matroska": "matroska", "mov": "mov"}.get(format, "mp4")
    start = ["-movflags", "+faststart"] if muxer in ("mov", "mp4") else []
    streams = ["-map", "0:v:0", "-map", "0:a?", "-c", "copy"]
    await ffmpeg.run(source, format, [*streams, *_NO_METADATA, *_tags(rights), *start, "-f", muxer, str(target)])


def _bitrate(spec: VideoSpec, facts: MediaFacts, seconds: float) -> int:
    """bit/s of the picture that keep the whole file below `max_bytes`."""
    if spec.max_bytes is None:
        return spec.max_bitrate
    sound = _AUDIO_BITRATE if spec.audio == "keep" and facts.audio_codec else 0
    fitting = int(spec.max_bytes * 8 * _HEADROOM / max(seconds, 0.1)) - sound
    if fitting < _LEAST_BITRATE:
        what = f"{seconds:.1f} s of video cannot fit into the {spec.max_bytes} bytes of {spec.name}."
        raise errors.RejectedError(what, spec=spec.name, rule="max_bytes", limit=spec.max_bytes)
    return min(spec.max_bitrate, fitting)


def _tags(rights: RightsMetadata) -> list[str]:
    named = {"artist": "; ".join(rights.creator), "copyright": rights.copyright}
    return [part for name, text in named.items() if text for part in ("-metadata", f"{name}={text}")]


def _arguments(spec: VideoSpec, facts: MediaFacts, seconds: float, bitrate: int, threads: int) -> list[str]:
    picture = [
        *("-map", "0:v:0", "-vf", _filters(spec, facts), "-c:v", "libx264", "-preset", "veryfast", "-crf", "21"),
        *("-maxrate", str(bitrate), "-bufsize", str(bitrate), "-profile:v", "high", "-pix_fmt", "yuv420p"),
        *("-threads", str(threads), "-flags:v", "+bitexact"),
    ]
    sound = ["-an"]
    if spec.audio == "keep" and facts.audio_codec:
        sound = ["-map", "0:a:0", "-c:a", "aac", "-b:a", str(_AUDIO_BITRATE), "-ac", "2", "-flags:a", "+bitexact"]
    return ["-t", f"{seconds:.3f}", *picture, *sound, *_NO_METADATA, "-sn", "-dn", "-movflags", "+faststart"]


def _filters(spec: VideoSpec, facts: MediaFacts) -> str:
    """Square pixels, cut, shrink, pad; ffmpeg itself has turned the picture upright before."""
    placed = geometry.layout(facts.width, facts.height, spec, even=True)
    left, top, right, bottom = placed.box
    steps = [f"scale={facts.width}:{facts.height}", "setsar=1"]
    if placed.box != (0, 0, facts.width, facts.height):
        steps.append(f"crop={int(right - left)}:{int(bottom - top)}:{int(left)}:{int(top)}:exact=1")
    steps.append(f"scale={placed.size[0]}:{placed.size[1]}:flags=lanczos+accurate_rnd+bitexact")
    if placed.canvas != placed.size:
        colour = spec.background.replace("#", "0x")
        steps.append(f"pad={placed.canvas[0]}:{placed.canvas[1]}:{placed.offset[0]}:{placed.offset[1]}:color={colour}")
    if spec.fps and (facts.fps or 0.0) > spec.fps:
        steps.append(f"fps={spec.fps:g}")
    return ",".join([*steps, "setsar=1"])


def _verified(made: MediaFacts, target: Path, spec: VideoSpec, seconds: float) -> RenditionResult:
    """Look at the result again: a source that breaks off makes ffmpeg end early without complaint."""
    if (made.seconds or 0.0) < seconds - _ENDS_EARLY:
        what = f"The video ends after {made.seconds:.1f} s, and says it lasts {seconds:.1f} s."
        raise errors.RejectedError(what, spec=spec.name, rule="seconds", measured=made.seconds, limit=seconds)
    return RenditionResult(
        spec=spec.name,
        path=target,
        width=made.width,
        height=made.height,
        bytes=made.bytes,
        sha256=made.sha256,
        media_type=MEDIA_TYPES["mp4"],
    )
