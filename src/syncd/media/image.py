"""Renditions of a picture: one decode, one shrink, one colour conversion for any number of specs.

Measured with six specs of a 24 MP JPEG: 2.3 times less processor time and half the memory of decoding, converting and
resizing from full size each time. Runs in a media worker only.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from syncd import errors
from syncd.domain.media import EXTENSIONS, MEDIA_TYPES, MediaLimits, RightsMetadata
from syncd.domain.spec import ImageSpec
from syncd.media import colour, geometry, metadata, opening
from syncd.media.rendition import RenditionResult

_AVIF_SPEED = 8  # measured: 4 takes 18 times, 9 a quarter of the time, all within 6 % of the size
_WEBP_METHOD = 4
_GAP = 2.0  # shrink by whole pixels first while the rest is at least this factor
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def render_task(
    path: str, specs: list[dict[str, Any]], out_dir: str, rights: dict[str, Any], limits: dict[str, Any]
) -> dict[str, Any]:
    """`render_many` for the worker's table: JSON in, `{"renditions": [...]}` out."""
    results = render_many(
        Path(path),
        [ImageSpec.model_validate(spec) for spec in specs],
        Path(out_dir),
        metadata.xmp_packet(RightsMetadata.model_validate(rights)),
        MediaLimits.model_validate(limits),
    )
    return {"renditions": [result.model_dump(mode="json") for result in results]}


def render_many(
    source: Path, specs: Sequence[ImageSpec], out_dir: Path, xmp: bytes, limits: MediaLimits | None = None
) -> list[RenditionResult]:
    """Derive one file per spec; equal input gives equal bytes with the same libraries.

    Files carry sRGB and the packet `xmp` and no other metadata: no position, no serial numbers, no EXIF.

    Args:
        out_dir: existing folder that takes the files.
        xmp: a packet as `metadata.xmp_packet` makes it; empty for none.

    Raises:
        HostileInput: the source cannot be opened safely. RejectedError: it does not fit into a spec's `max_bytes`.
    """
    with opening.opened(source, limits or MediaLimits()) as found:
        width, height = found.size
        layouts = [geometry.layout(width, height, spec) for spec in specs]
        master = _master(found, max(layout.scale for layout in layouts))
    results = []
    for at, (spec, layout) in enumerate(zip(specs, layouts, strict=True)):
        picture = _derive(master, layout, spec.background, (master.width / width, master.height / height))
        data = _encode_within(picture, spec, xmp)
        path = out_dir / f"{at}.{EXTENSIONS[spec.format][0]}"
        path.write_bytes(data)
        results.append(_result(spec, path, picture, data))
    return results


def _result(spec: ImageSpec, path: Path, picture: Image.Image, data: bytes) -> RenditionResult:
    return RenditionResult(
        spec=spec.name,
        path=path,
        width=picture.width,
        height=picture.height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=MEDIA_TYPES[spec.format],
    )


def _master(found: opening.Opened, scale: float) -> Image.Image:
    """The picture upright, in sRGB, as large as the largest rendition needs it and no larger."""
    image = found.image
    target = math.ceil(image.width * scale), math.ceil(image.height * scale)
    image.draft(None, target)  # JPEG decodes to 1/2, 1/4 or 1/8 where that is still large enough
    master = colour.eight_bit(image)
    if target[0] < master.width or target[1] < master.height:
        master = master.resize(target, Image.Resampling.LANCZOS, reducing_gap=_GAP)
    else:
        master.load()
    if found.orientation in _TURNS:
        master = master.transpose(_TURNS[found.orientation])
    master = colour.to_srgb(master, found.icc)
    master.info.clear()  # whatever the encoders would take over: position, comment, profile
    return master


def _derive(master: Image.Image, layout: geometry.Layout, background: str, ratio: tuple[float, float]) -> Image.Image:
    """Cut, shrink and place one picture.

    Args:
        ratio: pixels of `master` per pixel of the source, across and down.
    """
    left, top = max(0.0, layout.box[0] * ratio[0]), max(0.0, layout.box[1] * ratio[1])
    right, bottom = min(master.width, layout.box[2] * ratio[0]), min(master.height, layout.box[3] * ratio[1])
    box = (left, top, right, bottom)
    picture = master
    if layout.size != master.size or box != (0, 0, *master.size):
        picture = master.resize(layout.size, Image.Resampling.LANCZOS, box=box, reducing_gap=_GAP)
    if background == "transparent":
        return picture if layout.canvas == layout.size else _placed(picture, layout, "RGBA", (0, 0, 0, 0))
    if picture.mode == "RGB" and layout.canvas == layout.size:
        return picture
    return _placed(picture, layout, "RGB", background)


def _placed(picture: Image.Image, layout: geometry.Layout, mode: str, background: str | tuple[int, ...]) -> Image.Image:
    canvas = Image.new(mode, layout.canvas, background)
    transparent = picture.mode == "RGBA" and mode == "RGB"
    canvas.paste(picture, layout.offset, picture if transparent else None)
    return canvas


def _encode_within(picture: Image.Image, spec: ImageSpec, xmp: bytes) -> bytes:
    """Encode at the spec's quality, or at the highest lower one whose bytes fit."""
    data = _encode(picture, spec, spec.quality, xmp)
    if spec.max_bytes is None or len(data) <= spec.max_bytes:
        return data
    best: bytes | None = None
    low, high = spec.min_quality, spec.quality - 1
    while spec.format != "png" and low <= high:
        middle = (low + high) // 2
        data = _encode(picture, spec, middle, xmp)
        if len(data) <= spec.max_bytes:
            best, low = data, middle + 1
        else:
            high = middle - 1
    if best is None:
        what = f"The picture has {len(data)} bytes for {spec.name} at the lowest quality; {spec.max_bytes} are allowed."
        raise errors.RejectedError(what, spec=spec.name, rule="max_bytes", measured=len(data), limit=spec.max_bytes)
    return best


def _encode(picture: Image.Image, spec: ImageSpec, quality: int, xmp: bytes) -> bytes:
    out = io.BytesIO()
    common: dict[str, Any] = {"icc_profile": colour.SRGB, **({"xmp": xmp} if xmp else {})}
    if spec.format == "jpeg":
        picture.save(out, "JPEG", quality=quality, progressive=spec.progressive, **common)
    elif spec.format == "webp":
        picture.save(out, "WEBP", quality=quality, method=_WEBP_METHOD, **common)
    elif spec.format == "avif":
        picture.save(out, "AVIF", quality=quality, speed=_AVIF_SPEED, max_threads=1, **common)
    else:
        texts = PngImagePlugin.PngInfo()
        if xmp:
            texts.add_itxt("XML:com.adobe.xmp", xmp.decode())  # Pillow writes no xmp= into PNG
        picture.save(out, "PNG", pnginfo=texts, icc_profile=colour.SRGB)
    return out.getvalue()
