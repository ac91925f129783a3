"""What a channel takes: one dated spec per shape of picture or video, and the recipe a rendition follows."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.domain.media import MEDIA_TYPES

Fit = Literal["pad", "crop", "contain"]
Pixels = Annotated[int, Field(ge=1, le=30_000)]

# Fields that ask something of the source or tell where the spec comes from: they never change a rendition's bytes.
_NOT_IN_RECIPE = frozenset(
    {"name", "source", "dated", "formats", "min_width", "min_height", "min_long_side", "min_aspect", "max_aspect"}
)


class _Spec(BaseModel):
    """What picture and video specs share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    source: str = Field(min_length=1, description="where the channel says so: a URL or a document")
    dated: date = Field(description="the day the source was read")
    width: Pixels | None = None
    height: Pixels | None = None
    fit: Fit = "contain"
    background: str = Field(default="#ffffff", pattern=r"^(#[0-9a-fA-F]{6}|transparent)$")
    max_bytes: int | None = Field(default=None, ge=1_000)
    min_width: Pixels | None = None
    min_height: Pixels | None = None
    min_aspect: float | None = Field(default=None, gt=0, description="width / height of the source")
    max_aspect: float | None = Field(default=None, gt=0, description="width / height of the source")
    formats: tuple[str, ...] = Field(default=(), description="formats the source may have; empty: any")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.fit in ("pad", "crop") and not (self.width and self.height):
            raise ValueError(f"fit {self.fit} needs both width and height")
        if self.min_aspect and self.max_aspect and self.min_aspect > self.max_aspect:
            raise ValueError("min_aspect is greater than max_aspect")
        if unknown := sorted(set(self.formats) - set(MEDIA_TYPES)):
            raise ValueError(f"unknown formats {', '.join(unknown)}: choose from {', '.join(MEDIA_TYPES)}")
        return self

    @property
    def needed_width(self) -> int | None:
        """Pixels a source must be wide: what the spec says, else the canvas of a crop, which is never enlarged."""
        return self.min_width or (self.width if self.fit == "crop" else None)

    @property
    def needed_height(self) -> int | None:
        """Pixels a source must be high, by the same rule."""
        return self.min_height or (self.height if self.fit == "crop" else None)

    def recipe(self) -> dict[str, Any]:
        """Only what shapes a rendition's bytes, as JSON values: two specs with one recipe share their renditions."""
        return self.model_dump(mode="json", exclude=set(_NOT_IN_RECIPE))


class ImageSpec(_Spec):
    """A picture as a channel takes it.

    `contain` keeps the whole picture at its own aspect inside width x height, `pad` centres it on a canvas of exactly
    that size, `crop` fills the canvas from the middle. Nothing is ever enlarged. `max_bytes` is met by lowering the
    quality down to `min_quality`.
    """

    kind: Literal["image"] = "image"
    format: Literal["jpeg", "png", "webp", "avif"] = "jpeg"
    quality: int = Field(default=85, ge=1, le=100)
    min_quality: int = Field(default=50, ge=1, le=100)
    progressive: bool = False
    min_long_side: Pixels | None = None
    max_long_side: Pixels | None = None
    max_megapixels: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _is_a_picture(self) -> Self:
        if self.min_quality > self.quality:
            raise ValueError("min_quality is greater than quality")
        if self.background == "transparent" and self.format == "jpeg":
            raise ValueError("jpeg has no transparency: give a background colour")
        if self.fit != "contain" and self.width and self.height:
            if self.max_long_side and max(self.width, self.height) > self.max_long_side:
                raise ValueError("width or height is greater than max_long_side")
            if self.max_megapixels and self.width * self.height > self.max_megapixels * 1e6:
                raise ValueError("width x height is greater than max_megapixels")
        return self


class VideoSpec(_Spec):
    """A video as a channel takes it: MP4 with H.264 and AAC. A longer source is cut to `max_seconds`."""

    kind: Literal["video"] = "video"
    format: Literal["mp4"] = "mp4"
    video_codec: Literal["h264"] = "h264"
    audio_codec: Literal["aac"] = "aac"
    audio: Literal["keep", "none"] = "keep"
    min_seconds: float | None = Field(default=None, gt=0)
    max_seconds: float | None = Field(default=None, gt=0)
    fps: float | None = Field(default=None, gt=0, le=120, description="most frames per second")
    max_bitrate: int = Field(default=8_000_000, ge=100_000, description="bit/s of the picture")

    @model_validator(mode="after")
    def _is_a_video(self) -> Self:
        if self.min_seconds and self.max_seconds and self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is greater than max_seconds")
        if self.background == "transparent":
            raise ValueError("H.264 has no transparency: give a background colour")
        return self


Spec = Annotated[ImageSpec | VideoSpec, Field(discriminator="kind")]
