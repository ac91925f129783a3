"""What can go wrong between a daemon and a server, one by one or by chance; `tests.support.proxy` lets it happen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from tests.support.traffic import Answer, Exchange

if TYPE_CHECKING:
    from tests.support.proxy import Passage


class Gone(Exception):
    """The server behind the proxy gave no answer: the connection was refused or broke."""


class Fault(Protocol):
    """Deals with a request in its own way."""

    async def __call__(self, passage: Passage) -> web.StreamResponse: ...


class Hurt(Protocol):
    """A server process that faults can be done to."""

    def kill(self) -> None: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


# --- the answer ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refuse:
    """The server does not get the request; the caller gets this status."""

    status: int = 503
    retry_after: int | None = None

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.json_response({"errors": [{"message": "a fault"}]}, status=self.status, headers=headers)


@dataclass(frozen=True)
class FailAfter:
    """The server does what it was asked; the caller gets this status instead of its answer."""

    status: int = 500

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        await passage.forward()
        return web.json_response({"errors": [{"message": "a fault"}]}, status=self.status)


@dataclass(frozen=True)
class LoseRequest:
    """The connection breaks before the server gets the request."""

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        return passage.hang_up()


@dataclass(frozen=True)
class LoseAnswer:
    """The server does what it was asked; the connection breaks before it can say so."""

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        await passage.forward()
        return passage.hang_up()


@dataclass(frozen=True)
class WithholdAnswer:
    """The server does what it was asked; the caller hears nothing until it gives up."""

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        await passage.forward()
        await passage.caller_left()
        return passage.hang_up()


@dataclass(frozen=True)
class Delay:
    """The answer comes late, by so many seconds of the proxy's clock."""

    seconds: float

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        answer = await passage.forward()
        await passage.clock.sleep(self.seconds)
        return passage.give(answer)


@dataclass(frozen=True)
class Hold:
    """The request waits until `release` is set, and is handed on then: later ones overtake it."""

    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        await self.release.wait()
        return passage.give(await passage.forward())


@dataclass(frozen=True)
class Double:
    """The server gets the request twice, one after the other or both at once; the caller gets its last answer."""

    at_once: bool = False

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        if self.at_once:
            answers = await asyncio.gather(passage.forward(), passage.forward())
            return passage.give(answers[-1])
        await passage.forward()
        return passage.give(await passage.forward())


# --- the server ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kill:
    """The server is killed before it gets the request or after it did what it was asked, and started again."""

    server: Hurt = field(repr=False)
    after: bool = True

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        if self.after:
            await passage.forward()
        await asyncio.to_thread(self.server.kill)
        passage.background(asyncio.to_thread(self.server.start))
        return passage.hang_up()


@dataclass(frozen=True)
class Freeze:
    """The server stands still until the caller gives up, and does what it was asked only then."""

    server: Hurt = field(repr=False)

    async def __call__(self, passage: Passage) -> web.StreamResponse:
        self.server.pause()
        try:
            passage.background(self._deliver(passage))
            await passage.caller_left()
            return passage.hang_up()
        finally:
            self.server.resume()

    async def _deliver(self, passage: Passage) -> Answer:
        return await passage.forward()


# --- which requests --------------------------------------------------------------------------------------------------


@dataclass
class Rule:
    """Says which requests may meet a fault, and how many still do."""

    meets: Callable[[Exchange], bool]
    left: int
    choose: Callable[[], Fault | None]

    def draw(self, exchange: Exchange) -> Fault | None:
        """The fault this request meets, which then is one less."""
        fault = self.choose() if self.left > 0 and self.meets(exchange) else None
        self.left -= fault is not None
        return fault


def by_chance(seed: int, faults: Sequence[Fault], share: float) -> Callable[[], Fault | None]:
    """Draws one of the faults with the probability `share`, the same ones for the same seed."""
    chance = random.Random(seed)
    return lambda: chance.choice(faults) if chance.random() < share else None
