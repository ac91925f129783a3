"""A connection to the fake Amazon: the system as it runs, limits kept by the engine's scheduler, time that moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import respx

from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.errors import TransientError
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.limits import CALLS
from syncd.sdk.media import ItemResult, Media, ObservedMedia
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.systems.amazon import AmazonSystem
from syncd.systems.amazon.options import AmazonOptions
from syncd.testing.clock import ManualClock
from syncd.testing.contracts import UnderContract
from syncd.testing.logins import logged_in
from tests.support.systems import Host, context, media
from tests.support.vendors.amazon import AmazonVendor
from tests.support.vendors.amazon.feeds import STORE
from tests.support.vendors.amazon.login import CLIENT, REFRESH, SECRET
from tests.support.vendors.amazon.vendor import API, CA, SELLER, US

T = TypeVar("T")
PUBLIC = "https://media.acme.example"
CONTRACT = UnderContract(
    "amazon",
    outside=(
        "POST https://api.amazon.com/auth/o2/token",
        "HEAD https://media.acme.example/*",
        "GET https://sellingpartnerapi-na.amazon.com/catalog/*",
        "GET https://tortuga-prod-na.s3.amazonaws.com/*",
        "* http://127.0.0.1:*",
    ),
    documents={"PUT https://tortuga-prod-na.s3.amazonaws.com/*": "listings-feed-schema-v2.json"},
)
"""Every call of listings, feeds and notifications is held against Amazon's models, with what the fake answers to it."""


class Scheduled:
    """The gate of a client: the engine's limiter, without a lane."""

    def __init__(self, clock: ManualClock, options: AmazonOptions) -> None:
        self.limiter = Limiter("amazon", clock, AmazonSystem.limits(options))

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        return await self.limiter.begin({CALLS: 1.0, **spend}, Urgency.PUBLISH, 30.0)

    def learn(self, name: str, **told: float | None) -> None:
        self.limiter.learn(name, **told)

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        self.limiter.hold(seconds, names)


@dataclass
class Shop:
    """One connection, and what the world around it is like. `served` are the media that can be fetched."""

    vendor: AmazonVendor
    system: AmazonSystem
    http: HttpClient
    clock: ManualClock
    options: AmazonOptions
    served: set[str] = field(default_factory=set)

    async def run(self, work: Awaitable[T], seconds: float = 120.0) -> T:
        """The result of `work`, while the clock runs when it waits."""
        task = asyncio.ensure_future(work)
        for _ in range(int(seconds * 20)):
            for _ in range(40):
                await asyncio.sleep(0)
            if task.done():
                break
            await self.clock.advance(0.05)
        return await asyncio.wait_for(task, 20)

    async def look(self, *listings: str) -> list[ObservedGallery]:
        return await self.run(_all(self.system.observe(listings or None)))

    async def gallery(self, listing: str) -> ObservedGallery:
        [found] = await self.look(listing)
        return found

    async def apply(self, *batch: GalleryChange) -> list[ItemResult]:
        return list(await self.run(self.system.apply(batch)))

    def picture(self, name: str, **told: Any) -> Media:
        """A picture of ours that can be fetched."""
        item = media(name.encode(), placement=f"P-{name}", url=f"{PUBLIC}/m/{name}.jpg", name=f"{name}.jpg")
        self.served.add(item.url)
        return replace(item, role="alternate", **told)


async def _all(found: AsyncIterator[ObservedGallery]) -> list[ObservedGallery]:
    return [gallery async for gallery in found]


@dataclass
class Book:
    """What a ledger knows of one listing: our media by placement, each under the name Amazon last had for it."""

    media: dict[str, Media] = field(default_factory=dict)

    def see(self, gallery: ObservedGallery) -> dict[str, Media]:
        """Our media that stand in a gallery, by slot; as the ledger does, it learns what they are called."""
        found: dict[str, Media] = {}
        for one in gallery.media:
            known = self._known(one)
            if known is not None:
                self.media[known.placement] = found[one.slot] = replace(known, external_id=one.external_id)
        return found

    def _known(self, one: ObservedMedia) -> Media | None:
        mine = list(self.media.values())
        named = [each for each in mine if each.name == one.name] if one.name else []
        called = [each for each in mine if each.external_id == one.external_id]
        put = [each for each in mine if one.placed_as and each.external_id == one.placed_as]
        return next(iter([*named, *called, *put]), None)

    def answered(self, results: Sequence[ItemResult]) -> None:
        """Take in what an answer calls our media."""
        for result in results:
            for placement, external_id in result.external_ids.items():
                if placement in self.media:
                    self.media[placement] = replace(self.media[placement], external_id=external_id)

    def change(
        self, gallery: ObservedGallery, *, add: Sequence[Media] = (), remove: Sequence[str] = (), first: bool = False
    ) -> GalleryChange:
        """The gallery with some more of ours, at its end or first, and without some."""
        ours = self.see(gallery)
        stays = [
            GalleryItem(ours=ours[one.slot]) if one.slot in ours else GalleryItem(theirs=one)
            for one in gallery.media
            if one.slot not in ours or ours[one.slot].placement not in remove
        ]
        new = [GalleryItem(ours=one) for one in add]
        leaving = [self.media[placement] for placement in remove]
        self.media |= {one.placement: one for one in add}
        return GalleryChange(gallery.listing, [*new, *stays] if first else [*stays, *new], add, leaving)


@asynccontextmanager
async def open_shop(root: Path, clock: ManualClock, **changed: Any) -> AsyncIterator[Shop]:
    """A connection to a fake of its own, with options of it changed."""
    given = {
        "seller": SELLER, "marketplaces": {US: "US", CA: "CA"}, "client_id": CLIENT, "client_secret": SECRET,
        "refresh_token": REFRESH, **changed,
    }  # fmt: skip
    options = AmazonOptions.model_validate(given)
    gate = Scheduled(clock, options)
    vendor = AmazonVendor(clock)
    http = open_client("amazon", clock, secrets_of(options), deadline=AmazonSystem.call_deadline, gate=gate)
    served = Host()
    served.url = PUBLIC
    shop = Shop(vendor, None, http, clock, options)  # type: ignore[arg-type]  # made below

    async def fetch(url: str) -> AsyncIterator[bytes]:
        if url not in shop.served:
            raise TransientError(f"{url} does not answer.")
        yield b"\xff\xd8\xff"

    vendor.shelf.fetchable = lambda location: location in shop.served or location.startswith("studio://")
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        mock.route(host__in=("api.amazon.com", httpx.URL(API).host, httpx.URL(STORE).host)).mock(side_effect=vendor)
        mock.head(host="media.acme.example").mock(side_effect=lambda request: _head(shop, request))
        mock.route(host="127.0.0.1").pass_through()
        async with logged_in(lambda: AmazonSystem.authorization(options), http, clock) as credentials:
            surroundings = replace(
                context(root, clock, http=http, served=served), fetch=fetch, limits=gate, credentials=credentials
            )
            shop.system = AmazonSystem(surroundings, options, Role.CHANNEL)
            yield shop
    gate.limiter.close()
    await http.aclose()


def _head(shop: Shop, request: httpx.Request) -> httpx.Response:
    return httpx.Response(200 if str(request.url) in shop.served else 404)
