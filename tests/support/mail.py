"""Mail for tests: a mailbox that is written to like a server would, mails as people send them, and a post office."""

from __future__ import annotations

import imaplib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
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


def attach(made: EmailMessage, name: str, *, called: str = "", **more: Any) -> bytes:
    """Attach a real photograph; returns its bytes."""
    content = (MEDIA / name).read_bytes()
    kind = {"jpg": ("image", "jpeg"), "png": ("image", "png"), "mp4": ("video", "mp4")}[name.rpartition(".")[2]]
    made.add_attachment(content, maintype=kind[0], subtype=kind[1], filename=called or name, **more)
    return content


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


class Post:
    """A post office on loopback that keeps what it is given; `refuse` answers a recipient."""

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.refuse = ""
        self.logins: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


def _spelled(folder: str) -> str:
    return f'"{encode(folder).decode()}"'


@asynccontextmanager
async def post_office(loop: Any, make: Callable[[Post], SMTP] | None = None) -> AsyncIterator[Post]:
    """Opened for as long as the context lasts."""
    office = Post()

    def server() -> SMTP:
        return make(office) if make else SMTP(office, hostname="post.example", loop=loop)

    listening = await loop.create_server(server, "127.0.0.1", 0)
    office.port = listening.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        listening.close()
        await listening.wait_closed()
