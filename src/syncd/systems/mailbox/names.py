"""Names in mail as people wrote them: parameters (RFC 2231), encoded words (RFC 2047), and file names made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from urllib.parse import unquote_to_bytes

_PIECE = re.compile(r"(?P<name>[^*]+)(?:\*(?P<place>\d+))?(?P<encoded>\*)?")
_MOST_PIECES = 100
_LONGEST = 200


def text(raw: bytes, charset: str = "") -> str:
    """Bytes as text: by the stated charset, else UTF-8, else Latin-1; without what no store takes."""
    for name in (charset, "utf-8", "latin-1"):
        try:
            return clean(raw.decode(name)) if name else clean(raw.decode("utf-8"))
        except (LookupError, ValueError):
            continue
    raise AssertionError("Latin-1 decodes everything")


def clean(said: str) -> str:
    """Text without NUL and halves of surrogate pairs."""
    return re.sub("[\x00\ud800-\udfff]", "", said)


def words(value: str) -> str:
    """A header's value with its encoded words decoded; as it stands where they are broken."""
    if "=?" not in value:
        return clean(value)
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return clean(value)
    return "".join(piece if isinstance(piece, str) else text(piece, charset or "") for piece, charset in pieces)


def parameter(parameters: Mapping[str, str], name: str) -> str:
    """A parameter of a MIME header, whole: continued, percent-encoded or with encoded words.

    Args:
        parameters: as they stand, names in lower case, such as `filename*0*`.
        name: which, such as `filename`.
    """
    pieces: dict[int, tuple[str, bool]] = {}
    for key, value in parameters.items():
        found = _PIECE.fullmatch(key)
        if found and found["name"] == name and (found["place"] or found["encoded"]) and len(pieces) < _MOST_PIECES:
            pieces[int((found["place"] or "0")[:6])] = (value, bool(found["encoded"]))
    if not pieces:
        return words(parameters.get(name, ""))
    charset, raw = "", b""
    for place, (value, encoded) in sorted(pieces.items()):
        if encoded and place == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
    return text(raw, charset)


def file_name(said: str, fallback: str) -> str:
    """A name without folders, control characters and excess length; its extension stays."""
    plain = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", clean(said))
    last = re.split(r"[/\\]", plain.strip())[-1].strip(". ") or fallback
    stem, dot, extension = last.rpartition(".")
    if len(last) <= _LONGEST:
        return last
    return stem[: _LONGEST - 20] + dot + extension[:19] if dot else last[:_LONGEST]
