"""Names of submissions that came by mail, and the tokens by which a reply finds its submission again.

A submission is named by a hash of its first mail's sender, Message-ID and instant of arrival: no other sender's mail
can have it. A token is that name with a signature over it and the sender's address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from pydantic import SecretStr

from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read for something else
_READ_AS = str.maketrans("OIL", "011")
_NAME = 16  # characters of a name, the rest of a token is its signature
_SIGNATURE = 8
_GROUP = 4
_MOST = 50  # tokens of a mail that are looked at

_PLAIN = r"(?:[0-9A-Za-z]{4}-){5}[0-9A-Za-z]{4}"
_IN_SUBJECT = re.compile(rf"\[\s*syncd\s+({_PLAIN})\s*\]", re.IGNORECASE)
_IN_MESSAGE_ID = re.compile(rf"<?syncd\.({_PLAIN})\.[0-9a-f]{{16}}@([^\s>]+)>?", re.IGNORECASE)


def begun_by(message: Message) -> str:
    """The name of the submission that a mail begins."""
    said = hashlib.sha256(f"{message.at}\0{message.sender[1]}\0{message.message_id}".encode()).digest()
    return _spelled(said, _NAME)


def continued_by(message: Message, options: MailboxOptions) -> str:
    """The submission whose answer a mail replies to, "" if none.

    Only a token that we signed for this very sender counts; in a Message-ID of ours that the mail refers to, or in the
    subject.
    """
    address = message.sender[1]
    answered = " ".join(message.thread)
    said = [*in_message_ids(answered, options.domain), *in_subject(message.subject)]
    found = (honoured(each, address, options.reply_keys) for each in said[:_MOST])
    return next(filter(None, found), "") if address else ""


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


def message_id(said: str, answer: str, domain: str) -> str:
    """The Message-ID of an answer: the same for the same answer, so that a repeat is known for one."""
    return f"<syncd.{said}.{hashlib.sha256(answer.encode()).hexdigest()[:16]}@{domain}>"


def in_message_ids(text: str, domain: str) -> list[str]:
    """Tokens in Message-IDs of answers from this domain."""
    return [said for said, where in _IN_MESSAGE_ID.findall(text) if where.lower() == domain.lower()]


def _signature(name: str, address: str, key: SecretStr) -> str:
    signed = hmac.digest(key.get_secret_value().encode(), f"reply\0{name}\0{address}".encode(), "sha256")
    return _spelled(signed, _SIGNATURE)


def _spelled(hashed: bytes, length: int) -> str:
    number = int.from_bytes(hashed)
    return _grouped("".join(_ALPHABET[number >> 5 * place & 31] for place in range(length)))


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))
