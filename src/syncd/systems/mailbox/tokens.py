"""Names of submissions that came by mail, and the tokens by which a reply finds its submission again.

A submission is named by the instant its first mail arrived and a hash of who sent it and its Message-ID: short, found
again on the server by the instant alone, and no other sender's mail can have it. A token is that name with a signature
over it and the sender's address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from pydantic import SecretStr

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read for something else
_READ_AS = str.maketrans("OIL", "011")
_HASH_BITS = 45
_NAME = 16  # characters of a name, the rest of a token is its signature
_SIGNATURE = 8
_GROUP = 4

_PLAIN = r"(?:[0-9A-Za-z]{4}-){5}[0-9A-Za-z]{4}"
_IN_SUBJECT = re.compile(rf"\[\s*syncd\s+({_PLAIN})\s*\]", re.IGNORECASE)
_IN_MESSAGE_ID = re.compile(rf"<?syncd\.({_PLAIN})\.[0-9a-f]{{16}}@([^\s>]+)>?", re.IGNORECASE)


def submission(at: int, address: str, message_id: str) -> str:
    """The name of the submission that a mail begins.

    Args:
        at: the second it arrived, as its server says (INTERNALDATE, which moving and migrating keep).
        address: its sender's.
        message_id: as the sender gave it.
    """
    said = hashlib.sha256(f"{at}\0{address}\0{message_id}".encode()).digest()
    number = at % 2**35 << _HASH_BITS | int.from_bytes(said[:8]) >> (64 - _HASH_BITS)
    return _grouped(_spelled(number, _NAME))


def arrived(name: str) -> int | None:
    """The second the first mail of a submission arrived; None if the text is no such name."""
    plain = name.replace("-", "")
    if len(plain) != _NAME or not set(plain) <= set(_ALPHABET):
        return None
    number = 0
    for character in plain:
        number = number * 32 + _ALPHABET.index(character)
    return number >> _HASH_BITS


def token(name: str, address: str, keys: Sequence[SecretStr]) -> str:
    """The token for answers to this address about this submission, signed with the first key."""
    return f"{name}-{_signature(name, address, keys[0])}"


def honoured(said: str, address: str, keys: Sequence[SecretStr]) -> str:
    """The submission a token names if one of the keys signed it for this address, else ""."""
    plain = said.upper().translate(_READ_AS).replace("-", "")
    name, signature = _grouped(plain[:_NAME]), _grouped(plain[_NAME:])
    genuine = [hmac.compare_digest(_signature(name, address, key).encode(), signature.encode()) for key in keys]
    return name if any(genuine) else ""


def in_subject(subject: str) -> list[str]:
    """Tokens that stand in a subject."""
    return _IN_SUBJECT.findall(subject)


def without(subject: str) -> str:
    """A subject without tokens."""
    return " ".join(_IN_SUBJECT.sub("", subject).split())


def message_id(said: str, content: bytes, domain: str) -> str:
    """The Message-ID of an answer: the same for the same content, so that a repeat is known for one."""
    return f"<syncd.{said}.{hashlib.sha256(content).hexdigest()[:16]}@{domain}>"


def in_message_ids(text: str, domain: str) -> list[str]:
    """Tokens in Message-IDs of answers from this domain."""
    return [said for said, where in _IN_MESSAGE_ID.findall(text) if where.lower() == domain.lower()]


def _signature(name: str, address: str, key: SecretStr) -> str:
    signed = hmac.digest(key.get_secret_value().encode(), f"reply\0{name}\0{address}".encode(), "sha256")
    return _grouped(_spelled(int.from_bytes(signed[:5]), _SIGNATURE))


def _spelled(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))
