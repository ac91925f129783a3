"""The app in the shop: what it may do, which ledger keeps the shop, where webhooks go."""

from __future__ import annotations

from typing import Any

from syncd.errors import AuthError, RejectedError, TransientError
from syncd.sdk.graphql import Document
from syncd.sdk.roles import Role
from syncd.sdk.understood import Shape
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api, ScopeMissing
from syncd.systems.shopify.hearing import FIELDS, TOPICS
from syncd.systems.shopify.refusals import refusal

NEEDED = {
    Role.CHANNEL: ("read_products", "write_products", "read_files", "write_files"),
    Role.CATALOG: ("read_products",),
}
"""Access scopes each role cannot do without; a catalogue that media are linked to needs those of a channel."""
_STALE = "STALE_OBJECT"


class _Scope(Shape):
    handle: str


class _Mark(Shape):
    value: str
    compareDigest: str  # noqa: N815  # Shopify's name


class _Installation(Shape):
    id: str
    accessScopes: tuple[_Scope, ...]  # noqa: N815  # Shopify's name
    metafield: _Mark | None


class _Shop(Shape):
    name: str


class _App(Shape):
    shop: _Shop
    installation: _Installation


class _Count(Shape):
    count: int


class _Subscription(Shape):
    id: str
    topic: str
    uri: str
    format: str
    includeFields: tuple[str, ...]  # noqa: N815  # Shopify's name


class Account:
    """The app's installation."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def check(self, role: Role) -> str:
        """The shop, and how many products it has.

        Raises:
            ScopeMissing: naming what the app may not do and must.
        """
        app = await self._app()
        granted = {scope.handle for scope in app.installation.accessScopes}
        granted |= {f"read_{handle.removeprefix('write_')}" for handle in granted if handle.startswith("write_")}
        missing = [scope for scope in NEEDED[role] if scope not in granted]
        if missing:
            raise ScopeMissing(f"{self._api.context.connection}: the app lacks {', '.join(missing)}.")
        told = (await self._api.run(documents.COUNT)).get("productsCount")
        return f"{app.shop.name}: {self._api.read(_Count, told, documents.COUNT).count:,} products"

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """Mark the app's installation, which needs no scope; two that do so at once cannot both succeed."""
        app = await self._app()
        mark = app.installation.metafield
        if mark is not None and mark.value and (mark.value == ledger or not take_over):
            return mark.value
        asked: dict[str, Any] = {
            "ownerId": app.installation.id,
            "namespace": "syncd",
            "key": "ledger",
            "type": "single_line_text_field",
            "value": ledger,
            "compareDigest": mark.compareDigest if mark else None,
        }
        payload = await self._api.mutate(documents.SET_MARK, "metafieldsSet", {"metafields": [asked]})
        errors = self._api.errors(payload, documents.SET_MARK)
        if any(error.code == _STALE for error in errors):
            raise TransientError(f"{self._api.name(documents.SET_MARK)}: another ledger marked the shop just now.")
        if errors:
            raise RejectedError(f"{self._api.name(documents.SET_MARK)} was refused: {refusal(errors)}")
        return ledger

    async def subscribe(self, url: str) -> str:
        """See `Subscribes.subscribe`. Subscriptions to other addresses are left as they are.

        Shopify sends to https alone: without such an address nothing is subscribed, and changes are asked for.
        """
        if not url.startswith("https://"):
            self._api.context.log.warning("webhooks need an https address", event_id="shopify.no-webhooks", url=url)
            return ""
        known = {one.topic: one for one in await self._subscriptions() if one.uri == url}
        wanted = {"uri": url, "format": "JSON", "includeFields": FIELDS}
        mended: list[str] = []
        for topic in TOPICS:
            found = known.get(topic)
            if found is None:
                await self._subscribe(documents.SUBSCRIBE, "webhookSubscriptionCreate", {"topic": topic, "to": wanted})
                mended.append(f"{topic} subscribed")
            elif found.format != "JSON" or set(found.includeFields) != set(FIELDS):
                asked = {"id": found.id, "to": wanted}
                await self._subscribe(documents.AMEND_SUBSCRIPTION, "webhookSubscriptionUpdate", asked)
                mended.append(f"{topic} amended")
        return ", ".join(mended)

    async def _subscribe(self, document: Document, field: str, asked: dict[str, Any]) -> None:
        errors = self._api.errors(await self._api.mutate(document, field, asked), document)
        if errors:
            raise RejectedError(
                f"{self._api.name(document)} was refused: {refusal(errors)}",
                remedy="Set SYNCD_PUBLIC_URL to an https address that Shopify can reach.",
            )

    async def _subscriptions(self) -> list[_Subscription]:
        document = documents.SUBSCRIPTIONS
        pages = self._api.pages(document, {"topics": list(TOPICS)}, ("webhookSubscriptions",), points=102.0)
        found: list[_Subscription] = []
        async for page in pages:
            found += [self._api.read(_Subscription, node, document) for node in page["nodes"]]
        return found

    async def _app(self) -> _App:
        data = await self._api.run(documents.APP, points=5.0)
        if data.get("currentAppInstallation") is None:
            raise AuthError(f"{self._api.context.connection}: the token belongs to no installed app.")
        told = {"shop": data.get("shop"), "installation": data.get("currentAppInstallation")}
        return self._api.read(_App, told, documents.APP)
