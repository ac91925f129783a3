"""The facts of a video, from ffprobe's answer or, where there is no ffprobe, by PyAV inside a media worker."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from syncd import errors
from syncd.domain.media import MEDIA_TYPES, MediaFacts, MediaLimits, RightsMetadata
from syncd.media import sniff, videocontainer

VIDEO_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "prores", "mjpeg"})
_UNSET = 1971
_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya")
_POSITION_TAGS = ("location", "location-eng", "com.apple.quicktime.location.iso6709")


@dataclass(frozen=True)
class Measured:
    """What either prober found, before it is judged. Sizes are coded pixels, `shape` the width / height of one."""

    streams: int
    width: int
    height: int
    shape: float
    rotation: int
    seconds: float
    fps: float
    video_codec: str
    audio_codec: str | None
    bitrate: int | None
    pixel_format: str | None
    tags: dict[str, str]


def require_sound(path: Path, limits: MediaLimits) -> str:
    """The format of a file that may be handed to a video prober.

    Raises:
        HostileInput: reasons of `sniff.require_media` and `videocontainer.inspect_video`, `too-large`, `type-mismatch`.
    """
    with path.open("rb") as file:
        format = sniff.require_media(file.read(sniff.HEAD), "The file")
        if path.stat().st_size > limits.video_bytes:
            what = f"The video has {path.stat().st_size} bytes; {limits.video_bytes} are allowed."
            raise errors.HostileInput(
                "too-large", what, measured=f"{path.stat().st_size} bytes", limit=f"{limits.video_bytes} bytes"
            )
        videocontainer.inspect_video(file, format)
    return format


def from_ffprobe(answer: dict[str, Any]) -> Measured:
    """Read ffprobe's JSON.

    Raises:
        HostileInput: reason `no-video`: there is no picture stream.
    """
    streams = answer.get("streams", [])
    container = answer.get("format", {})
    video = next((each for each in streams if _is_picture(each)), None)
    if video is None:
        raise errors.HostileInput("no-video", "The file holds no video stream.")
    sound: dict[str, Any] = next((each for each in streams if each.get("codec_type") == "audio"), {})
    rotations = [each["rotation"] for each in video.get("side_data_list", []) if "rotation" in each]
    return Measured(
        streams=max(len(streams), int(container.get("nb_streams", 0))),
        width=int(video.get("width", 0)),
        height=int(video.get("height", 0)),
        shape=_ratio(str(video.get("sample_aspect_ratio", "1:1")).replace(":", "/")) or 1.0,
        rotation=-int(rotations[0]) % 360 if rotations else 0,
        seconds=float(container.get("duration") or video.get("duration") or 0.0),
        fps=_ratio(video.get("avg_frame_rate", "0/1")) or _ratio(video.get("r_frame_rate", "0/1")),
        video_codec=str(video.get("codec_name", "unknown")),
        audio_codec=sound.get("codec_name"),
        bitrate=int(container["bit_rate"]) if str(container.get("bit_rate", "")).isdigit() else None,
        pixel_format=video.get("pix_fmt"),
        tags={key.lower(): str(value) for key, value in container.get("tags", {}).items()},
    )


def _is_picture(stream: dict[str, Any]) -> bool:
    return stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")


def _ratio(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return 0.0


def facts_of(found: Measured, path: Path, filename: str, format: str, sha256: str, limits: MediaLimits) -> MediaFacts:
    """Judge what was measured, and say it as displayed.

    Args:
        sha256: of the file, lower-case hexadecimal.

    Raises:
        HostileInput: reasons `stream-limit`, `pixel-limit`, `duration-limit`, `frame-rate-limit`, `codec-refused`,
            `corrupt` (no duration or no size).
    """
    _require_small(found, limits)
    width, height = max(1, round(found.width * found.shape)), found.height
    if found.rotation % 180:
        width, height = height, width
    return MediaFacts(
        kind="video",
        format=format,
        media_type=MEDIA_TYPES[format],
        bytes=path.stat().st_size,
        sha256=sha256,
        width=width,
        height=height,
        frames=max(1, round(found.seconds * found.fps)),
        mode=found.pixel_format,
        has_alpha=(found.pixel_format or "").startswith(_ALPHA),
        seconds=round(found.seconds, 3),
        fps=round(found.fps, 3),
        video_codec=found.video_codec,
        audio_codec=found.audio_codec,
        bitrate=found.bitrate,
        rotation=found.rotation,
        rights=_rights(found.tags),
        has_gps=any(tag in found.tags for tag in _POSITION_TAGS),
        captured_at=_instant(found.tags.get("com.apple.quicktime.creationdate") or found.tags.get("creation_time")),
        extension_matches=sniff.extension_matches(filename, format),
    )


def _require_small(found: Measured, limits: MediaLimits) -> None:
    rules = (
        ("stream-limit", found.streams, limits.video_streams, "streams"),
        ("pixel-limit", found.width * found.height, limits.video_pixels, "pixels a frame"),
        ("duration-limit", found.seconds, limits.video_seconds, "seconds"),
        ("frame-rate-limit", found.fps, limits.video_fps, "frames a second"),
    )
    for reason, measured, limit, unit in rules:
        if measured > limit:
            what = f"The video has {measured:g} {unit}; {limit:g} are allowed."
            raise errors.HostileInput(reason, what, measured=measured, limit=limit)
    if found.video_codec not in VIDEO_CODECS:
        raise errors.HostileInput("codec-refused", f"The video is coded as {found.video_codec}, which is not opened.")
    if not (found.width and found.height and found.seconds > 0 and 0.01 < found.shape < 100):
        raise errors.HostileInput("corrupt", "The video tells no size or no duration.")


def _rights(tags: dict[str, str]) -> RightsMetadata:
    """QuickTime and MP4 name an artist and a copyright."""
    artist = tags.get("artist") or tags.get("com.apple.quicktime.artist")
    return RightsMetadata(
        creator=(artist[:2000],) if artist else (),
        copyright=(tags.get("copyright") or tags.get("com.apple.quicktime.copyright") or "")[:2000] or None,
    )


def _instant(text: str | None) -> datetime | None:
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text or "")
        return moment if moment.tzinfo and moment.year > _UNSET else None  # 1904 or 1970: never set
    return None


def probe_task(path: str, filename: str, sha256: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Probe with PyAV, for the worker's table: JSON in, `MediaFacts` as JSON out."""
    bound = MediaLimits.model_validate(limits)
    format = require_sound(Path(path), bound)
    measured = _by_pyav(Path(path), "matroska" if format in ("webm", "matroska") else "mov")
    return facts_of(measured, Path(path), filename, format, sha256, bound).model_dump(mode="json")


