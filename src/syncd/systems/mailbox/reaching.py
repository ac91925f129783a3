"""How servers are reached, and which error it is when they are not."""

from __future__ import annotations

import ssl
from pathlib import Path

from syncd.errors import ConfigError, SyncdError, TransientError


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
