"""Walmart's calls: the headers each of them needs, its token, and what its answer says of the account's allowance."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from syncd.errors import AuthError, RejectedError, TransientError
from syncd.sdk.context import Context
from syncd.systems.walmart import budget, figures
from syncd.systems.walmart.token import Client, Tokens

FEEDS = "feeds"
"""The limit that feeds spend."""
FEED_DEADLINE = 60.0
"""Seconds the upload of a feed may take."""
FIRST = "*"
"""The cursor of the catalogue's first page."""
_REFUSED, _MISSING, _TOO_MANY = 400, 404, 429
_SAMPLE = 200  # characters of an answer that is not understood


class Api:
    """Walmart Marketplace for one account."""

    def __init__(self, context: Context, base: str, identifier: str, secret: SecretStr, channel_type: str) -> None:
        """
        Args:
            base: scheme and host.
            channel_type: WM_CONSUMER.CHANNEL.TYPE, "" for none.
        """
        self._context, self._base, self._channel_type = context, base, channel_type
        client = Client(f"{base}/v3/token", identifier, secret)
        self._tokens = Tokens(client, context.http, context.clock, self._headers)
        context.http.event_hooks["response"].append(self._heed)

    # --- what there is -------------------------------------------------------------------------------------------

    async def item(self, sku: str) -> dict[str, Any] | None:
        """The record of one item; None if Walmart says that there is none.

        Raises:
            RejectedError: the answer is no item of this SKU. TransientError: what is missing is not the item.
        """
        # Without `productIdType` the id is taken for an SKU, and fifteen times as many calls are allowed.
        answer = await self._get(f"/v3/items/{quote(sku, safe='')}", figures.ITEM.name, expect=(_MISSING,))
        if answer.status_code == _MISSING:
            self._require_errors(answer)
            return None
        data = self._object(answer)
        found = data.get("responseRecord") or next(iter(self._list(data, "ItemResponse")), None)
        if not isinstance(found, dict) or found.get("sku") != sku:
            raise RejectedError(f"{self._name(answer)} is no item {sku}: {self._sample(data)}.")
        return found

    async def items(self, cursor: str) -> tuple[list[dict[str, Any]], int, str]:
        """One page of the catalogue: its records, how many items there are altogether, the next cursor ("" at the end).

        Args:
            cursor: FIRST for the first page.

        Raises:
            TransientError: the cursor is not taken any more, which it is for two minutes.
        """
        parameters = {"nextCursor": cursor, "limit": str(figures.PAGE)}
        expect = () if cursor == FIRST else (_REFUSED, _MISSING)
        answer = await self._get("/v3/items", figures.ITEMS.name, parameters, expect=expect)
        if not answer.is_success:
            raise TransientError(f"{self._name(answer)} ends the catalogue before its end.")
        data = self._object(answer)
        total = data.get("totalItems")
        if not isinstance(total, int):
            raise RejectedError(f"{self._name(answer)} has no totalItems: {self._sample(data)}.")
        return self._list(data, "ItemResponse"), total, str(data.get("nextCursor") or "")

    # --- feeds ---------------------------------------------------------------------------------------------------

    async def submit(self, feed_type: str, content: bytes) -> str:
        """Hand a feed over; its id.

        Raises:
            TransientError: Walmart took something and gave no id for it.
        """
        answer = await self._call(
            "POST",
            "/v3/feeds",
            params={"feedType": feed_type},
            files={"file": ("feed.json", content, "application/json")},
            extensions={"spend": {FEEDS: 1.0}, "deadline": FEED_DEADLINE},
        )
        feed = self._object(answer).get("feedId")
        if not isinstance(feed, str) or not feed:
            raise TransientError(f"{self._name(answer)} has no feedId; what became of the feed shows in its items.")
        return feed

    async def status(self, feed: str, offset: int) -> dict[str, Any] | None:
        """One page of what became of a feed's items; None while Walmart does not know the feed."""
        parameters = {"includeDetails": "true", "offset": str(offset), "limit": str(figures.DETAILS)}
        path = f"/v3/feeds/{quote(feed, safe='')}"
        answer = await self._get(path, figures.FEED_STATUS.name, parameters, expect=(_MISSING,))
        if answer.status_code == _MISSING:
            self._require_errors(answer)
            return None
        return self._object(answer)

    # --- calling -------------------------------------------------------------------------------------------------

    async def _get(
        self, path: str, spends: str, params: Mapping[str, str] | None = None, *, expect: Collection[int] = ()
    ) -> httpx.Response:
        extensions = {"spend": {spends: 1.0}, "expect": expect}
        return await self._call("GET", path, params=params, extensions=extensions)

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Make a call; once more if its token had ended. A call refused for its token has done nothing."""
        token = await self._tokens.get()
        try:
            return await self._send(method, path, token, request)
        except AuthError as error:
            if error.data.get("status") != httpx.codes.UNAUTHORIZED:
                raise
        return await self._send(method, path, await self._tokens.renew(token), request)

    async def _send(self, method: str, path: str, token: str, request: Mapping[str, Any]) -> httpx.Response:
        headers = {**self._headers(), "WM_SEC.ACCESS_TOKEN": token}
        return await self._context.http.request(method, f"{self._base}{path}", headers=headers, **request)

    def _headers(self) -> dict[str, str]:
        """What every call carries; the correlation id is another one each time."""
        headers = {
            "Accept": "application/json",
            "WM_SVC.NAME": "Walmart Marketplace",
            "WM_QOS.CORRELATION_ID": str(uuid.uuid4()),
            "WM_MARKET": "US",
            "WM_GLOBAL_VERSION": "3.1",
        }
        return headers | ({"WM_CONSUMER.CHANNEL.TYPE": self._channel_type} if self._channel_type else {})

    async def _heed(self, response: httpx.Response) -> None:
        """Keep to the allowance that an answer tells; where a refusal tells none, to the published one."""
        spent = [name for name in response.request.extensions.get("spend", {}) if name in _OWN]
        allowance = budget.told(response.headers, self._context.clock.now())
        over = response.status_code == _TOO_MANY
        for name in spent:
            if allowance.left is not None:
                self._context.limits.learn(name, available=0.0 if over else allowance.left)
            if over or allowance.left == 0:
                seconds = _OWN[name] if allowance.resumes_in is None else allowance.resumes_in
                self._context.limits.hold(seconds, [name])

    # --- understanding -------------------------------------------------------------------------------------------

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            data = answer.json()
        except ValueError as error:
            raise TransientError(f"{self._name(answer)} is no JSON: {self._sample(answer.text)}.") from error
        if not isinstance(data, dict):
            raise RejectedError(f"{self._name(answer)} is no object: {self._sample(data)}.")
        return data

    def _list(self, data: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
        found = data.get(field)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise RejectedError(f"Walmart's answer has no list {field}: {self._sample(data)}.")
        return found

    def _require_errors(self, answer: httpx.Response) -> None:
        """A 404 counts as Walmart's word only with its own list of errors: proxies and wrong addresses have none."""
        data = self._object(answer)
        if not any(isinstance(data.get(name), list) and data[name] for name in ("errors", "error")):
            raise TransientError(f"{self._name(answer)} is not Walmart's own: {self._sample(data)}.")

    def _name(self, answer: httpx.Response) -> str:
        request = answer.request
        url = self._context.http.redactor.text(str(request.url))
        return f"The answer {answer.status_code} to {request.method} {url}"

    def _sample(self, data: Any) -> str:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        return self._context.http.redactor.text(" ".join(text.split()))[:_SAMPLE] or "nothing"


_OWN = {
    FEEDS: figures.FEEDS.pace.total_seconds(),
    **{kind.name: 60.0 for kind in (figures.ITEM, figures.ITEMS, figures.FEED_STATUS)},
}
"""Our limits, and for how many seconds no call is made that spends of one where Walmart refuses and tells nothing."""
