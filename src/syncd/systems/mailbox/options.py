"""What a mailbox connection declares."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.sdk.system import Options
from syncd.sdk.values import Duration, Size

_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\[\]]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SHORTEST_KEY = 16

Tls = Literal["tls", "starttls", "none"]


class _Server(Options):
    """A server and the login there."""

    ports: ClassVar[dict[str, int]]

    host: str = Field(min_length=1, description="Host name; the certificate must be for it.")
    port: int = Field(0, ge=0, le=65535, description="Port; 0 is the usual one for `tls`.")
    tls: Tls = Field("tls", description="tls from the first byte, starttls, or none: only on the same machine.")
    plaintext: bool = Field(False, description="Whether `tls: none` may send the login over a network.")
    ca_file: str = Field("", description="Certificates to trust, below SYNCD_ROOT; the machine's own if empty.")
    user: str = Field("", description="The login's name.")
    password: SecretStr = Field(SecretStr(""), description="Its password.")
    token: SecretStr = Field(SecretStr(""), description="An OAuth access token in place of a password (XOAUTH2).")
    timeout: Duration = Field(timedelta(seconds=30), description="How long the server may keep silent.")

    @model_validator(mode="after")
    def _consistent(self) -> _Server:
        if self.tls == "none" and not self.plaintext and not _is_loopback(self.host):
            raise ValueError("tls: none is for the same machine; say plaintext: true to send the login unprotected")
        if self.password.get_secret_value() and self.token.get_secret_value():
            raise ValueError("give a password or a token, not both")
        if bool(self.user) != bool(self.password.get_secret_value() or self.token.get_secret_value()):
            raise ValueError("a login is a user with a password or a token")
        return self

    @property
    def where(self) -> int:
        """The port to connect to."""
        return self.port or self.ports[self.tls]

    @property
    def name(self) -> str:
        """Host and port, for errors."""
        return f"{self.host}:{self.where}"


class ImapServer(_Server):
    """The server that holds the mailbox (IMAP)."""

    ports: ClassVar[dict[str, int]] = {"tls": 993, "starttls": 143, "none": 143}

    @model_validator(mode="after")
    def _with_login(self) -> ImapServer:
        if not self.user:
            raise ValueError("a mailbox is read with a user and a password or a token")
        return self


class SmtpServer(_Server):
    """The server that takes answers (SMTP)."""

    ports: ClassVar[dict[str, int]] = {"tls": 465, "starttls": 587, "none": 25}

    tls: Tls = Field("starttls", description="tls from the first byte, starttls, or none: only on the same machine.")


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


def is_address(text: str) -> bool:
    """Whether the text is a plain mail address."""
    return len(text) <= 254 and text.isascii() and _ADDRESS.fullmatch(text) is not None


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
