"""Messages as a mailbox reads them, made without a server."""

from __future__ import annotations

from typing import Any

from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions

GIVEN: dict[str, Any] = {
    "address": "Content@acme.example",
    "imap": {"host": "localhost", "tls": "none", "user": "me", "password": "secret"},
    "authserv_id": "mx.acme.example",
    "reply_keys": ["a key to sign replies with"],
}
OPTIONS = MailboxOptions.model_validate(GIVEN)
PASSED = "mx.acme.example; dkim=pass header.d=creators.example"


def message(**facts: Any) -> Message:
    """A mail of Mia's that proves its sender; `said` adds headers or replaces them."""
    said = {"from": "Mia <mia@creators.example>", "message-id": "<1@x>", "subject": "Glow"} | facts.pop("said", {})
    heads = (("authentication-results", PASSED), *said.items())
    return Message(folder="INBOX", validity=1, uid=7, at=1_000, headers=heads, **facts)
