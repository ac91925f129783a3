"""Mail for tests: a mailbox that is written to as a server would, mails and replies as people send them, bounces."""

from __future__ import annotations

import imaplib
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from typing import Any

from imapclient.imap_utf7 import encode

from tests.support.dovecot import PASSWORD

MEDIA = Path(__file__).parents[2] / "examples" / "media"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PROVEN = "mx.acme.example; dmarc=pass (p=reject) header.from=creators.example; dkim=pass header.d=creators.example"
OWNER = "content@acme.example"
MIA = "mia@creators.example"


def mail(
    subject: str = "Glow at the beach",
    text: str = "Here it is.",
    *,
    sender: str = f"Mia K. <{MIA}>",
    message_id: str = "<one@creators.example>",
    proof: str = PROVEN,
    html: str = "",
    **headers: str,
) -> EmailMessage:
    """A mail from a creator as it lies in a mailbox."""
    made = EmailMessage()
    if proof:
        made["Authentication-Results"] = proof
    made["From"], made["To"], made["Subject"] = sender, OWNER, subject
    made["Date"] = "Sun, 22 Nov 2026 10:00:00 +0100"
    if message_id:
        made["Message-ID"] = message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def attach(made: EmailMessage, name: str, *, called: str = "", kind: str = "") -> bytes:
    """Attach a real photograph or video; returns its bytes."""
    content = (MEDIA / name).read_bytes()
    kind = kind or {"jpg": "image/jpeg", "png": "image/png", "mp4": "video/mp4"}[name.rpartition(".")[2]]
    main, _, sub = kind.partition("/")
    made.add_attachment(content, maintype=main, subtype=sub, filename=called or name)
    return content


def corrected(answer: EmailMessage, how: str = "program", sender: str = MIA) -> EmailMessage:
    """A reply with another picture under the same name."""
    made = reply(answer, how, sender)
    attach(made, "rocket.jpg", called="wine.jpg")
    return made


def reply(answer: EmailMessage, how: str = "program", sender: str = MIA) -> EmailMessage:
    """A reply that quotes, as different programs write it.

    Args:
        answer: what is replied to.
        how: `program` keeps subject and thread, `subject` and `thread` only the one.
        sender: who replies.
    """
    subject = f"Re: {answer['Subject']}" if how != "thread" else "Re: something else"
    headers = {} if how == "subject" else {"In_Reply_To": answer["Message-ID"]}
    text = "Better?\n\nOn 22 Nov 2026 content@acme.example wrote:\n> brief: stolen\n> https://x.example/quoted.jpg"
    return mail(subject, text, sender=sender, message_id="<reply@creators.example>", **headers)


def bounce(answer: EmailMessage, action: str = "failed") -> bytes:
    """A delivery report as Postfix writes it."""
    returned = answer.as_bytes()
    parts = [
        b"Content-Type: text/plain\n\nI'm sorry to have to inform you...\n",
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.acme.example\n\n"
        f"Final-Recipient: rfc822; {MIA}\nAction: {action}\nStatus: 5.1.1\n".encode(),
        b"Content-Type: message/rfc822\n\n" + returned,
    ]
    head = (
        b"From: MAILER-DAEMON@acme.example\nTo: content@acme.example\nSubject: Undelivered\n"
        b"Auto-Submitted: auto-replied\nMessage-ID: <bounce@acme.example>\nReturn-Path: <>\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=zz\n\n"
    )
    body = b"".join(b"--zz\n" + part + b"\n" for part in parts) + b"--zz--\n"
    return (head + body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class Mailbox:
    """One user's folders, as a delivering server and a curious person see them."""

    def __init__(self, port: int, user: str) -> None:
        self.user = user
        self._imap = imaplib.IMAP4("127.0.0.1", port)
        self._imap.login(user, PASSWORD)

    def deliver(self, made: EmailMessage | bytes, *, minute: int = 0, folder: str = "INBOX") -> None:
        """Put a mail into a folder, received `minute` minutes after AT."""
        raw = made if isinstance(made, bytes) else made.as_bytes(policy=WIRE.clone(max_line_length=0))
        stamp = imaplib.Time2Internaldate(AT + timedelta(minutes=minute))
        self._done(self._imap.append(_spelled(folder), "", stamp, raw))

    def create(self, folder: str) -> None:
        self._done(self._imap.create(_spelled(folder)))

    def delete(self, folder: str) -> None:
        self._done(self._imap.delete(folder))

    def flags(self, folder: str = "INBOX") -> list[set[str]]:
        """The flags of every message."""
        answer = self._imap.select(folder, readonly=True)
        self._done(answer)
        if answer[1] == [b"0"]:
            return []
        _, found = self._imap.fetch("1:*", "(FLAGS)")
        lines = [line.decode() for line in found if isinstance(line, bytes)]
        return [set(re.search(r"FLAGS \((.*?)\)", line)[1].split()) - {"\\Recent"} for line in lines]  # type: ignore[index]

    def remove(self, folder: str = "INBOX") -> None:
        """Remove every message of a folder."""
        self._done(self._imap.select(folder))
        self._imap.store("1:*", "+FLAGS", "\\Deleted")
        self._done(self._imap.expunge())

    def close(self) -> None:
        self._imap.logout()

    def _done(self, answer: tuple[str, Any]) -> None:
        assert answer[0] == "OK", answer


def _spelled(folder: str) -> str:
    return f'"{encode(folder).decode()}"'
