"""The servers of a mailbox: how they are declared, whom they are believed to be, what it means when they fail."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from syncd.errors import ConfigError, SyncdError, TransientError
from syncd.sdk.system import Options
from syncd.sdk.values import Duration

Tls = Literal["tls", "starttls", "none"]


class Server(Options):
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
    def _consistent(self) -> Server:
        if self.tls == "none" and not self.plaintext and not _is_loopback(self.host):
            raise ValueError("tls: none is for the same machine; say plaintext: true to send the login unprotected")
        if self.password.get_secret_value() and self.token.get_secret_value():
            raise ValueError("give a password or a token, not both")
        if bool(self.user) != bool(self.password.get_secret_value() or self.token.get_secret_value()):
            raise ValueError("a login is a user with a password or a token")
        return self

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port or self.ports[self.tls]

    @property
    def name(self) -> str:
        """Host and port, for errors."""
        return f"{self.host}:{self.effective_port}"

    def tls_context(self, root: Path) -> ssl.SSLContext | None:
        """How its certificate is judged, None without TLS; reads files.

        Raises:
            ConfigError: `ca_file` cannot be read as certificates.
        """
        if self.tls == "none":
            return None
        try:
            return ssl.create_default_context(cafile=str(root / self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            what = f"{self.ca_file} holds no certificates that can be read."
            raise ConfigError(what, remedy="Correct `ca_file`.") from error

    def unreachable(self, error: Exception, doing: str) -> SyncdError:
        """The error that no connection, or a broken one, is.

        Args:
            error: as the library raised it; its text may hold what was sent and is not told.
            doing: what the server was to do.
        """
        if isinstance(error, ssl.SSLCertVerificationError):
            what = f"The certificate of {self.name} is not trusted: {error.verify_message}."
            return ConfigError(what, remedy="Correct `host`, or name the certificate's issuer in `ca_file`.")
        if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL"):
            return ConfigError(f"{self.name} does not speak `tls: {self.tls}`.", remedy="Correct `port` or `tls`.")
        return TransientError(f"{self.name} cannot be reached to {doing}: {type(error).__name__}.")


class ImapServer(Server):
    """The server that holds the mailbox (IMAP)."""

    ports: ClassVar[dict[str, int]] = {"tls": 993, "starttls": 143, "none": 143}

    @model_validator(mode="after")
    def _with_login(self) -> ImapServer:
        if not self.user:
            raise ValueError("a mailbox is read with a user and a password or a token")
        return self


class SmtpServer(Server):
    """The server that takes answers (SMTP)."""

    ports: ClassVar[dict[str, int]] = {"tls": 465, "starttls": 587, "none": 25}

    tls: Tls = Field("starttls", description="tls from the first byte, starttls, or none: only on the same machine.")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
