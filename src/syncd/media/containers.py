"""Walks a picture's or video's container without decoding it: where it ends, what else is hidden in it. Pure.

A file that is a picture and an archive, a script or a page at once is refused, and so is data behind the picture's
end, but for what phones put there: padding, further pictures (Multi-Picture Format) and short videos.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncd import errors

_MARKUP = re.compile(  # long enough that compressed data does not hold them by chance: one in millions of files
    rb"<\?php|<script[\s>]|<html[\s>]|<!doctype html|<svg[\s>]|#!/bin/|<%eval|__halt_compiler|%pdf-", re.IGNORECASE
)
_TRAILER_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x7fELF",
    b"MZ",
    b"GIF8",
    b"%!PS",
)
_SAMSUNG_END = b"SEFT"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_MAX_PARTS = 20_000


@dataclass(frozen=True)
class Part:
    """A piece of the container: its type, and where its payload starts and ends in the file."""

    name: bytes
    start: int
    end: int


class _BrokenError(Exception):
    """The structure contradicts itself at some offset."""


def inspect(data: bytes | memoryview, format: str, *, metadata_bytes: int) -> None:
    """Refuse a file whose container is not whole, hides something, or unpacks to too much text.

    Args:
        data: the whole file; a memory map will do.
        format: as `sniff` found it.
        metadata_bytes: most bytes that one packed text or profile may unpack to.

    Raises:
        HostileInput: reasons `truncated`, `corrupt`, `too-many-parts`, `metadata-limit`, `polyglot`, `trailing-data`.
    """
    view = memoryview(data)
    walker = _WALKERS.get(format)
    if walker is None:
        search(bytes(view[:65536]) + bytes(view[-65536:]), format)
        return
    try:
        parts, end = _collect(walker(view), format)
    except (_BrokenError, IndexError) as error:
        raise errors.HostileInput("corrupt", f"The {format} file has a broken structure: {error}") from error
    if end > len(view):
        search(bytes(view[-65536:]), format)  # text behind the picture may read as the head of a huge box
        raise errors.HostileInput("truncated", f"The {format} file ends {end - len(view)} bytes too early.")
    for part in parts:
        if part.name not in _PICTURE_DATA:
            _inspect_part(view, part, format, metadata_bytes)
    _inspect_trailer(view, end, format)


def end_of_jpeg(view: memoryview) -> int:
    """The offset behind the first picture's end-of-image marker, in a file that `inspect` passed."""
    return _collect(_walk_jpeg(view), "jpeg")[1]


def is_box_name(name: bytes) -> bool:
    """Whether four bytes can name a box of an ISO media file."""
    return len(name) == 4 and all(32 <= byte < 127 or byte == 0xA9 for byte in name)


_PICTURE_DATA = frozenset({b"IDAT", b"fdAT", b"mdat", b"scan", b"VP8 ", b"VP8L", b"ALPH", b"ANMF"})


def _collect(walk: Iterator[Part], format: str) -> tuple[list[Part], int]:
    parts: list[Part] = []
    for part in walk:
        parts.append(part)
        if len(parts) > _MAX_PARTS:
            raise errors.HostileInput("too-many-parts", f"The {format} file has more than {_MAX_PARTS} parts.")
    return parts, parts[-1].end if parts else 0


def _inspect_part(view: memoryview, part: Part, format: str, metadata_bytes: int) -> None:
    if part.end - part.start > 4 * metadata_bytes:
        what = f"The {format} file has a {part.name!r} of {part.end - part.start} bytes."
        raise errors.HostileInput(
            "metadata-limit", what, measured=f"{part.end - part.start} bytes", limit=f"{4 * metadata_bytes} bytes"
        )
    content = bytes(view[part.start : part.end])
    search(content, format)
    if format == "png" and part.name in (b"zTXt", b"iTXt", b"iCCP"):
        _unpack(content, part.name, metadata_bytes)


def _unpack(content: bytes, name: bytes, limit: int) -> None:
    """Unpack a PNG's packed text only as far as the limit."""
    at = content.find(b"\x00") + 1
    if name == b"iTXt":
        if content[at : at + 1] != b"\x01":
            return
        packed = content[at + 2 :].split(b"\x00", 2)[-1]
    else:
        packed = content[at + 1 :]
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        return
    if len(text) > limit:
        what = f"A {name!r} unpacks to more than {limit} bytes."
        raise errors.HostileInput("metadata-limit", what, measured=f"more than {limit} bytes", limit=f"{limit} bytes")
    search(text, "png")


def search(content: bytes, format: str) -> None:
    """Refuse scripts, pages, documents and archives inside a picture's metadata."""
    hit = _MARKUP.search(content)
    found = hit.group() if hit else None
    if found is None and b"PK\x05\x06" in content and b"PK\x01\x02" in content:
        found = b"PK\x05\x06"
    if found is not None:
        raise errors.HostileInput("polyglot", f"The {format} file also holds {found!r}: it is two things at once.")


