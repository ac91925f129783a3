"""Plays back what `syncd try … --record` wrote: a vendor that answers as it did, for a test of a connector."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter

from syncd.sdk.trace import Exchange

_EXCHANGES = TypeAdapter(list[Exchange])
_OF_THE_WIRE = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection"})


class Recorded:
    """Answers requests with the recorded answers, in their order for each method and path.

    Hand it to respx: `router.route().mock(side_effect=recorded)`. Secrets were masked when it was recorded, so requests
    are told apart by method and path alone.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.left = list(exchanges)

    @classmethod
    def load(cls, path: Path) -> Self:
        """
        Args:
            path: of a file that `syncd try --record` wrote.
        """
        return cls(_EXCHANGES.validate_python(json.loads(path.read_text("utf-8"))["exchanges"]))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer to such a request.

        Raises:
            AssertionError: the connector asks for what was not recorded.
        """
        for exchange in self.left:
            if (exchange.method, urlsplit(exchange.url).path) == (request.method, request.url.path):
                self.left.remove(exchange)
                return _answer(exchange, request)
        raise AssertionError(f"{request.method} {request.url.path} was not recorded, or not so often.")


def _answer(exchange: Exchange, request: httpx.Request) -> httpx.Response:
    if not exchange.status:
        raise httpx.ConnectError("recorded: no answer came", request=request)
    headers = {name: value for name, value in exchange.answer_headers.items() if name.lower() not in _OF_THE_WIRE}
    return httpx.Response(exchange.status, headers=headers, text=exchange.answer, request=request)
