"""Transfer encodings undone piece by piece, so that an attachment is never in memory as a whole."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Protocol

from syncd.errors import RejectedError

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOISE = bytes(set(range(256)) - set(_ALPHABET))


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