def _inspect_trailer(view: memoryview, end: int, format: str) -> None:
    """What stands behind the picture must be padding, or what a phone writes there."""
    seen = 0
    while end < len(view):
        seen += 1
        rest = view[end:]
        head = bytes(rest[:64])
        tail = bytes(rest[:65536]) + bytes(rest[-65536:])
        search(tail, format)
        if head.startswith(_TRAILER_MAGIC):
            raise errors.HostileInput("polyglot", f"Behind the {format} picture comes {head[:4]!r}.")
        if len(rest) <= 65536 and not bytes(rest).strip(b"\x00\xff \r\n"):
            return
        length = _attachment(rest, head) if format == "jpeg" and seen <= 8 else 0
        if not length:
            what = f"{len(rest)} bytes stand behind the end of the {format} picture."
            raise errors.HostileInput("trailing-data", what)
        end += length


def _attachment(rest: memoryview, head: bytes) -> int:
    """Length of what cameras append to a JPEG: another JPEG, a motion photo's video, Samsung's block; 0 if none."""
    try:
        padding = len(head) - len(head.lstrip(b"\x00"))
        if head[padding : padding + 3] == b"\xff\xd8\xff":
            return padding + _collect(_walk_jpeg(rest[padding:]), "jpeg")[1]
        if head[4:8] == b"ftyp":
            return _collect(_walk_boxes(rest), "mp4")[1]
    except (_BrokenError, IndexError):
        return 0
    return len(rest) if bytes(rest[-4:]) == _SAMSUNG_END and len(rest) < 16_000_000 else 0


def _walk_jpeg(view: memoryview) -> Iterator[Part]:
    """Segments up to the end of image; everything from a start of scan to the next marker is one `scan`."""
    at, size = 2, len(view)
    while True:
        if at + 2 > size:
            yield Part(b"scan", at, size + 1)
            return
        if view[at] != 0xFF:
            raise _BrokenError(f"no marker at byte {at}")
        marker = view[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0xD9:
            yield Part(b"EOI", at + 2, at + 2)
            return
        elif marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 2
        else:
            end = at + 2 + int.from_bytes(view[at + 2 : at + 4], "big")
            if end < at + 4:
                raise _BrokenError(f"a segment of no length at byte {at}")
            yield Part(bytes((0xFF, marker)), at + 4, min(end, size + 1))
            at = end
            if marker == 0xDA:
                at = _scan_end(view, at)
                yield Part(b"scan", end, at)


def _scan_end(view: memoryview, at: int) -> int:
    """The next marker that is neither a restart nor a stuffed byte."""
    found = _MARKER.search(view, at)
    return found.start() if found else len(view)


def _walk_png(view: memoryview) -> Iterator[Part]:
    at = 8
    while True:
        if at + 12 > len(view):
            yield Part(b"IEND", at, max(at + 12, len(view) + 1))
            return
        length, name = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        if not name.isalpha():
            raise _BrokenError(f"no chunk at byte {at}")
        yield Part(name, at + 8, at + 8 + length)
        at += 12 + length
        if name == b"IEND":
            yield Part(b"end", at, at)
            return


def _walk_webp(view: memoryview) -> Iterator[Part]:
    end = 8 + int.from_bytes(view[4:8], "little")
    at = 12
    while at + 8 <= min(end, len(view)):
        length = int.from_bytes(view[at + 4 : at + 8], "little")
        yield Part(bytes(view[at : at + 4]), at + 8, at + 8 + length)
        at += 8 + length + length % 2
    if at > end + 1:
        raise _BrokenError("a chunk reaches beyond the file's own size")
    yield Part(b"end", end, end)


def _walk_gif(view: memoryview) -> Iterator[Part]:
    at = 13 + (3 << ((view[10] & 7) + 1) if view[10] & 0x80 else 0)
    while at < len(view):
        kind = view[at]
        if kind == 0x3B:
            yield Part(b"end", at + 1, at + 1)
            return
        if kind == 0x21:
            start, name = at + 2, b"text"
        elif kind == 0x2C:
            packed = view[at + 9]
            start, name = at + 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0), b"scan"
        else:
            raise _BrokenError(f"no block at byte {at}")
        at = start
        while (length := view[at]) != 0:
            at += 1 + length
        at += 1
        yield Part(name, start, at)
    yield Part(b"end", at + 1, at + 1)


def _walk_boxes(view: memoryview) -> Iterator[Part]:
    """Top-level boxes of an ISO media file; one of size 0 reaches to the end of the file."""
    at = 0
    while at < len(view):
        if at + 8 > len(view):
            yield Part(b"end", at, at)
            return
        length, name, head = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8]), 8
        if not is_box_name(name):
            yield Part(b"end", at, at)
            return
        if length == 1:
            length, head = int.from_bytes(view[at + 8 : at + 16], "big"), 16
        elif length == 0:
            length = len(view) - at
        if length < head:
            yield Part(b"end", at, at)
            return
        yield Part(name, at + head, at + length)
        at += length


_WALKERS: dict[str, Callable[[memoryview], Iterator[Part]]] = {
    "jpeg": _walk_jpeg,
    "png": _walk_png,
    "webp": _walk_webp,
    "gif": _walk_gif,
    "avif": _walk_boxes,
    "heif": _walk_boxes,
}
