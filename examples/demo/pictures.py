"""Small previews as data URIs, so that the report is one file."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

import av
from PIL import Image, UnidentifiedImageError

_LONGEST = 420


def of_bytes(content: bytes) -> str:
    """A preview of a picture, or of a video's first second; "" for what is neither."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            return _data_uri(opened.convert("RGB"))
    except UnidentifiedImageError:
        return _of_video(content)


def of_file(path: Path) -> str:
    """A preview of a file."""
    return of_bytes(path.read_bytes())


class Facts(NamedTuple):
    """What a file really is, in pixels."""

    width: int
    height: int
    media_type: str


def measure(content: bytes) -> Facts:
    """Open a picture or an MP4 and say what it is."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            return Facts(*opened.size, Image.MIME[opened.format or ""])
    except UnidentifiedImageError:
        with av.open(io.BytesIO(content), mode="r") as container:
            stream = container.streams.video[0]
            kind = "video/mp4" if "mp4" in container.format.name else container.format.name
            return Facts(stream.width, stream.height, kind)


def _of_video(content: bytes) -> str:
    try:
        with av.open(io.BytesIO(content), mode="r") as container:
            for frame in container.decode(video=0):
                if frame.time is None or frame.time >= 1.0:
                    return _data_uri(frame.to_image())  # type: ignore[no-untyped-call]  # av's own stub
    except av.FFmpegError:
        pass
    return ""


def _data_uri(picture: Image.Image) -> str:
    picture.thumbnail((_LONGEST, _LONGEST))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=78, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
