"""Opens a picture with Pillow under limits. Runs in a media worker only."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import ExifTags, Image

from syncd import errors
from syncd.domain.media import MediaLimits, kind_of
from syncd.media import containers, sniff

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIF", "GIF")
_OURS = {"MPO": "jpeg"}
_STILL_WITH_MANY = ("MPO", "HEIF")  # a photograph with its preview, depth map or second view

pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False)


@dataclass
class Opened:
    """A picture whose header was read. Rotate by `orientation` (EXIF 1 to 8) after decoding; `size` is as displayed."""

    image: Image.Image
    format: str
    orientation: int
    exif: Image.Exif
    icc: bytes | None

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.image.size
        return (height, width) if self.orientation >= 5 else (width, height)


@contextmanager
def opened(path: Path, limits: MediaLimits) -> Iterator[Opened]:
    """Open a picture that passed every check that needs no decoding; what breaks inside the block is `corrupt`.

    Raises:
        HostileInput: reasons of `sniff.require_media` and `containers.inspect`, and `too-large`, `pixel-limit`,
            `frame-limit`, `corrupt`.
    """
    format = _require_sound(path, limits)
    Image.MAX_IMAGE_PIXELS = limits.image_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path, formats=_FORMATS) as image:
                _require_small(image, limits)
                _require_still(image)
                yield _oriented(image, format)
    except (errors.SyncdError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise errors.HostileInput("pixel-limit", f"The picture has too many pixels: {error}") from error
    except Exception as error:  # decoders raise anything on a broken file (measured: five classes)
        what = f"The {format} picture cannot be decoded: {type(error).__name__}: {error}"
        raise errors.HostileInput("corrupt", what) from error


def _require_sound(path: Path, limits: MediaLimits) -> str:
    size = path.stat().st_size
    if size > limits.image_bytes:
        what = f"The picture has {size} bytes; {limits.image_bytes} are allowed."
        raise errors.HostileInput("too-large", what, measured=f"{size} bytes", limit=f"{limits.image_bytes} bytes")
    with path.open("rb") as file:
        format = sniff.require_media(file.read(sniff.HEAD), "The file")
        if kind_of(format) != "image":
            raise errors.HostileInput("type-mismatch", f"The file is a video ({format}), not a picture.")
        # Not closed by hand: a refusal's traceback still holds views of it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        containers.inspect(data, format, metadata_bytes=limits.metadata_bytes)
    return format


def _require_small(image: Image.Image, limits: MediaLimits) -> None:
    width, height = image.size
    if width * height > limits.image_pixels or max(width, height) > limits.image_side:
        limit = f"{limits.image_pixels} pixels and {limits.image_side} a side"
        what = f"The picture is {width}x{height}; the limit is {limit}."
        raise errors.HostileInput("pixel-limit", what, measured=f"{width}x{height}", limit=limit)


def _require_still(image: Image.Image) -> None:
    if image.format not in _STILL_WITH_MANY and getattr(image, "is_animated", False):
        what = f"The {image.format} file holds more than one frame or page; send one still picture."
        raise errors.HostileInput(
            "frame-limit", what, measured=f"{getattr(image, 'n_frames', 2)} frames", limit="1 frame"
        )


def _oriented(image: Image.Image, format: str) -> Opened:
    """Read orientation, EXIF and profile, each before the step of Pillow that loses it."""
    if format in ("png", "tiff"):  # PNG reads EXIF only after decoding, TIFF turns itself upright while decoding
        image.load()
    exif = read_exif(image)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    if format in ("tiff", "heif") or orientation not in range(1, 9):  # both arrive upright
        orientation = 1
    icc = image.info.get("icc_profile")
    return Opened(image, format, orientation, exif, icc if isinstance(icc, bytes) else None)


def read_exif(image: Image.Image) -> Image.Exif:
    """EXIF as far as it can be read: a broken block is no reason to refuse a good picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return image.getexif()
        except Exception:  # any parse error of a block that nothing depends on
            return Image.Exif()
