"""The mail that tells a creator how their submission stands, in plain words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlencode

from syncd.sdk.source import Reason, SubmissionStatus
from syncd.systems.mailbox import automatic, tokens
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions

_WIRE = SMTP.clone(max_line_length=900)  # else a long Message-ID is encoded, and no program knows it again
_LONGEST_REFERENCES = 800
_UNTOLD = "superseded"  # follows from what they sent themselves
_SAME = {"in_review": "received"}  # what nobody needs to tell apart
_PROBLEMS = ("held", "changes", "refused", "rejected")

_WHOLE = {
    "received": "Thank you, your submission has arrived. There is nothing you need to do.",
    "held": "Your submission has arrived, but waits for something.",
    "changes": "Something in your submission has to be changed.",
    "approved": "Your submission has been approved. There is nothing you need to do.",
    "refused": "Something you sent cannot be used as it is.",
    "rejected": "Your submission will not be used.",
    "withdrawn": "Your submission has been taken back and is not shown any more. "
    "To bring it back, reply and write `withdrawn: no` in the first line.",
}
_FILE = {
    "received": "has arrived",
    "held": "waits",
    "changes": "has to be changed",
    "approved": "is approved",
    "refused": "cannot be used",
    "rejected": "will not be used",
    "withdrawn": "is taken back",
    "superseded": "is replaced by a newer version",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail that is due. `note` is what to remember of it: how many there were, and what the last one told."""

    mail: EmailMessage
    note: str

    @property
    def identifier(self) -> str:
        """Its Message-ID: the same whenever this answer is made again."""
        return str(self.mail["Message-ID"])

    @property
    def recipient(self) -> str:
        """Who gets it."""
        return str(self.mail["To"])

    @property
    def wire(self) -> bytes:
        """The mail as it is sent."""
        return self.mail.as_bytes(policy=_WIRE)


def reference(message: Message) -> str:
    """What an answer to a mail needs of it: its subject, and the Message-IDs of the thread, the newest that fit."""
    thread = f"<{message.message_id}>" if message.message_id else ""
    for each in message.thread:
        if each.isascii() and len(thread) + len(each) < _LONGEST_REFERENCES:
            thread = f"{each} {thread}".strip()
    plain = re.sub(r"[\x00-\x1f\x7f]", " ", tokens.without(message.subject))
    subject = re.sub(r"^(re:\s*)+", "", plain.strip(), flags=re.IGNORECASE)[:150]
    return "mail:?" + urlencode({"subject": subject, "thread": thread, "answers": message.message_id})


def due(status: SubmissionStatus, options: MailboxOptions, now: datetime) -> Answer | None:
    """The answer that a status asks for, None if there is nobody to tell or nothing they need to know.

    Args:
        status: of the submission.
        options: of the mailbox.
        now: its date.
    """
    delivery = status.delivery
    address = delivery.creator.mail if delivery and delivery.creator else ""
    if delivery is None or not address or automatic.takes_no_answer(address) or status.status == _UNTOLD:
        return None
    count, _, told = status.note.partition(":")
    digest = _digest(status, delivery.reference)
    if digest == told:
        return None
    note = f"{int(count or 0) + 1}:{digest}"
    about = dict(parse_qsl(delivery.reference.partition("?")[2]))
    return Answer(_mail(status, address, about, note, options, now), note)


def _digest(status: SubmissionStatus, answered: str) -> str:
    """What an answer tells, as a hash: another mail of theirs, another state, another problem ask for another one."""
    problems = {key: state for key, state in status.files.items() if state in _PROBLEMS}
    reasons = [[reason.file, reason.code, reason.say, reason.fixable] for reason in status.reasons]
    told = [answered, _SAME.get(status.status, status.status), problems, reasons]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _mail(
    status: SubmissionStatus, address: str, about: dict[str, str], note: str, options: MailboxOptions, now: datetime
) -> EmailMessage:
    token = tokens.token(status.external_id, address, options.reply_keys)
    mail = EmailMessage(SMTP)
    mail["From"] = options.address
    mail["To"] = address
    mail["Reply-To"] = options.address
    mail["Subject"] = f"Re: {about.get('subject') or 'your mail'} [syncd {token}]"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = tokens.message_id(token, note, options.domain)
    if "answers" in about:
        mail["In-Reply-To"] = f"<{about['answers']}>"
        mail["References"] = about["thread"]
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(text(status), charset="utf-8", cte="quoted-printable")
    return mail


def text(status: SubmissionStatus) -> str:
    """What it says."""
    return "\n\n".join("\n".join(lines) for lines in _paragraphs(status)) + "\n"


def _paragraphs(status: SubmissionStatus) -> Iterator[list[str]]:
    whole = _SAME.get(status.status, status.status)
    yield ["Hello,"]
    yield [_WHOLE.get(whole, f"Your submission is now: {whole}.")]
    if status.files:
        states = {key: _SAME.get(state, state) for key, state in status.files.items()}
        yield ["Your files:", *(f"* {key}: {_FILE.get(state, state)}" for key, state in states.items())]
    mend = [reason for reason in status.reasons if reason.fixable]
    others = [reason for reason in status.reasons if not reason.fixable]
    if mend:
        yield ["What is wrong, and what you can put right:", *map(_reason, mend)]
        yield ["Correct it and reply to this mail; send a corrected file under the same name."]
    if others:
        yield ["What is wrong, without you being able to help it:", *map(_reason, others)]
    yield ["A reply to this mail reaches your submission as long as the subject stays as it is."]


def _reason(reason: Reason) -> str:
    about = f"{reason.file}: " if reason.file else ""
    return f"* {about}{' '.join(reason.say.split())}"
