"""What a system logs in with: an access token that is renewed in time, by whoever keeps it."""

from __future__ import annotations

from typing import Protocol

import httpx

from syncd.errors import AuthError


class CredentialMissing(AuthError):
    """Run `syncd connect CONNECTION` and sign in where the browser goes."""

    code = "credential.missing"


class CredentialRefused(AuthError):
    """Connect it again with `syncd connect CONNECTION`, or renew the secret its options name; then replay."""

    code = "credential.refused"


class Credential(Protocol):
    """One login of a connection."""

    @property
    def auth(self) -> httpx.Auth:
        """Puts the token on requests to the declared origins; the connection's HTTP client has the `main` one."""
        ...

    async def token(self) -> str:
        """An access token that holds at present, for protocols other than HTTP.

        Raises:
            CredentialMissing: nobody connected the account yet. CredentialRefused: no token can be had any more.
            TransientError: not at present.
        """
        ...

    async def renew(self, refused: str) -> str:
        """Another token than one the system refused; the same one where it was renewed for that reason just now.

        Raises: as `token`.
        """
        ...
