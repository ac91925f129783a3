"""A library copy: the picture data byte for byte, the rights embedded as XMP, no place and no serial number.

Runs in a media worker only.
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from syncd import errors
from syncd.domain.media import MediaLimits, RightsMetadata
from syncd.media import containers, metadata, opening

_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\x00"
_EXIF_HEAD = b"Exif\x00\x00"
_LONGEST_SEGMENT = 65533
_KEPT_SEGMENTS = frozenset({0xE0, 0xE2, 0xEE, *range(0xC0, 0xD0), 0xDB, 0xDD, 0xDA})  # JFIF, ICC, Adobe, picture data
_KEPT_CHUNKS = frozenset(
    {
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"cICP",
        b"pHYs",
        b"bKGD",
        b"sBIT",
    }
)
_BASE = ExifTags.Base
_KEPT_EXIF = (
    *(_BASE.ImageDescription, _BASE.Make, _BASE.Model, _BASE.Orientation, _BASE.XResolution, _BASE.YResolution),
    *(_BASE.ResolutionUnit, _BASE.DateTime, _BASE.Artist, _BASE.Copyright),
)
_KEPT_PHOTO_EXIF = (
    *(_BASE.DateTimeOriginal, _BASE.OffsetTimeOriginal, _BASE.ColorSpace, _BASE.ExposureTime, _BASE.FNumber),
    *(_BASE.ISOSpeedRatings, _BASE.FocalLength, _BASE.LensModel),
)


def copy_task(path: str, out_path: str, rights: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    """`embed_xmp` for the worker's table: JSON in, `{"embedded": bool}` out."""
    packet = metadata.xmp_packet(RightsMetadata.model_validate(rights))
    with opening.opened(Path(path), MediaLimits.model_validate(limits)) as found:
        format = found.format
        exif, size, alpha = safe_exif(found.exif), found.image.size, found.image.has_transparency_data
    return {"embedded": embed_xmp(Path(path), Path(out_path), packet, format, exif, size, alpha=alpha)}


def embed_xmp(
    source: Path, target: Path, packet: bytes, format: str, exif: bytes, size: tuple[int, int], *, alpha: bool
) -> bool:
    """Write `target` with the picture data of `source`, this packet and this EXIF in place of its own.

    Args:
        format: as found by sniffing; only jpeg, png and webp are rewritten.
        exif: a TIFF block without the `Exif` head, as `safe_exif` makes it; empty for none.
        size: width and height as stored.

    Returns:
        False if the format cannot carry the packet here: then `target` is an unchanged copy.

    Raises:
        RejectedError: the packet is longer than a JPEG segment holds (64 KiB).
    """
    if format not in ("jpeg", "png", "webp"):
        shutil.copyfile(source, target)
        return False
    data = source.read_bytes()
    if format == "jpeg":
        pieces = _jpeg(data, packet, exif)
    elif format == "png":
        pieces = _png(data, packet, exif)
    else:
        pieces = _webp(data, packet, exif, size, alpha=alpha)
    with target.open("wb") as file:
        file.writelines(pieces)
    return True


def safe_exif(exif: Image.Exif) -> bytes:
    """EXIF reduced to what is known to tell no place, no serial number and no hidden preview.

    Returns:
        a TIFF block without the `Exif` head; empty if nothing is left.
    """
    kept = Image.Exif()
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    for tag in _KEPT_EXIF:
        if tag in exif:
            kept[tag] = exif[tag]
    for tag in _KEPT_PHOTO_EXIF:
        if tag in photo:
            kept.get_ifd(ExifTags.IFD.Exif)[tag] = photo[tag]
    block = kept.tobytes() if len(kept) or kept.get_ifd(ExifTags.IFD.Exif) else b""
    return block.removeprefix(_EXIF_HEAD)


def _jpeg(data: bytes, packet: bytes, exif: bytes) -> Iterator[bytes]:
    """Segments worth keeping, then everything from the first scan to the end of image as it was."""
    yield data[:2]
    at, written = 2, False
    while True:
        while data[at + 1] == 0xFF:
            at += 1
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at : at + 2 + length]
        if marker != 0xE0 and not written:  # JFIF comes first by its own rule
            yield from _jpeg_metadata(packet, exif)
            written = True
        if marker == 0xDA:
            yield data[at : containers.end_of_jpeg(memoryview(data))]  # without what a phone appended
            return
        if marker in _KEPT_SEGMENTS and not segment.startswith(b"MPF\x00", 4):
            yield segment
        at += 2 + length


def _jpeg_metadata(packet: bytes, exif: bytes) -> Iterator[bytes]:
    for content in (_EXIF_HEAD + exif if exif else b"", _XMP_HEAD + packet if packet else b""):
        if len(content) > _LONGEST_SEGMENT:
            raise errors.RejectedError(f"{len(content)} bytes of metadata do not fit into a JPEG segment.")
        if content:
            yield b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _png(data: bytes, packet: bytes, exif: bytes) -> Iterator[bytes]:
    yield data[:8]
    at = 8
    while at < len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name in _KEPT_CHUNKS:
            yield data[at : at + 12 + length]
        if name == b"IHDR":
            if packet:
                yield _chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + packet)
            if exif:
                yield _chunk(b"eXIf", exif)
        if name == b"IEND":
            return
        at += 12 + length


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _webp(data: bytes, packet: bytes, exif: bytes, size: tuple[int, int], *, alpha: bool) -> Iterator[bytes]:
    """The extended format (RFC 9649): header, profile, picture data, then EXIF and XMP."""
    chunks = dict(_riff(data))
    old_flags = chunks.pop(b"VP8X", b"\x00")[0]
    flags = (0x20 if b"ICCP" in chunks else 0) | (old_flags & 0x10) | (0x10 if alpha else 0)
    flags |= (0x08 if exif else 0) | (0x04 if packet else 0)
    header = bytes((flags, 0, 0, 0)) + (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
    body = [_riff_chunk(b"VP8X", header)]
    body += [_riff_chunk(name, chunks[name]) for name in (b"ICCP", b"ALPH", b"VP8 ", b"VP8L") if name in chunks]
    body += [_riff_chunk(name, content) for name, content in ((b"EXIF", exif), (b"XMP ", packet)) if content]
    yield b"RIFF" + (4 + sum(map(len, body))).to_bytes(4, "little") + b"WEBP"
    yield from body


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _riff_chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + b"\x00" * (len(content) % 2)