def _by_pyav(path: Path, demuxer: str) -> Measured:
    """Open one container with one demuxer that can reach no other file; the first frame tells the rotation."""
    try:
        av = importlib.import_module("av")  # an extra: only where there is no ffprobe
    except ImportError as error:
        what = "Nothing here can look into a video: install ffmpeg with ffprobe, or syncd with its extra `video`."
        raise errors.RejectedError(what) from error
    try:
        with av.open(f"file:{path}", format=demuxer, options={"protocol_whitelist": "file"}) as container:
            if not container.streams.video:
                raise errors.HostileInput("no-video", "The file holds no video stream.")
            video = container.streams.video[0]
            sound = container.streams.audio[0] if container.streams.audio else None
            frame = next(container.decode(video))
            return Measured(
                streams=len(container.streams),
                width=video.codec_context.width,
                height=video.codec_context.height,
                shape=float(video.sample_aspect_ratio or 1) or 1.0,
                rotation=-int(frame.rotation) % 360,
                seconds=(container.duration or 0) / 1_000_000,
                fps=float(video.average_rate or 0),
                video_codec=video.codec_context.codec.canonical_name,
                audio_codec=sound.codec_context.codec.canonical_name if sound else None,
                bitrate=container.bit_rate or None,
                pixel_format=video.codec_context.pix_fmt,
                tags={key.lower(): value for key, value in container.metadata.items()},
            )
    except (errors.SyncdError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything on a broken file
        raise errors.HostileInput("corrupt", f"The video cannot be decoded: {type(error).__name__}: {error}") from error
