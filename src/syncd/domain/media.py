"""What is known of a file once it has been opened: its facts, its rights metadata, the limits it was opened under."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

MediaKind = Literal["image", "video"]

MEDIA_TYPES: dict[str, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "heif": "image/heif",
    "tiff": "image/tiff",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "matroska": "video/x-matroska",
}
"""Media type of every format syncd opens; any other format is refused."""

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "png": ("png",),
    "webp": ("webp",),
    "avif": ("avif",),
    "heif": ("heic", "heif", "hif"),
    "tiff": ("tif", "tiff"),
    "gif": ("gif",),
    "mp4": ("mp4", "m4v"),
    "mov": ("mov", "qt"),
    "webm": ("webm",),
    "matroska": ("mkv",),
}
"""File name extensions of each format, the usual one first."""

VIDEO_FORMATS = frozenset({"mp4", "mov", "webm", "matroska"})
IMAGE_FORMATS = frozenset(MEDIA_TYPES) - VIDEO_FORMATS


def kind_of(format: str) -> MediaKind:
    """Whether a format of `MEDIA_TYPES` is a picture or a video."""
    return "video" if format in VIDEO_FORMATS else "image"


class RightsMetadata(BaseModel):
    """Who made a picture and on what terms it may be used, as IPTC Photo Metadata 2023.1 names it.

    `digital_source_type` is a URI or term of the IPTC vocabulary, for instance
    `http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia` for a picture made by a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    creator: tuple[str, ...] = ()
    credit: str | None = None
    copyright: str | None = None
    usage_terms: str | None = None
    web_statement: str | None = None
    digital_source_type: str | None = None

    @property
    def empty(self) -> bool:
        return not any(self.model_dump().values())

    def filled_from(self, other: RightsMetadata) -> RightsMetadata:
        """These fields, and those of `other` where this says nothing."""
        return RightsMetadata.model_validate(
            {**other.model_dump(), **{k: v for k, v in self.model_dump().items() if v}}
        )


class MediaFacts(BaseModel):
    """A file that was opened under `MediaLimits` and found whole.

    Width and height are pixels as displayed, after orientation, rotation and pixel shape; seconds, frames per second
    and bit/s of a video are None for an image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MediaKind
    format: str
    media_type: str
    bytes: int
    sha256: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1
    mode: str | None = None
    has_alpha: bool = False
    has_icc: bool = False
    icc_name: str | None = None
    seconds: float | None = None
    fps: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    bitrate: int | None = None
    rotation: int = 0
    rights: RightsMetadata = RightsMetadata()
    has_gps: bool = False
    captured_at: datetime | None = None
    extension_matches: bool = True

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height


class MediaLimits(BaseModel):
    """What a file from outside may cost before it is refused.

    The pixel limit is below the size at which Pillow itself gives up (179 MP) and holds the largest cameras (100 MP).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_bytes: int = 200_000_000
    image_pixels: int = 120_000_000
    image_side: int = 30_000
    metadata_bytes: int = 4_000_000
    xmp_bytes: int = 512_000
    video_bytes: int = 4_000_000_000
    video_pixels: int = 8192 * 4320
    video_seconds: float = 3600.0
    video_streams: int = 12
    video_fps: float = 240.0
