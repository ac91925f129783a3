"""Seals what the ledger must keep and nobody may read there: AES-256-GCM, bound to the place it is kept at.

A sealed text is a format byte, the first 4 bytes of the SHA-256 of its key, a nonce of 12 bytes and the ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from syncd.durable import sync
from syncd.errors import ConfigError

SETTING = "SYNCD_CREDENTIALS_KEY"
_FORMAT = b"\x01"
_KEY, _ID, _NONCE = 32, 4, 12
_HEAD = len(_FORMAT) + _ID + _NONCE


class SealedElsewhere(ConfigError):
    """Give this process the key that sealed it (SYNCD_CREDENTIALS_KEY), or `syncd connect CONNECTION` once more."""

    code = "credential.sealed"


class Vault:
    """Seals with the first of its keys and opens with any of them, so that one can replace another."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """
        Args:
            keys: of 32 bytes each, at least one.
        """
        self._keys = {_identity(key): AESGCM(key) for key in keys}
        self._first = _identity(keys[0])

    @classmethod
    def of(cls, setting: str, path: Path) -> Vault:
        """The vault of one process.

        Args:
            setting: keys in Base64, apart by blanks or commas; "" if they are not set.
            path: the file that holds the key where the setting is empty; a new one is written where there is none.

        Raises:
            ConfigError: a key is none.
        """
        if setting.strip():
            return cls(_keys(setting, SETTING))
        if not path.exists():
            _write_new(path)
        return cls(_keys(path.read_text(), str(path)))

    def seal(self, content: bytes, place: str) -> bytes:
        """Make a text unreadable; it can be opened for the same place only."""
        nonce = secrets.token_bytes(_NONCE)
        return _FORMAT + self._first + nonce + self._keys[self._first].encrypt(nonce, content, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for a place.

        Raises:
            SealedElsewhere: none of the keys opens it.
        """
        key = self._keys.get(sealed[1 : 1 + _ID])
        if sealed[:1] != _FORMAT or key is None:
            known = ", ".join(identity.hex() for identity in self._keys)
            raise SealedElsewhere(
                f"The credential of {place} was sealed with the key {sealed[1 : 1 + _ID].hex()}; known are {known}."
            )
        try:
            return key.decrypt(sealed[1 + _ID : _HEAD], sealed[_HEAD:], place.encode())
        except InvalidTag:
            raise SealedElsewhere(f"The credential of {place} is not as it was sealed.") from None

    def knows(self, sealed: bytes) -> bool:
        """Whether one of the keys has sealed it."""
        return sealed[:1] == _FORMAT and sealed[1 : 1 + _ID] in self._keys

    def is_current(self, sealed: bytes) -> bool:
        """Whether a text was sealed with the first key."""
        return sealed[: 1 + _ID] == _FORMAT + self._first


def _identity(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:_ID]


def _keys(text: str, where: str) -> list[bytes]:
    """Keys written in either alphabet of Base64 (RFC 4648), with or without padding."""
    found: list[bytes] = []
    for number, word in enumerate(re.split(r"[\s,]+", text.strip()), 1):
        plain = word.rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(binascii.Error, ValueError):
            found.append(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
        if len(found) < number or len(found[-1]) != _KEY:
            raise ConfigError(
                f"{where}: key {number} is not 32 bytes in Base64.", remedy="Make one with `openssl rand -base64 32`."
            )
    return found


def _write_new(path: Path) -> None:
    """Make a key that is on disk before anything is sealed with it; of two processes at once, one's key stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    partial.touch(mode=0o600)
    partial.write_bytes(base64.b64encode(secrets.token_bytes(_KEY)) + b"\n")
    sync(partial)
    with suppress(FileExistsError):
        os.link(partial, path)
    partial.unlink()
    sync(path.parent)
