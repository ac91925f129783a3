"""Which submission a mail belongs to: its own, or the one whose answer it replies to."""

from __future__ import annotations

from syncd.systems.mailbox import tokens
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions


def of(message: Message, options: MailboxOptions) -> str:
    """The submission whose answer a mail replies to, "" if none.

    Only a token that we signed for this very sender counts; in a Message-ID of ours that the mail refers to, or in the
    subject.
    """
    address = message.sender[1]
    answered = " ".join(message.thread)
    said = [*tokens.in_message_ids(answered, domain(options)), *tokens.in_subject(message.subject)]
    found = (tokens.honoured(each, address, options.reply_keys) for each in said)
    return next(filter(None, found), "") if address else ""


def domain(options: MailboxOptions) -> str:
    """The domain our Message-IDs are of."""
    return options.address.rpartition("@")[2]
