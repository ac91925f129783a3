"""Waits on the person's own machine for the browser to come back from signing in (RFC 8252, 7.3)."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from syncd.clock import Clock
from syncd.errors import RejectedError

HOST = "127.0.0.1"
_PAGE = "<!doctype html><meta charset=utf-8><title>syncd</title><body style='font: 1.2em sans-serif; margin: 4em'>{}"
_DONE = "Signed in. You may close this page."
_COPY = "Copy the address of this page into the terminal where syncd waits for it."
_FOREIGN = "This answers nothing that was asked for here."


class CannotListen(RejectedError):
    """Free the port that the connection's `redirect_uri` names, or paste the answer: `--no-browser`."""

    code = "cli.cannot-listen"


class Listener:
    """A web server for one answer."""

    def __init__(self, redirect_uri: str = "") -> None:
        """
        Args:
            redirect_uri: the address of this machine to listen at; "": a free port.
        """
        self._port = urlsplit(redirect_uri).port or 0
        self.redirect_uri = redirect_uri
        self.state = ""
        self.pasted = False
        """Whether the person copies the address, so that nothing is taken in here."""
        self._answer = ""
        self._answered = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise CannotListen(f"Nobody can listen at {HOST}:{self._port}: {error.strerror}.") from None
        self.redirect_uri = self.redirect_uri or f"http://{HOST}:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def answer(self, clock: Clock, seconds: float) -> str:
        """The address the browser came back to, "" if it did not in time."""
        await clock.wait(self._answered, seconds)
        return self._answer

    async def _take(self, request: web.Request) -> web.Response:
        if self.pasted:
            return _page(_COPY)
        if not self.state or request.query.get("state") != self.state:
            return _page(_FOREIGN, 400)
        self._answer = str(request.url)
        self._answered.set()
        return _page(_DONE)


def _page(words: str, status: int = 200) -> web.Response:
    return web.Response(text=_PAGE.format(words), content_type="text/html", status=status)
