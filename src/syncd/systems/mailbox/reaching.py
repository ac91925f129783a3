"""How servers are reached, and which error it is when they are not."""

from __future__ import annotations

import imaplib
import ssl
from pathlib import Path

from imapclient.exceptions import LoginError, ProtocolError

from syncd.errors import AuthError, ConfigError, SyncdError, TransientError
from syncd.systems.mailbox.options import ImapServer

# RFC 5530: the server has a problem of its own, whatever it was asked.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]")
_MISSING = ("[nonexistent]", "[trycreate]", "doesn't exist", "not exist", "unknown mailbox")


class UnreadableAnswer(TransientError):
    """Look at the mail with another program: this server's answer about it is not understood."""


def tls_context(ca_file: str, root: Path) -> ssl.SSLContext:
    """How certificates are judged.

    Raises:
        ConfigError: the file cannot be read as certificates.
    """
    try:
        return ssl.create_default_context(cafile=str(root / ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{ca_file} holds no certificates that can be read.", remedy="Correct `ca_file`.") from error


def unreachable(error: Exception, server: str, tls: str, doing: str) -> SyncdError:
    """The error that no connection, or a broken one, is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"The certificate of {server} is not trusted: {error.verify_message}."
        return ConfigError(what, remedy="Correct `host`, or name the certificate's issuer in `ca_file`.")
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL"):
        return ConfigError(f"{server} does not speak `tls: {tls}`.", remedy="Correct `port` or `tls`.")
    return TransientError(f"{server} cannot be reached to {doing}: {type(error).__name__}.")


def answered(error: Exception, server: ImapServer, doing: str, said: str) -> SyncdError:
    """The error that a refusal, or an answer nobody understands, is.

    Args:
        error: as the library raised it.
        server: that answered.
        doing: what it was asked to do.
        said: the error's text, without secrets.
    """
    what = f"{server.name} was asked to {doing} and answered: {said}"
    # A connection that breaks during the login looks like a refusal, but for what it came from.
    if any(code in said for code in _PASSING) or isinstance(error.__context__, imaplib.IMAP4.abort | OSError):
        return TransientError(what)
    if isinstance(error, LoginError):
        where = f"{server.name} refuses the login of {server.user}: {said}"
        return AuthError(where, remedy="Correct `user`, `password` or `token` below `imap`, then `syncd check`.")
    if "folder" in doing and any(sign in said.lower() for sign in _MISSING):
        return ConfigError(what, remedy="Create the folder, or correct its name in the options.")
    if isinstance(error, ProtocolError) or not isinstance(error, imaplib.IMAP4.error) or "got more than" in said:
        return UnreadableAnswer(what)
    return TransientError(what)
