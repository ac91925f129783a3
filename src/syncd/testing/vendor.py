"""A system that exists only in a test: it answers as the real one does, knows what was asked of it, and misbehaves on
demand. Its requests arrive through httpx, so the connector under test runs as it does in production.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from syncd.clock import Clock
from syncd.sdk.media import Media


@dataclass(frozen=True, slots=True)
class Call:
    """A request that reached the vendor: when (monotonic seconds), whether it changed anything, how it was answered."""

    at: float
    method: str
    url: str
    write: bool
    status: int


@dataclass(slots=True)
class Mischief:
    """What goes wrong with the next requests that it concerns.

    Args:
        status: answered instead of what is true; 0: no answer at all.
        late: after the vendor did what was asked; else it does nothing.
        on: `write`, `read` or `any`.
        times: how many requests it concerns; -1: all.
        well: how many of them go well before.
        headers, body: of the answer with `status`.
        change: makes another JSON answer of the true one (truncated, renamed, empty), which is given with its status.
    """

    status: int = 500
    late: bool = False
    on: str = "write"
    times: int = 1
    well: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    change: Callable[[Any], Any] | None = None

    def strikes(self, write: bool) -> bool:
        """Whether it goes wrong with this request, which is asked once for each."""
        if self.times == 0 or self.on not in ("any", "write" if write else "read"):
            return False
        self.well -= 1
        return self.well < 0


class Vendor(abc.ABC):
    """Base of fakes. Hand an instance to respx as `side_effect` of every route of the vendor's hosts.

    `answer` appends to `violations` whatever the vendor forbids: more calls than its limits allow, calls to a media
    address that does not answer, and the like.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.mischief: list[Mischief] = []
        self.violations: list[str] = []

    @abc.abstractmethod
    async def answer(self, request: httpx.Request) -> httpx.Response:
        """What the real system does and says, refusals of unauthorised, malformed and too frequent calls included."""

    @abc.abstractmethod
    def writes(self, request: httpx.Request) -> bool:
        """Whether a request changes what the system shows (signing in and asking do not)."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as it should be or as some mischief has it."""
        await request.aread()
        write = self.writes(request)
        mischief = next((one for one in self.mischief if one.strikes(write)), None)
        if mischief is None:
            return self._recorded(request, write, await self.answer(request))
        mischief.times -= 1
        return await self._gone_wrong(request, write, mischief)

    async def _gone_wrong(self, request: httpx.Request, write: bool, mischief: Mischief) -> httpx.Response:
        if mischief.change is not None:
            true = await self.answer(request)
            return self._recorded(request, write, httpx.Response(true.status_code, json=mischief.change(true.json())))
        if mischief.late:
            await self.answer(request)
        if not mischief.status:
            self._recorded(request, write, httpx.Response(599))
            raise httpx.ReadTimeout("no answer", request=request)
        wrong = httpx.Response(mischief.status, headers=dict(mischief.headers), text=mischief.body)
        return self._recorded(request, write and mischief.late, wrong)

    def _recorded(self, request: httpx.Request, write: bool, response: httpx.Response) -> httpx.Response:
        now = self.clock.monotonic()
        self.calls.append(Call(now, request.method, str(request.url), write, response.status_code))
        return response

    @property
    def written(self) -> int:
        """How many calls changed something."""
        return sum(call.write for call in self.calls)


def body_of(request: httpx.Request) -> Any:
    """The JSON of a request's body; None without one."""
    return json.loads(request.content) if request.content else None


@dataclass(frozen=True, slots=True)
class Stands:
    """One media item as it truly stands in a vendor: what it was made from (our URL or the hash of the bytes sent), or
    for others' whatever tells it from all else."""

    source: str
    foreign: bool = False


class ShopVendor(Vendor):
    """A vendor with listings. It has at least one listing with an item of others' in it, `LISTING`, and one more,
    `OTHER`, without any media."""

    LISTING: str
    OTHER: str

    @abc.abstractmethod
    def gallery(self, listing: str) -> Sequence[Stands]:
        """What truly stands in a listing, in order."""

    def settle(self) -> None:
        """Finish at once whatever it works on: processing media, jobs, feeds."""


class CatalogVendor(Vendor):
    """A vendor with products. `PRODUCT` is the SKU of one that others linked something to."""

    PRODUCT: str

    @abc.abstractmethod
    def skus(self) -> Sequence[str]:
        """Every product there is."""

    @abc.abstractmethod
    def links(self, sku: str) -> Sequence[Stands]:
        """What is truly linked to a product, in order."""

    @abc.abstractmethod
    def touch(self, sku: str) -> str:
        """Change a fact of a product now; returns its SKU."""

    def hold(self, media: Media) -> None:
        """Where links are made to what a library holds: hold this."""


class LibraryVendor(Vendor):
    """A vendor with assets. `ASSET` is one of ours that it holds from the beginning, beside some of others'."""

    ASSET: str

    @abc.abstractmethod
    def held(self, asset: str) -> Sequence[str]:
        """Hashes of the bytes that are in use for an asset of ours."""

    @abc.abstractmethod
    def others(self) -> str:
        """A digest of everything that is not ours."""
