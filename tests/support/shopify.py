"""A Shopify connection under test: the system over httpx, the fake shop behind it, and the engine's limiter between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import respx

from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.limits import CALLS
from syncd.sdk.media import Answer, ItemResult, Media
from syncd.sdk.oauth.credential import Issued, OAuthCredential
from syncd.sdk.oauth.declaration import MAIN, Authorization, ClientCredentials
from syncd.sdk.oauth.exchange import Exchange
from syncd.sdk.oauth.tokens import Tokens
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.systems.shopify import ShopifyOptions, ShopifySystem
from syncd.testing.clock import ManualClock
from syncd.testing.contracts import UnderContract
from tests.support import systems
from tests.support.vendors.shopify import HOSTS, SHOP, VERSION, ShopifyShop

T = TypeVar("T")
ROUNDS = 40
CONTRACT = UnderContract(
    "shopify",
    endpoint=f"/admin/api/{VERSION}/graphql.json",
    outside=("POST */admin/oauth/access_token", *(f"* https://{host}/*" for host in HOSTS[1:])),
    nested=("Mutation.bulkOperationRunQuery(query:)",),
)
"""Everything that is asked of the Admin API, and that the fake answers, is held against Shopify's schema."""


async def elapse(clock: ManualClock, work: Awaitable[T], seconds: float = 600.0, step: float = 0.5) -> T:
    """The result of `work` while time passes whenever it waits."""
    task = asyncio.ensure_future(work)
    for _ in range(int(seconds / step)):
        for _ in range(5):
            await asyncio.sleep(0)
        if task.done():
            break
        wake = clock.next_wake()
        await clock.advance(min(step, wake) if wake else 0)
    assert task.done(), "it waits for something else than time"
    return task.result()


class LimiterGate:
    """The gate of a connection, without a lane."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.urgency = Urgency.PUBLISH
        self.needed: list[float] = []

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        self.needed.append(deadline)
        return await self.limiter.begin({CALLS: 1.0, **spend}, self.urgency, 30.0)

    def learn(self, name: str, *, available: float, most: float | None = None, restore: float | None = None) -> None:
        self.limiter.learn(name, available=available, most=most, restore=restore)

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        self.limiter.hold(seconds, names)


@dataclass
class Bench:
    """Everything of one connection."""

    clock: ManualClock
    shop: ShopifyShop
    system: ShopifySystem
    gate: LimiterGate
    contents: dict[str, bytes]
    jobs: list[str] = field(default_factory=list)

    def media(self, content: bytes, placement: str = "P1", **options: Any) -> Media:
        """A media item of ours with these bytes."""
        alt = options.pop("alt", "")
        external = options.pop("external_id", "")
        made = systems.media(content, placement=placement, asset=f"A{placement}", **options)
        self.contents[made.sha256] = content
        return replace(made, alt=alt, external_id=external)

    async def run(self, work: Awaitable[T]) -> T:
        return await elapse(self.clock, work)

    async def observe(self, listing: str) -> ObservedGallery:
        return (await self.run(self._observed(listing)))[0]

    async def _observed(self, listing: str) -> list[ObservedGallery]:
        return [gallery async for gallery in self.system.observe([listing])]

    async def change(
        self,
        listing: str,
        ours: Sequence[Media] = (),
        *,
        add: Sequence[Media] | None = None,
        remove: Sequence[Media] = (),
        first: bool = False,
        **options: Any,
    ) -> GalleryChange:
        """A change as the engine makes it of what stands: others' media in order, then (or before) ours."""
        seen = await self.observe(listing)
        standing = {one.name for one in seen.media if one.name}
        theirs = [GalleryItem(theirs=one) for one in seen.media if not one.name]
        items = [GalleryItem(ours=one) for one in ours]
        wanted = [one for one in ours if one.name not in standing] if add is None else add
        return GalleryChange(listing, items + theirs if first else theirs + items, wanted, remove, **options)

    async def apply(self, *changes: GalleryChange) -> list[ItemResult]:
        return list(await self.run(self.system.apply(changes)))

    async def carry_out(self, listing: str, ours: Sequence[Media] = (), **options: Any) -> ItemResult:
        """Apply and settle as the engine does, until it is accepted or refused; what is ready is decided anew."""
        for _ in range(ROUNDS):
            (result,) = await self.apply(await self.change(listing, ours, **options))
            while result.answer is Answer.PENDING:
                self.jobs.append(result.job)
                await self.clock.advance(5)
                (settled,) = await self.run(self.system.settle(result.job, [listing]))
                result = replace(settled, job=result.job)
            if result.answer is not Answer.RETRY:
                return result
        raise AssertionError("it never comes to rest")


@asynccontextmanager
async def bench(
    root: Path, clock: ManualClock, role: Role = Role.CHANNEL, *, shop: ShopifyShop | None = None, **options: Any
) -> AsyncIterator[Bench]:
    """A connection to a fake shop, logged in by an admin token unless options say otherwise."""
    shop = shop or ShopifyShop(clock)
    given = {"access_token": shop.TOKEN, "client_secret": shop.CLIENT_SECRET} if "client_id" not in options else {}
    read = ShopifyOptions.model_validate({"shop": SHOP, **given, **options})
    gate = LimiterGate(Limiter("test", clock, ShopifySystem.limits(read)))
    contents: dict[str, bytes] = {}
    async with open_client(
        "test", clock, secrets_of(read), deadline=ShopifySystem.call_deadline, overrides=ShopifySystem.faults, gate=gate
    ) as http:
        with respx.mock(using="httpx", assert_all_called=False) as router:
            for host in HOSTS:
                router.route(host=host).mock(side_effect=shop)
            login = log_in(http, clock, ShopifySystem.authorization(read))
            context = replace(systems.context(root, clock, http=http, media=contents), limits=gate)
            yield Bench(clock, shop, ShopifySystem(context, read, role), gate, contents)
            if login is not None:
                await login.close()
    gate.limiter.close()


def log_in(http: HttpClient, clock: ManualClock, declared: Mapping[str, Authorization]) -> OAuthCredential | None:
    """Put the declared login on the client, as the daemon does; its tokens are kept nowhere."""
    if MAIN not in declared:
        return None
    exchange = Exchange("test", clock, lambda: declared[MAIN], http)
    source = Issued(exchange) if isinstance(declared[MAIN], ClientCredentials) else Signed(exchange)
    login = OAuthCredential("test", clock, source, declared[MAIN])
    login.attach_to(http)
    http.auth = login.auth
    return login


class Signed:
    """Tokens of a person who signed in; the code is `c0de`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def present(self, held: Tokens) -> Tokens:
        return held

    async def newer(self, held: Tokens | None) -> Tokens:
        if held is None:
            return await self._exchange.redeem("c0de", "http://127.0.0.1:1/", "")
        return (await self._exchange.refresh(held.refresh)).following(held)

    async def close(self) -> None:
        await self._exchange.close()
