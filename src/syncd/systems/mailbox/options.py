"""What a mailbox connection declares."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.sdk.system import Options
from syncd.sdk.values import Size
from syncd.systems.mailbox.servers import ImapServer, SmtpServer

_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\[\]]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SHORTEST_KEY = 16


class MailboxOptions(Options):
    """Which mailbox, whom to believe, and what becomes of mail."""

    address: str = Field(description="The mailbox's own address: answers come from it, mail from it is ignored.")
    imap: ImapServer = Field(description="Where the mailbox is.")
    smtp: SmtpServer | None = Field(None, description="Where answers are handed over; without it nobody is answered.")
    folders: Annotated[tuple[str, ...], Field(min_length=1)] = Field(("INBOX",), description="The folders watched.")
    begin: Literal["now", "all"] = Field(
        "now", description="now takes what arrives after the first poll; all takes what lies there too."
    )
    max_size: Size = Field(
        50_000_000, gt=0, description="The largest file taken; a larger one is never fetched, its sender is told."
    )
    small_inline: Size = Field(
        30_000, ge=0, description="Pictures shown inside the text that are smaller belong to a signature."
    )
    links: bool = Field(True, description="Whether links in the text are files too.")
    link_hosts: tuple[str, ...] = Field(
        ("*",),
        description="Hosts whose links are files, as globs. A host that is named is taken at its word; `*` stands for "
        "any host, but only for links that end like a picture or a video (.jpg, .mp4, …).",
    )
    allow_hosts: tuple[str, ...] = Field(
        (), description="Host names links may be fetched from although their address is private."
    )
    keys: tuple[str, ...] = Field(
        (), description="Further keys that may stand at the top of a mail; they become the submission's `fields`."
    )
    senders: tuple[str, ...] = Field(("*",), description="Addresses mail is taken from, as globs.")
    sender_proof: Literal["dkim-or-dmarc", "dmarc", "dkim", "spf", "none"] = Field(
        "dkim-or-dmarc",
        description="What must have passed, for the domain of the From address, before a mail is believed.",
    )
    authserv_id: str = Field(
        "", description="The name your own mail server writes first in Authentication-Results; others are not believed."
    )
    reply_keys: tuple[SecretStr, ...] = Field(
        (), description="Secrets that sign reply tokens, 16 characters or more; two while one replaces the other."
    )
    mark: str = Field("$SyncdStored", description="The keyword a message gets once all its files are stored.")
    move_to: str = Field("", description="The folder a message is moved to then; it stays where it is if empty.")
    sent: str = Field("", description="A folder for copies of answers; what lies there is not sent a second time.")

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        if not _ADDRESS.fullmatch(address):
            raise ValueError("is no mail address")
        return address.lower()

    @field_validator("mark")
    @classmethod
    def _is_keyword(cls, mark: str) -> str:
        if not re.fullmatch(r"[$A-Za-z][A-Za-z0-9_.-]*", mark):
            raise ValueError("is no IMAP keyword: letters, digits, $, _, . and -")
        return mark

    @field_validator("reply_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < _SHORTEST_KEY for key in keys):
            raise ValueError(f"have {_SHORTEST_KEY} characters or more")
        return keys

    @model_validator(mode="after")
    def _consistent(self) -> MailboxOptions:
        if self.sender_proof != "none" and not self.authserv_id:
            raise ValueError("authserv_id is missing: without it no mail can prove its sender (or sender_proof: none)")
        if self.smtp is not None and not self.reply_keys:
            raise ValueError("reply_keys is missing: answers carry a token that is signed with it")
        if self.move_to in self.folders:
            raise ValueError("move_to is a folder that is watched")
        return self

    @property
    def domain(self) -> str:
        """The domain our Message-IDs are of."""
        return self.address.rpartition("@")[2]


def is_address(text: str) -> bool:
    """Whether the text is a plain mail address."""
    return len(text) <= 254 and text.isascii() and _ADDRESS.fullmatch(text) is not None
