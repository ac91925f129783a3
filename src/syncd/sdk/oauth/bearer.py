"""Puts an access token on requests, to the declared origins only; a refused one is renewed once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import httpx

from syncd.errors import TransientError
from syncd.sdk.http import HttpClient, PreparedAuth
from syncd.sdk.oauth.declaration import Authorization, origin_of

_CARRIED = "credential"


class Renewing(Protocol):
    """What is asked for tokens, and told whether they were taken."""

    async def token(self) -> str: ...

    async def renew(self, refused: str) -> str: ...

    def accepted(self, token: str) -> None: ...


class Bearer(PreparedAuth):
    """httpx's auth of one credential."""

    def __init__(self, declared: Authorization, credential: Renewing) -> None:
        self._origins = frozenset(map(origin_of, declared.api))
        self._header, self._prefix, self._renew_on = declared.header, declared.prefix, frozenset(declared.renew_on)
        self._credential = credential

    def attach_to(self, http: HttpClient) -> None:
        """Take the token off requests that a redirect leads elsewhere: httpx does so for `Authorization` alone."""
        http.event_hooks["request"].append(self._guard)

    async def prepare(self, request: httpx.Request) -> None:
        """Have a token before the attempt's own time begins."""
        if self._covers(request.url):
            await self._credential.token()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if not self._covers(request.url):
            yield request
            return
        once = not isinstance(request.stream, httpx.ByteStream)
        token = await self._credential.token()
        response = yield self._carrying(request, token)
        if not self._refused(response):
            self._credential.accepted(token)
            return
        fresh = await self._credential.renew(token)
        if fresh == token:
            return
        if once:
            raise TransientError(f"The token for {request.url.host} had ended; what was being sent must be sent anew.")
        if not self._refused((yield self._carrying(request, fresh))):
            self._credential.accepted(fresh)

    def _covers(self, url: httpx.URL) -> bool:
        return origin_of(url) in self._origins

    def _refused(self, response: httpx.Response) -> bool:
        return response.status_code in self._renew_on and self._covers(response.request.url)

    def _carrying(self, request: httpx.Request, token: str) -> httpx.Request:
        request.headers[self._header] = request.extensions[_CARRIED] = f"{self._prefix}{token}"
        return request

    async def _guard(self, request: httpx.Request) -> None:
        carried = request.extensions.get(_CARRIED)
        if carried and request.headers.get(self._header) == carried and not self._covers(request.url):
            del request.headers[self._header]
