"""Walks a video's container by seeking: its boxes fill the file exactly, and no script stands at either end. Pure."""

from __future__ import annotations

import os
from typing import BinaryIO

from syncd import errors
from syncd.media import containers


def inspect_video(file: BinaryIO, format: str) -> None:
    """Refuse a video that is not whole or holds something else; reads only the heads of its parts.

    Raises:
        HostileInput: reasons `truncated`, `corrupt`, `polyglot`, `trailing-data`.
    """
    size = file.seek(0, os.SEEK_END)
    for at in (0, max(0, size - 65536)):
        file.seek(at)
        containers.search(file.read(65536), format)
    if format in ("mp4", "mov"):
        _walk_box_file(file, size, format)
    else:
        _require_segment(file, size, format)


def _require_segment(file: BinaryIO, size: int, format: str) -> None:
    """Matroska (RFC 9559): the header, then a segment whose length, where known, ends with the file."""
    file.seek(0)
    head = file.read(4096)
    try:
        length, at = _ebml_length(head, 4)
        at += length
        if head[at : at + 4] != b"\x18\x53\x80\x67":
            raise errors.HostileInput("corrupt", f"The {format} file holds no segment.")
        length, start = _ebml_length(head, at + 4)
    except IndexError as error:
        raise errors.HostileInput("truncated", f"The {format} file ends in its header.") from error
    if length >= 0 and start + length > size:
        raise errors.HostileInput("truncated", f"The {format} file ends {start + length - size} bytes too early.")


def _ebml_length(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and the offset behind it; -1 for "unknown"."""
    octets = 9 - data[at].bit_length()
    if octets > 8 or at + octets > len(data):
        raise IndexError
    bits = int.from_bytes(data[at : at + octets], "big") & ((1 << 7 * octets) - 1)
    return (-1 if bits == (1 << 7 * octets) - 1 else bits), at + octets


def _walk_box_file(file: BinaryIO, size: int, format: str) -> None:
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length, first = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, first = int.from_bytes(head[8:16], "big"), 16
        if length == 0 and len(head) >= 8:
            return
        if length < first or not containers.is_box_name(head[4:8]):
            raise errors.HostileInput("trailing-data", f"{size - at} bytes of the {format} file are no part of it.")
        at += length
    if at > size:
        raise errors.HostileInput("truncated", f"The {format} file ends {at - size} bytes too early.")
