"""Mail no person wrote to us: from machines, lists and ourselves; and reports that an answer did not arrive."""

from __future__ import annotations

import re
from collections.abc import Sequence

from syncd.systems.mailbox import tokens
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions

_BULK = ("bulk", "list", "junk", "auto_reply")
_FAILED = re.compile(r"^action:\s*failed\b", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>;,:\"@]{1,64}@[^\s<>;,:\"@]{1,255}")
_MOST = 50  # addresses or tokens of a report that are looked at
_NOBODY = re.compile(r"(no|do-?not|dont)[-_.]?reply.*|mailer-daemon|postmaster|bounces?([-+].*)?|nobody")


def is_own(message: Message, options: MailboxOptions) -> bool:
    """Whether we sent it ourselves."""
    if message.sender[1] == options.address:
        return True
    said = tokens.in_message_ids(message.header("message-id"), options.domain)
    return bool(said) and message.sender[1].endswith("@" + options.domain)


def is_automatic(message: Message) -> bool:
    """Whether a machine sent it: nobody waits for an answer, and none may be sent (RFC 3834)."""
    submitted = message.header("auto-submitted").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or message.header("precedence").strip().lower() in _BULK
        or bool(message.all("list-id") or message.all("x-autoreply") or message.all("x-autorespond"))
        or message.header("return-path").strip() == "<>"
        or _is_report(message)
    )


def bounced(message: Message, options: MailboxOptions) -> str:
    """The address that an answer of ours did not reach, if the message reports this, else "".

    Anybody can write such a report; it is believed if it returns a token that we signed for that address.
    """
    if not _is_report(message) or (message.report and not _FAILED.search(message.report)):
        return ""
    text = message.report or message.plain  # old servers tell everything in plain words
    returned = " ".join([text, *(part.message_id for part in message.parts)])
    said = tokens.in_message_ids(returned, options.domain)
    found = [*_ADDRESS.findall(text), *(each for part in message.parts for each in part.to)]
    return next((each.lower() for each in found[:_MOST] if _is_ours(said[:_MOST], each.lower(), options)), "")


def _is_ours(said: Sequence[str], address: str, options: MailboxOptions) -> bool:
    return any(tokens.honoured(each, address, options.reply_keys) for each in said)


def takes_no_answer(address: str) -> bool:
    """Whether nobody reads what is sent to this address."""
    return _NOBODY.fullmatch(address.partition("@")[0]) is not None


def _is_report(message: Message) -> bool:
    kind = message.header("content-type").lower()
    return kind.startswith("multipart/report") or message.sender[1].startswith("mailer-daemon@")
