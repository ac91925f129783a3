"""What mail encodes: contents, piece by piece so that an attachment is never in memory as a whole (RFC 2045), words in
headers (RFC 2047), parameters (RFC 2231), texts of any charset.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Protocol
from urllib.parse import unquote_to_bytes

from syncd.errors import RejectedError

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOISE = bytes(set(range(256)) - set(_ALPHABET))
_PIECE = re.compile(r"(?P<name>[^*]+)(?:\*(?P<place>\d+))?(?P<encoded>\*)?")
_MOST_PIECES = 100
_NO_CHARSETS = ("punycode", "idna", "unicode-escape", "raw-unicode-escape")  # codecs of Python's that are no charset

# --- contents --------------------------------------------------------------------------------------------------------


class Decoder(Protocol):
    """Takes what was transferred, gives what was meant."""

    def feed(self, data: bytes) -> bytes:
        """What is certain after these further bytes."""
        ...

    def end(self) -> bytes:
        """What was still held back."""
        ...


class Plain:
    """7bit, 8bit and binary: nothing was encoded."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class Base64:
    """Base64 (RFC 2045): what is not of its alphabet is skipped; padding may end several runs."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        *runs, last = (self._held + data.translate(None, _NOISE)).split(b"=")
        whole = len(last) - len(last) % 4
        self._held = last[whole:]
        return b"".join(_padded(run) for run in runs) + binascii.a2b_base64(last[:whole])

    def end(self) -> bytes:
        held, self._held = self._held, b""
        return _padded(held)


class QuotedPrintable:
    """Quoted-printable (RFC 2045): an escape that may go on in the next piece is held back."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        place = data.rfind(b"=", max(0, len(data) - 2))
        data, self._held = (data, b"") if place < 0 else (data[:place], data[place:])
        return binascii.a2b_qp(data)

    def end(self) -> bytes:
        held, self._held = self._held, b""
        return binascii.a2b_qp(held)


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "": Plain,
    "7bit": Plain,
    "8bit": Plain,
    "binary": Plain,
    "base64": Base64,
    "quoted-printable": QuotedPrintable,
}


def decoder(encoding: str) -> Decoder:
    """A fresh decoder.

    Raises:
        RejectedError: the encoding is none that mail has.
    """
    found = _DECODERS.get(encoding.lower())
    if found is None:
        raise RejectedError(f"An attachment has the unknown encoding {encoding[:40]!r}.")
    return found()


def decoded_size(octets: int, encoding: str) -> int:
    """About how many bytes there are behind so many transferred ones; for base64 with lines as usual it is exact."""
    return octets * 57 // 78 if encoding.lower() == "base64" else octets


def decoded(data: bytes, encoding: str) -> bytes:
    """The beginning of a text that was transferred, as far as it goes."""
    undo = decoder(encoding)
    return undo.feed(data) + undo.end()


def _padded(run: bytes) -> bytes:
    """One run of base64 without its padding; a last lone character means nothing."""
    whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


# --- texts and names -------------------------------------------------------------------------------------------------


def text(raw: bytes, charset: str = "") -> str:
    """Bytes as text: by the stated charset, else UTF-8, else Latin-1; without what no store takes."""
    for name in (charset or "utf-8", "utf-8"):
        with suppress(LookupError, ValueError):
            if codecs.lookup(name).name.replace("_", "-") not in _NO_CHARSETS:
                return clean(raw.decode(name))
    return clean(raw.decode("latin-1"))


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
