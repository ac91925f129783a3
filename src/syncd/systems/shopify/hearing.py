"""Webhooks of the shop: proven to be Shopify's, understood, and subscribed to again where Shopify dropped them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from syncd.errors import HookRefused, RejectedError
from syncd.sdk.changes import Change, Subject
from syncd.sdk.hooks import HmacAuth
from syncd.sdk.source import HookRequest, RawItem
from syncd.systems.shopify.figures import HOOK_RETRIES
from syncd.systems.shopify.options import ShopifyOptions

TOPICS = {
    "PRODUCTS_CREATE": "products/create",
    "PRODUCTS_UPDATE": "products/update",
    "PRODUCTS_DELETE": "products/delete",
}
"""What is subscribed to, by the names of the API and of the header `X-Shopify-Topic`."""
FIELDS = ["id", "admin_graphql_api_id", "updated_at", "variants"]
"""What a webhook tells: whole products can be larger than what is taken in."""
_TOPIC, _SHOP, _EVENT, _TRIGGERED = (
    "x-shopify-topic", "x-shopify-shop-domain", "x-shopify-event-id", "x-shopify-triggered-at",
)  # fmt: skip
_CLOCKS = timedelta(minutes=5)


class Hearing:
    """The webhooks of one shop."""

    def __init__(self, options: ShopifyOptions) -> None:
        self._shop = options.shop
        self._auth = HmacAuth(
            scheme="hmac", keys=options.client_secret, header="X-Shopify-Hmac-Sha256", encoding="base64"
        )

    def verify(self, request: HookRequest) -> RawItem:
        """See `Hears.verify`. Shopify signs the body alone: headers are checked, but prove nothing."""
        self._auth.verify(request)
        headers = request.headers
        if headers.get(_SHOP, "") != self._shop:
            raise HookRefused("wrong-shop", f"The request is of {headers.get(_SHOP) or 'no shop'}, not {self._shop}.")
        if headers.get(_TOPIC, "") not in TOPICS.values():
            raise HookRefused("wrong-topic", f"Nobody subscribed to {headers.get(_TOPIC) or 'no topic'}.")
        _require_recent(headers.get(_TRIGGERED, ""), request.received_at)
        kept = {name: headers[name] for name in (_TOPIC, _TRIGGERED) if name in headers}
        return RawItem(request.body, _vendor_id(headers.get(_EVENT, ""), headers[_TOPIC], request.body), kept)

    def heard(self, item: RawItem) -> list[Change]:
        """The listing that changed, and the SKUs it sells."""
        told = _told(item.body)
        identifier = told.get("id")
        listing = told.get("admin_graphql_api_id") or (f"gid://shopify/Product/{identifier}" if identifier else "")
        if not isinstance(listing, str) or not listing:
            raise RejectedError(f"A webhook {item.headers.get(_TOPIC, '')} names no product.")
        at = _instant(item.headers.get(_TRIGGERED, ""))
        variants = told.get("variants")
        skus = [str(one.get("sku") or "") for one in variants if isinstance(one, dict)] if variants else []
        return [
            Change(Subject.LISTING, listing, at=at),
            *(Change(Subject.PRODUCT, sku, at=at) for sku in dict.fromkeys(skus) if sku),
        ]


def _vendor_id(event: str, topic: str, body: bytes) -> str | None:
    """One event has webhooks of several topics and products: each counts once, its further deliveries do not."""
    if not event:
        return None
    try:
        return f"{event}/{topic}/{_told(body).get('id', '')}"
    except RejectedError:
        return f"{event}/{topic}"


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError as error:
        raise RejectedError("A webhook's body is no JSON.") from error
    if not isinstance(told, dict):
        raise RejectedError("A webhook's body is no object.")
    return told


def _require_recent(stamp: str, now: datetime) -> None:
    """It bounds honest mistakes only, since the time is not signed."""
    sent = _instant(stamp)
    if stamp and sent is None:
        raise HookRefused("bad-timestamp", "The request's time of sending is no time.")
    if sent is not None and not now - HOOK_RETRIES - _CLOCKS <= sent <= now + _CLOCKS:
        raise HookRefused("stale", f"The request was sent at {sent.isoformat()}; {HOOK_RETRIES} are allowed.")


def _instant(stamp: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
