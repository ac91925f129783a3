"""What the engine asks of a kind of work: take keys, look at the facts as they are now, say how each ends."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from syncd.engine.work import Claim, Urgency
from syncd.ledger.store import Transaction

Effects = Callable[[Transaction], Awaitable[None]]


class Outcome(NamedTuple):
    """How one key went.

    `effects` writes the result in the transaction that finishes the key, and only if the claim still holds. `due_at`
    is the decision's own next due instant (None: nothing more to do until touched). `error` makes the engine retry,
    wait or open an exception, by the error's kind; `payload` is kept with that exception.
    """

    claim: Claim
    due_at: datetime | None = None
    urgency: Urgency = Urgency.PUBLISH
    effects: Effects | None = None
    error: BaseException | None = None
    payload: dict[str, object] | None = None


class Handler(Protocol):
    """Carries out one kind of work. `batch`: keys per call; `parallel`: calls at a time in one lane; `lingers`: its
    keys may wait for others where the lane's calls are scarce."""

    kind: str
    batch: int
    parallel: int
    lingers: bool

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        """Do the work of these keys; one outcome each. An error raised here fails all of them."""
        ...


class OneByOne(abc.ABC):
    """Base of handlers whose keys have nothing in common: each is done by `one`, and fails alone."""

    batch = 8
    parallel = 1
    lingers = False

    @abc.abstractmethod
    async def one(self, claim: Claim) -> Outcome:
        """Do the work of one key."""

    async def run(self, claims: Sequence[Claim]) -> Sequence[Outcome]:
        return await asyncio.gather(*(self._guarded(claim) for claim in claims))

    async def _guarded(self, claim: Claim) -> Outcome:
        try:
            return await self.one(claim)
        except Exception as error:
            return Outcome(claim, error=error)
