"""Akeneo PIM: products and product models as the catalogue, an asset family of its Asset Manager as the library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from syncd.errors import ConfigError
from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.changes import Change, ChangePage, StatusWrite
from syncd.sdk.context import Context
from syncd.sdk.library import LibraryItem, LibraryState
from syncd.sdk.limits import Limit
from syncd.sdk.media import Media, ObservedMedia
from syncd.sdk.oauth import MAIN, Authorization, Password
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem
from syncd.sdk.system import Options, System
from syncd.systems.akeneo.api import Api
from syncd.systems.akeneo.assets import Assets
from syncd.systems.akeneo.changes import Changes
from syncd.systems.akeneo.checkup import Checkup
from syncd.systems.akeneo.entities import Entities
from syncd.systems.akeneo.events import Events
from syncd.systems.akeneo.files import Files
from syncd.systems.akeneo.library import Library
from syncd.systems.akeneo.limits import LIMITS
from syncd.systems.akeneo.linking import Linking
from syncd.systems.akeneo.listing import Listing
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.statuses import Statuses


class AkeneoSystem(System):
    """Akeneo PIM (7.0 or SaaS) as the product catalogue and as the DAM."""

    name: ClassVar[str] = "akeneo"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CATALOG, Role.LIBRARY})
    options: ClassVar[type[Options]] = AkeneoOptions
    watch_every: ClassVar[timedelta] = timedelta(minutes=2)
    call_deadline: ClassVar[float] = 30.0
    example: ClassVar[str] = """\
# Akeneo PIM: its products, and an asset family of the Asset Manager that holds creator content.
# An attribute with locale and channel is written as in Akeneo's CSV: name-en_US-ecommerce.
connector: akeneo
brand: acme
roles: [catalog, library]              # without the Asset Manager: [catalog]
authoritative: true
owner: dana@acme.example
poll: 15m
options:
  url: https://acme.cloud.akeneo.com
  login:                               # Connect, Connection settings; or token: of an App
    client_id: ${AKENEO_CLIENT_ID}
    client_secret: ${AKENEO_CLIENT_SECRET}
    username: ${AKENEO_USERNAME}
    password: ${AKENEO_PASSWORD}
  products:
    sku: sku                           # the main identifier
    title: name-en_US-ecommerce
    gtin: ean
    version: packaging_version
    status: lifecycle
    active: [new, active]
    discontinued: [phased_out]
    names: {shopify-us: shopify_id}    # what other connections call the SKU
  links:
    "*": {attribute: creator_pictures, on: parent}   # an asset collection, at the level of the product model
  assets:
    family: creator_content
    media: media
    mark: syncd_version                # a text attribute that is syncd's alone
    title: [label-en_US]
    alt: [alt-en_US]
    rights_until: rights_until
    status: status
    statuses: {approved: active, withdrawn: inactive, expired: inactive, superseded: archived}
  events:
    keys: ["${AKENEO_EVENTS_KEY}"]     # a second one while secrets are changed
"""

    def __init__(self, context: Context, options: AkeneoOptions, role: Role) -> None:
        """Open the connection in one role; nothing is called yet."""
        super().__init__(context, options, role)
        address, upload = options.url.rstrip("/"), options.upload.total_seconds()
        api = Api(context, address, options.login.token.get_secret_value())
        entities = Entities(api, options.products)
        assets = Assets(context, api, options.assets, upload) if options.assets else None
        self._linking = Linking(context, options, entities, assets, Files(context, api, entities, upload))
        self._library = Library(assets, self._linking, options.assets) if assets and options.assets else None
        self._listing = Listing(context, options, api)
        self._changes = Changes(context, options, api)
        self._statuses = Statuses(context, options, api, entities, assets)
        self._checkup = Checkup(context, options, api)
        self._events = Events(options.events, options.products.models, options.assets)

    @classmethod
    def limits(cls, options: Any) -> Sequence[Limit]:
        """What Akeneo publishes; its figure for a PIM counts other connections' calls as well."""
        return LIMITS

    @classmethod
    def authorization(cls, options: Any) -> Mapping[str, Authorization]:
        """The password grant of a connection's user: tokens of an hour, asked for again before they end. The token of
        an App does not end (api.akeneo.com/documentation/authentication.html, 2026-08-18)."""
        login, address = options.login, options.url.rstrip("/")
        if login.token.get_secret_value():
            return {}
        grant = Password(
            token_url=f"{address}/api/oauth/v1/token",
            client_id=login.client_id,
            client_secret=(login.client_secret,),
            client="basic",
            encoding="json",
            username=login.username,
            password=login.password,
            api=(address,),
        )
        return {MAIN: grant}

    # --- catalog ----------------------------------------------------------------------------------------------------

    def products(self, since: str) -> AsyncIterator[CatalogPage]:
        """Products changed since the checkpoint; all where there is none, and every `whole`."""
        return self._listing.pages(since)

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Link media from the attribute of their role; what others linked there keeps its place."""
        return await self._linking.attach(sku, media)

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Remove exactly these links of ours."""
        await self._linking.detach(sku, media)

    async def linked(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The media these products show, others' and their models' included."""
        return await self._linking.read(skus)

    # --- library ----------------------------------------------------------------------------------------------------

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version as the asset's current one; the one before becomes an asset of its own."""
        return await self._family().put(item)

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Take the asset out of use and off the products that show it; it is never deleted."""
        return await self._family().withdraw(asset, status)

    async def read(self, assets: Sequence[str]) -> Sequence[LibraryState]:
        """What the asset family holds of these assets."""
        return await self._family().read(assets)

    def _family(self) -> Library:
        if self._library is None:
            remedy = "Name the asset family in `assets`, or take the role library away."
            raise ConfigError(f"{self._context.connection} names no asset family.", remedy=remedy)
        return self._library

    # --- both -------------------------------------------------------------------------------------------------------

    def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """As a catalogue, products that changed; as a library, assets of ours that did."""
        if self._role is Role.LIBRARY:
            return self._changes.assets(since, self._family().assets)
        return self._changes.products(since)

    def verify(self, request: HookRequest) -> RawItem:
        """Accept what the Event Platform sends, signed with one of the subscription's secrets."""
        return self._events.verify(request)

    def heard(self, item: RawItem) -> Sequence[Change]:
        """What an event says has changed."""
        return self._events.heard(item)

    async def write_status(self, items: Sequence[StatusWrite]) -> None:
        """Set Akeneo's own statuses of assets and products, where attributes are declared for them."""
        await self._statuses.write(items)

    async def check(self) -> str:
        """How many products there are, or that the asset family is as the options say."""
        if self._role is Role.LIBRARY:
            return await self._checkup.library(self._family().options)
        return await self._checkup.catalog()
