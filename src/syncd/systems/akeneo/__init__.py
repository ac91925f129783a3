"""Akeneo PIM: products and product models as the catalogue, an asset family of its Asset Manager as the library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

from syncd.errors import ConfigError
from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.changes import Change, ChangePage, StatusWrite
from syncd.sdk.context import Context
from syncd.sdk.library import LibraryItem, LibraryState
from syncd.sdk.limits import Limit
from syncd.sdk.media import Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem
from syncd.sdk.system import Options, System, WriteSafety
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
from syncd.systems.akeneo.login import Login
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.statuses import Statuses


class AkeneoSystem(System):
    """Akeneo PIM (7.0 or SaaS) as the product catalogue and as the DAM."""

    name: ClassVar[str] = "akeneo"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CATALOG, Role.LIBRARY})
    options: ClassVar[type[Options]] = AkeneoOptions
    # Whatever is written is named by us and written whole: done twice it is as done once.
    write_safety: ClassVar[WriteSafety] = WriteSafety.IDEMPOTENT
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
        """Open the connection in one role; nothing is called yet.

        Raises:
            ConfigError: it is to be a library, and no asset family is named.
        """
        super().__init__(context, options, role)
        if role is Role.LIBRARY and options.assets is None:
            remedy = "Name the asset family in `assets`, or take the role library away."
            raise ConfigError(f"{context.connection} names no asset family.", remedy=remedy)
        address, upload = options.url.rstrip("/"), options.upload.total_seconds()
        api = Api(context, address, Login(context, address, options.login))
        entities = Entities(api, options.products)
        self._assets = Assets(context, api, options.assets, upload) if options.assets else None
        files = Files(context, api, entities, upload)
        self._linking = Linking(context, options, entities, self._assets, files)
        self._listing = Listing(context, options, api)
        self._changes = Changes(context, options, api)
        self._statuses = Statuses(context, options, api, entities, self._assets)
        self._checkup = Checkup(context, options, api)
        family, codes = (options.assets.family if options.assets else ""), self._assets and self._assets.codes
        self._events = Events(options.events, options.products.models, family, codes)

    @classmethod
    def limits(cls, options: Any) -> Sequence[Limit]:
        """What Akeneo publishes; its figure for a PIM counts other connections' calls as well."""
        return LIMITS

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

    async def read(self, skus: Sequence[str]) -> Any:
        """As a catalogue, what these products show; as a library, what the asset family holds of these assets."""
        if self._role is Role.LIBRARY:
            return await self._library().read(skus)
        return await self._linking.read(skus)

    # --- library ----------------------------------------------------------------------------------------------------

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version as the asset's current one."""
        return await self._library().put(item)

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Take the asset out of use and off the products that show it; it is never deleted."""
        return await self._library().withdraw(asset, status)

    def _library(self) -> Library:
        assets, options = self._assets, self._options.assets
        assert assets is not None
        return Library(assets, self._linking, options)
