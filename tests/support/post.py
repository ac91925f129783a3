"""A real SMTP server on loopback: takes mail in the clear, after STARTTLS or over TLS, with a password, a token or
without a login.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.smtp import MISSING, SMTP, AuthResult

from tests.support.certificates import Certificate
from tests.support.dovecot import PASSWORD

TOKEN = "ya29.a-token-that-holds"
_REFUSED = '{"status":"401","schemes":"bearer","scope":"https://mail.example/"}'


class PostOffice:
    """Keeps what it is given in `taken`; `refuse` is what it answers to a recipient, `on_taken` called with each mail.

    It runs in a thread, so that tests without a loop of their own can use it. Use it as a context.
    """

    def __init__(self, certificate: Certificate | None = None, *, implicit: bool = False, login: bool = False) -> None:
        """
        Args:
            certificate: for TLS; none without.
            implicit: TLS from the first byte; else after STARTTLS.
            login: whether one is asked for.
        """
        self._certificate, self._implicit, self._login = certificate, implicit, login
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.refuse = ""
        self.logins: list[str] = []
        self.on_taken: Callable[[Any], None] = lambda mail: None

    # --- hooks of the server -------------------------------------------------------------------------------------

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=default)
        self.taken.append(mail)  # type: ignore[arg-type]
        self.on_taken(mail)
        return "250 taken"

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:
        """As Google and Microsoft do: who is refused gets the reason as a challenge, and answers it with nothing."""
        self.logins.append("XOAUTH2")
        said = b64decode(arguments[1]).decode()
        if said == f"user=me\x01auth=Bearer {TOKEN}\x01\x01":
            return AuthResult(success=True)
        if await server.challenge_auth(_REFUSED) is MISSING:
            return AuthResult(success=False, handled=True)
        return AuthResult(success=False, handled=False)

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    # --- running -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="post office")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        secure = self._context()
        starttls = None if self._implicit else secure

        def server() -> SMTP:  # it does not see TLS from the first byte, so that there it can offer a login, no more
            return SMTP(
                self, hostname="post.example", loop=self._loop, authenticator=self._authenticate,
                auth_required=self._login and not self._implicit, auth_require_tls=not self._implicit,
                tls_context=starttls, require_starttls=starttls is not None,
            )  # fmt: skip

        listen = asyncio.get_running_loop().create_server
        return await listen(server, "127.0.0.1", 0, ssl=secure if self._implicit else None)

    def _context(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._certificate.path, self._certificate.key)
        return context

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
