"""The mail that tells a creator how their submission stands: short, in plain words, the same for the same state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from syncd.sdk.roles import Reason, SubmissionStatus
from syncd.systems.mailbox import threads, tokens
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions

# What follows by itself needs no mail.
UNTOLD = frozenset(("in_review", "superseded"))
_LONGEST_REFERENCES = 800
_WIRE = SMTP.clone(max_line_length=900)  # else a long Message-ID is encoded, and no program knows it again

_WHOLE = {
    "received": "Thank you, your submission has arrived. There is nothing you need to do.",
    "held": "Your submission waits for something.",
    "changes": "Something in your submission has to be changed.",
    "approved": "Your submission has been approved. There is nothing you need to do.",
    "refused": "Something you sent cannot be used as it is.",
    "rejected": "Your submission will not be used.",
    "withdrawn": "Your submission has been taken back and is not shown any more.",
}
_FILE = {
    "received": "arrived",
    "held": "waits",
    "in_review": "people are looking at it",
    "changes": "has to be changed",
    "approved": "approved",
    "refused": "cannot be used",
    "rejected": "will not be used",
    "withdrawn": "taken back",
    "superseded": "replaced by a newer version",
}


def compose(status: SubmissionStatus, to: Message, options: MailboxOptions, now: datetime) -> EmailMessage:
    """The answer.

    Args:
        status: of the submission.
        to: the mail the submission began with.
        options: of the mailbox.
        now: its date.
    """
    address = to.sender[1]
    token = tokens.token(status.external_id, address, options.reply_keys)
    answer = EmailMessage(SMTP)
    answer["From"] = options.address
    answer["To"] = address
    answer["Reply-To"] = options.address
    answer["Subject"] = f"Re: {_subject(to)} [syncd {token}]"
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = tokens.message_id(token, _content(status), threads.domain(options))
    if to.message_id:
        answer["In-Reply-To"] = f"<{to.message_id}>"
        answer["References"] = _references(to)
    answer["Auto-Submitted"] = "auto-replied"
    answer["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    answer.set_content(text(status), charset="utf-8", cte="quoted-printable")
    return answer


def wire(mail: EmailMessage) -> bytes:
    """A mail as it is sent."""
    return mail.as_bytes(policy=_WIRE)


def text(status: SubmissionStatus) -> str:
    """What it says."""
    return "\n\n".join("\n".join(lines) for lines in _paragraphs(status)) + "\n"


def _paragraphs(status: SubmissionStatus) -> Iterator[list[str]]:
    yield ["Hello,"]
    yield [_WHOLE.get(status.status, f"Your submission is now: {status.status}.")]
    if status.files:
        yield ["Your files:", *(f"* {key}: {_FILE.get(state, state)}" for key, state in status.files.items())]
    mend = [reason for reason in status.reasons if reason.fixable]
    others = [reason for reason in status.reasons if not reason.fixable]
    if mend:
        yield ["What is wrong, and what you can put right:", *_listed(mend)]
        yield ["Correct it and reply to this mail with the corrected file, under the same name."]
    if others:
        yield ["What is wrong, without you being able to help it:", *_listed(others)]
    yield ["A reply to this mail reaches your submission as long as the subject stays as it is."]


def _listed(reasons: list[Reason]) -> list[str]:
    return [f"* {' '.join(reason.say.split())}" for reason in reasons]


def _content(status: SubmissionStatus) -> bytes:
    reasons = [[reason.code, reason.say, reason.fixable] for reason in status.reasons]
    return json.dumps([status.external_id, status.status, dict(status.files), reasons], sort_keys=True).encode()


def _subject(to: Message) -> str:
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", tokens.without(to.subject))
    return re.sub(r"^(re:\s*)+", "", plain.strip(), flags=re.IGNORECASE)[:150] or "your mail"


def _references(to: Message) -> str:
    """The thread so far, the newest that fit."""
    kept = f"<{to.message_id}>"
    for each in to.thread:
        if each.isascii() and len(kept) + len(each) < _LONGEST_REFERENCES:
            kept = f"{each} {kept}"
    return kept
