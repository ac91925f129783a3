"""The facts of a picture, found by opening and fully decoding it. Runs in a media worker only."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import ImageCms

from syncd.domain.media import MEDIA_TYPES, MediaFacts, MediaLimits
from syncd.media import fingerprint, metadata, opening, sniff


def probe_task(path: str, filename: str, limits: dict[str, Any]) -> dict[str, Any]:
    """`probe_image` for the worker's table: JSON in, `MediaFacts` as JSON out."""
    return probe_image(Path(path), filename, MediaLimits.model_validate(limits)).model_dump(mode="json")


def probe_image(path: Path, filename: str, limits: MediaLimits) -> MediaFacts:
    """Open, decode to the last pixel, and describe one picture.

    Args:
        filename: what the sender called it; only compared with what it is.

    Raises:
        HostileInput: every reason of `opening.opened` and `metadata.read_rights`.
    """
    with opening.opened(path, limits) as found:
        image = found.image
        mode = image.mode
        image.load()
        width, height = found.size
        return MediaFacts(
            kind="image",
            format=found.format,
            media_type=MEDIA_TYPES[found.format],
            bytes=path.stat().st_size,
            sha256=fingerprint.sha256_of(path),
            width=width,
            height=height,
            frames=getattr(image, "n_frames", 1),
            orientation=found.orientation,
            mode=mode,
            has_alpha=image.has_transparency_data,
            has_icc=found.icc is not None,
            icc_name=_profile_name(found.icc),
            rights=metadata.read_rights(image, found.exif, xmp_bytes=limits.xmp_bytes),
            has_gps=metadata.has_position(found.exif),
            captured_at=metadata.captured_at(found.exif),
            extension_matches=sniff.extension_matches(filename, found.format),
        )


def _profile_name(icc: bytes | None) -> str | None:
    if icc is None:
        return None
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()[:100] or None
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
