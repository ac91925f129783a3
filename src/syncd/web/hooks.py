"""`POST /hooks/{connection}`: the raw body is verified, committed, and only then acknowledged.

This is the busiest path of the daemon: no models, no log entry per request.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Protocol

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from syncd.clock import Clock
from syncd.errors import HookRefused, NotFoundError
from syncd.sdk.source import HookRequest, RawItem
from syncd.telemetry.metrics import HOOKS_ACCEPTED, HOOKS_REFUSED, Metrics
from syncd.web.attempts import AttemptLimit
from syncd.web.body import read_body
from syncd.web.refusals import BodyTooLarge, Busy, RequestRefused, TooManyAttempts
from syncd.web.routing import PlainRoute

LIMIT = 1024 * 1024
_UNKNOWN = "(unknown)"
_DECOY_KEY = b"no connection has this key"
_JSON: Mapping[str, str] = {hdrs.CONTENT_TYPE: "application/json"}
_CHALLENGE: Mapping[str, str] = {hdrs.WWW_AUTHENTICATE: 'Signature realm="hooks"'}


class HookTarget(Protocol):
    """Where webhooks go."""

    def verify(self, connection: str, request: HookRequest) -> RawItem:
        """Let the connection's source accept the request; fast, called before anything is stored.

        Raises:
            HookRefused: it is not proven to come from the sender.
            NotFoundError: no connection of this name takes webhooks.
        """
        ...

    def admit(self) -> float | None:
        """None if another webhook can be taken, else the seconds after which to try again (queue full, disk low)."""
        ...

    async def store(self, connection: str, item: RawItem) -> None:
        """Return when the item is committed.

        Raises:
            TransientError: it is not; the sender should try again.
        """
        ...


class UnverifiedHook(RequestRefused):
    """Sign with a present key of the connection and a right clock; the daemon's metrics name the reason."""

    code = "hook.unverified"
    status = 401


class UnknownHook(RequestRefused):
    """Check the name in the URL; `syncd status` lists the connections that take webhooks."""

    code = "hook.unknown"
    status = 404


class Hooks:
    """Takes in webhooks."""

    def __init__(
        self,
        target: HookTarget,
        clock: Clock,
        metrics: Metrics,
        *,
        limit: int = LIMIT,
        attempts: AttemptLimit | None = None,
    ) -> None:
        """
        Args:
            limit: bytes of the largest body taken.
            attempts: refusals per address; what is verified is never counted.
        """
        self._target = target
        self._clock = clock
        self._metrics = metrics
        self._limit = limit
        self._attempts = attempts or AttemptLimit(clock, burst=30, every=1.0)

    def routes(self) -> tuple[PlainRoute, ...]:
        """The routes to register."""
        return (PlainRoute("POST", "/hooks/{connection}", self.receive, "Take in a webhook of a connection"),)

    async def receive(self, request: web.Request) -> web.Response:
        """202 after the commit; 401, 404, 413, 429 or 503 with a problem otherwise."""
        connection = request.match_info["connection"]
        wait = self._target.admit()
        if wait is not None:
            self._metrics.count(HOOKS_REFUSED, connection=_UNKNOWN, reason="busy")
            raise Busy("The daemon cannot store more at the moment.", wait)
        body = await self._body(request)
        hook = HookRequest("POST", request.path, _plain(request.headers), body, self._clock.now())
        try:
            item = self._target.verify(connection, hook)
        except HookRefused as refused:
            error = UnverifiedHook("The request is not accepted.", headers=_CHALLENGE)
            raise self._refusal(request, connection, refused.reason, error) from None
        except NotFoundError:
            hmac.digest(_DECOY_KEY, body, "sha256")
            unknown = UnknownHook("The request is not accepted.")
            raise self._refusal(request, _UNKNOWN, "unknown-connection", unknown) from None
        await self._target.store(connection, item)
        self._metrics.count(HOOKS_ACCEPTED, connection=connection)
        return web.Response(status=202, body=b"{}", headers=_JSON)

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await read_body(request, self._limit)
        except BodyTooLarge:
            self._metrics.count(HOOKS_REFUSED, connection=_UNKNOWN, reason="too-large")
            raise

    def _refusal(self, request: web.Request, connection: str, reason: str, error: RequestRefused) -> RequestRefused:
        self._metrics.count(HOOKS_REFUSED, connection=connection, reason=reason)
        wait = self._attempts.count(request.remote)
        return error if wait is None else TooManyAttempts("Too many requests of this address were refused.", wait)


def _plain(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Headers by lower-case name; repeated ones are joined as RFC 9110 says, so that none hides behind another."""
    plain: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        plain[name] = f"{plain[name]}, {value}" if name in plain else value
    return plain
