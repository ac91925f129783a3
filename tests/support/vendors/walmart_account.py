"""A connection to the Walmart of tests: the connector, its vendor, our public media, limits kept as the engine does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx
import respx

from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.http import open_client
from syncd.sdk.media import ItemResult, Media
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.systems.walmart import WalmartOptions, WalmartSystem
from syncd.testing.clock import ManualClock
from tests.support import systems
from tests.support.vendors.walmart import Walmart

PUBLIC = "https://media.acme.example"
PREFIX = f"{PUBLIC}/m/"
T = TypeVar("T")


class Kept:
    """A gate that keeps declared limits, as a lane's does."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter, self.urgency = limiter, Urgency.PUBLISH
        self.learn, self.hold = limiter.learn, limiter.hold

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        return await self.limiter.begin({"calls": 1.0, **spend}, self.urgency, 30.0)


class PublicMedia:
    """Our media under their public addresses, for whoever fetches them."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append((request.method, url))
        found = self.answers.get(url)
        return httpx.Response(found.status_code, headers=found.headers) if found else httpx.Response(404)


@dataclass
class Account:
    """One connection under test."""

    clock: ManualClock
    system: WalmartSystem
    vendor: Walmart
    public: PublicMedia
    gate: Kept

    def ours(self, content: bytes = b"jpeg", placement: str = "P1", **facts: str) -> Media:
        """A picture of ours that can be fetched."""
        made = systems.media(content, placement=placement, **facts)
        media = replace(made, url=facts.get("url") or f"{PREFIX}{made.name}")
        self.public.answers[media.url] = httpx.Response(200, headers={"content-type": media.media_type})
        return media

    async def run(self, work: Awaitable[T], seconds: float = 90.0) -> T:
        """The result of `work` while the clock runs."""
        task = asyncio.ensure_future(work)
        for _ in range(int(seconds * 2)):
            await asyncio.sleep(0.001)  # respx answers in turns of its own
            if task.done():
                break
            await self.clock.advance(0.5)
        return await asyncio.wait_for(task, 20)

    async def observed(self, *listings: str) -> list[ObservedGallery]:
        async def gather() -> list[ObservedGallery]:
            return [gallery async for gallery in self.system.observe(list(listings) or None)]

        return await self.run(gather())

    async def change(self, listing: str, *adds: Media, removes: Sequence[Media] = ()) -> GalleryChange:
        """Ours behind what stands there, without what leaves."""
        (now,) = await self.observed(listing)
        names = {media.name for media in removes}
        standing = [one for one in now.media if not one.name or one.name not in names]
        held = [GalleryItem(ours=self.named(one.name)) if one.name else GalleryItem(theirs=one) for one in standing]
        return GalleryChange(listing, [*held, *(GalleryItem(ours=media) for media in adds)], adds, removes)

    def named(self, name: str) -> Media:
        """The picture of ours of this name."""
        return replace(systems.media(b"", name=name), url=f"{PREFIX}{name}")

    async def apply(self, *changes: GalleryChange) -> dict[str, ItemResult]:
        return {result.listing: result for result in await self.run(self.system.apply(changes))}

    async def settle(self, job: str, *listings: str) -> dict[str, ItemResult]:
        return {result.listing: result for result in await self.run(self.system.settle(job, listings))}

    async def place(self, listing: str, *adds: Media) -> None:
        """Put ours up, and let Walmart finish."""
        await self.apply(await self.change(listing, *adds))
        self.vendor.settle()


@asynccontextmanager
async def account(root: Path, clock: ManualClock, **options: object) -> AsyncIterator[Account]:
    """A connection, opened."""
    vendor, public = Walmart(clock, PREFIX), PublicMedia()
    identifier, secret = vendor.client
    given = WalmartOptions.model_validate({"client_id": identifier, "client_secret": secret, **options})
    gate = Kept(Limiter("test", clock, WalmartSystem.limits(given)))
    served = systems.Host()
    served.url = PUBLIC
    deadline = WalmartSystem.call_deadline
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        mock.route(host__regex=r".*\.walmartapis\.com").mock(side_effect=vendor)
        mock.route(host="media.acme.example").mock(side_effect=public)
        async with open_client("test", clock, secrets_of(given), deadline=deadline, gate=gate) as http:
            context = replace(systems.context(root, clock, http=http, served=served), limits=gate)
            yield Account(clock, WalmartSystem(context, given, Role.CHANNEL), vendor, public, gate)
        gate.limiter.close()
