"""Calls of the Selling Partner API: whose they are, what they spend, and what their answers say of the limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import httpx

from syncd.sdk.context import Context
from syncd.systems.amazon import shape
from syncd.systems.amazon.login import NOTIFICATIONS
from syncd.systems.amazon.options import AmazonOptions

_RATE = "x-amzn-ratelimit-limit"
_REQUEST = "x-amzn-requestid"


class Partner:
    """One seller's account at one endpoint."""

    def __init__(self, context: Context, options: AmazonOptions) -> None:
        self.seller, self.locale = options.seller, options.locale
        self._context, self._endpoint = context, options.api
        context.http.event_hooks["response"].append(self._heard)

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        also: Collection[str] = (),
        expect: Collection[int] = (),
        repeatable: bool = False,
        grantless: bool = False,
    ) -> httpx.Response:
        """Carry out an operation.

        Args:
            operation: as the usage plan names it.
            params: of the query; empty ones are left out.
            also: further limits it spends of.
            expect: statuses to hand back although they are failures.
            repeatable: it may be made twice (GET may anyway).
            grantless: it is the application's, not the seller's.
        """
        return await self._context.http.request(
            method,
            self._endpoint + path,
            params={name: value for name, value in (params or {}).items() if value not in ("", None)},
            json=json,
            auth=self._context.credentials[NOTIFICATIONS].auth if grantless else httpx.USE_CLIENT_DEFAULT,
            extensions={"spend": dict.fromkeys((operation, *also), 1), "expect": expect, "idempotent": repeatable},
        )

    async def object(self, operation: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        """As `call`: the answer's JSON object."""
        return shape.answer(await self.call(operation, method, path, **options), operation)

    async def _heard(self, response: httpx.Response) -> None:
        """Learn the account's own rate of an operation; after 429 its tokens are used up, whatever we counted."""
        operation = next(iter(response.request.extensions.get("spend", {})), "")
        if not operation or not str(response.request.url).startswith(self._endpoint):
            return
        self._context.log.debug(
            "answered", operation=operation, status=response.status_code, request=response.headers.get(_REQUEST, "")
        )
        rate = _number(response.headers.get(_RATE, ""))
        used_up = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        if rate or used_up:
            self._context.limits.learn(operation, available=0.0 if used_up else None, restore=rate)


def _number(text: str) -> float | None:
    """A rate above nothing; None for anything else."""
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0 < rate < float("inf") else None
