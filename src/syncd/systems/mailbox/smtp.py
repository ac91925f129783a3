"""Hands mail over to its server: aiosmtplib (asyncio of its own, typed, maintained)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosmtplib

from syncd.errors import AuthError, ConfigError, RejectedError, SyncdError, TransientError
from syncd.sdk.redact import Redactor
from syncd.systems.mailbox.servers import SmtpServer

_TEMPORARY = range(400, 500)
_OF_THE_MAIL = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)


class Smtp:
    """The server answers are handed over to."""

    def __init__(self, server: SmtpServer, root: Path, redactor: Redactor) -> None:
        """
        Args:
            server: where, and the login.
            root: SYNCD_ROOT.
            redactor: keeps the login out of errors.
        """
        self._server, self._root, self._redactor = server, root, redactor

    async def send(self, sender: str, recipient: str, mail: bytes) -> None:
        """Hand one mail over.

        Raises:
            TransientError: not now. RejectedError: never. AuthError, ConfigError: not until somebody mends the options.
        """
        async with self._connected() as client:
            await client.sendmail(sender, recipient, mail)

    async def check(self) -> str:
        """Greet and log in; what was found."""
        async with self._connected() as client:
            await client.noop()
        return f"{self._server.name} takes answers"

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = aiosmtplib.SMTP(
            hostname=self._server.host, port=self._server.effective_port, timeout=self._server.timeout.total_seconds(),
            use_tls=self._server.tls == "tls", start_tls=self._server.tls == "starttls",
            tls_context=await asyncio.to_thread(self._server.tls_context, self._root),
        )  # fmt: skip
        try:
            async with client:
                await self._login(client)
                yield client
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._fault(error) from None
        finally:
            client.close()

    async def _login(self, client: aiosmtplib.SMTP) -> None:
        user, password = self._server.user, self._server.password.get_secret_value()
        if not user:
            return
        await client.ehlo()  # what a server offers before STARTTLS says nothing of what it offers after it
        # One attempt: the library's own `login` tries every way, which locks accounts.
        if token := self._server.token.get_secret_value():
            await client.auth_xoauth2(user, token)
        elif "plain" in client.supported_auth_methods:
            await client.auth_plain(user, password)
        elif "login" in client.supported_auth_methods:
            await client.auth_login(user, password)
        else:
            raise aiosmtplib.SMTPNotSupported("no login with a password is offered")

    def _fault(self, error: Exception) -> SyncdError:
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
            error = error.recipients[0]
        code, said = getattr(error, "code", 0), self._redactor.text(" ".join(str(error).split()))[:300]
        what = f"{self._server.name} answered: {said}"
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return ConfigError(what, remedy="Correct `tls`, `port` or the login below `smtp`.")
        if code in _TEMPORARY:
            return TransientError(what)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            where = f"{self._server.name} refuses the login of {self._server.user}: {said}"
            return AuthError(where, remedy="Correct `user`, `password` or `token` below `smtp`, then `syncd check`.")
        if isinstance(error, _OF_THE_MAIL):
            return RejectedError(what, remedy="Answer the creator another way; the address may be wrong.")
        if isinstance(error, aiosmtplib.SMTPResponseException) and code > 0:
            return ConfigError(what, remedy="Correct `address`, or the server and login below `smtp`.")
        if "STARTTLS" in said:
            return ConfigError(what, remedy="Correct `tls` or `port` below `smtp`.")
        return self._server.unreachable(_cause(error), "send")


def _cause(error: Exception) -> Exception:
    """The first failure of a chain that tells more than that the connection failed."""
    inner = error.__cause__ or error.__context__
    return inner if isinstance(inner, OSError) else error
