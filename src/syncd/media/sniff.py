"""What a file is by its first bytes, whatever its name and the sender's header say. Pure."""

from __future__ import annotations

import codecs

from syncd import errors
from syncd.domain.media import EXTENSIONS, MEDIA_TYPES

HEAD = 4096  # bytes that decide

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"%PDF-", "pdf"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"%!PS", "postscript"),
    (b"\x04%!PS", "postscript"),
    (b"MZ", "executable"),
    (b"\x7fELF", "executable"),
    (b"\xfe\xed\xfa", "executable"),
    (b"\xcf\xfa\xed\xfe", "executable"),
    (b"\xca\xfe\xba\xbe", "executable"),
    (b"\x00asm", "executable"),
    (b"#!", "script"),
    (b"PK\x03\x04", "archive"),
    (b"PK\x05\x06", "archive"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"(\xb5/\xfd", "archive"),
    (b"#EXTM3U", "playlist"),
    (b"ffconcat", "playlist"),
    (b"[playlist]", "playlist"),
)
_TEXT_MARKS: tuple[tuple[str, str], ...] = (
    ("<?php", "script"),
    ("<mpd", "playlist"),
    ("<smil", "playlist"),
    ("<svg", "svg"),
    ("<!doctype svg", "svg"),
    ("<!doctype html", "html"),
    ("<html", "html"),
    ("<head", "html"),
    ("<body", "html"),
    ("<script", "html"),
    ("<?xml", "xml"),
    ("#extm3u", "playlist"),
    ("ffconcat version", "playlist"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_VIDEO_BRANDS = (b"isom", b"iso", b"mp4", b"avc1", b"M4V", b"mmp4", b"MSNV", b"dash", b"XAVC", b"3gp", b"f4v", b"mp7")


def sniff(head: bytes) -> str | None:
    """The format of a file that starts with `head` (up to `HEAD` bytes), or None if it is none we know.

    Returns:
        a key of `MEDIA_TYPES`, or one of pdf, eps, postscript, svg, html, xml, script, playlist, archive, executable.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "matroska"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return "eps" if name == "postscript" and b"EPSF" in head[:32] else name
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    return _text(head)


def _iso_media(head: bytes) -> str | None:
    brand = head[8:12]
    length = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in range(8, min(length, len(head)), 4)}
    if brand in (b"avif", b"avis") or (brand in (b"mif1", b"msf1") and b"avif" in brands):
        return "avif"
    if brand in _HEIF_BRANDS:
        return "heif"
    if brand == b"qt  ":
        return "mov"
    return "mp4" if any(each.startswith(_VIDEO_BRANDS) for each in (brand, *brands)) else None


def _text(head: bytes) -> str | None:
    """Look for markup after a byte order mark, white space, comments, in UTF-8 or UTF-16."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        text = head.decode("utf-16", "replace")
    elif head[1:2] == b"\x00":
        text = head.decode("utf-16-le", "replace")
    else:
        text = head.decode("latin-1")
    text = text.lstrip("\ufeff\xef\xbb\xbf \t\r\n\x00").lower()
    if text.startswith("%!ps"):
        return "eps" if "epsf" in text[:40] else "postscript"
    if not text.startswith(("<", "#extm3u", "ffconcat")):
        return "pdf" if "%pdf-" in text[:1100] else None
    return next((name for mark, name in _TEXT_MARKS if mark in text), None)


def require_media(head: bytes, what: str) -> str:
    """The format of a picture or video.

    Args:
        what: names the file in the message.

    Raises:
        HostileInput: reason `empty`, `unknown-format` or `<format>-refused`, such as `svg-refused`.
    """
    if not head:
        raise errors.HostileInput("empty", f"{what} is empty.")
    found = sniff(head)
    if found is None:
        raise errors.HostileInput("unknown-format", f"{what} is in no format that syncd opens.")
    if found not in MEDIA_TYPES:
        raise errors.HostileInput(f"{found}-refused", f"{what} is {found}, not a picture or video.", format=found)
    return found


def extension_matches(filename: str, format: str) -> bool:
    """Whether a file's name says what the file is; a name without extension says nothing wrong."""
    stem, dot, extension = filename.rpartition(".")
    if not (stem and dot):
        return True
    allowed = EXTENSIONS[format] + (EXTENSIONS["mov"] + EXTENSIONS["mp4"] if format in ("mov", "mp4") else ())
    return extension.lower() in allowed
