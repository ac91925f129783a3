"""One account's limits, spent by one scheduler: takedown before publish before backfill, and never over the limit."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from syncd.clock import Clock
from syncd.engine.budgets import UNTIL_AN_ANSWER, Kept, PointsBudget, budget_of
from syncd.engine.work import Urgency
from syncd.errors import Bug, RateLimited, SyncdError
from syncd.sdk.limits import Limit

_FINEST = 0.001
"""Seconds: waits are not cut into shorter ones, which rounding could make endless many."""
_HELD = ""
"""What a hold on all calls is called among the names of limits."""


@dataclass(order=True, slots=True)
class _Waiting:
    """A call that may not begin yet; the more urgent and then the earlier comes first."""

    urgency: Urgency
    order: int
    units: Mapping[str, float] = field(compare=False)
    until: float = field(compare=False)
    begun: asyncio.Future[None] = field(compare=False)


class Limiter:
    """Lets the calls of one account begin when its limits allow it."""

    def __init__(self, connection: str, clock: Clock, limits: Sequence[Limit]) -> None:
        """
        Args:
            limits: what the system declares; a name may stand for several, such as ten a second and 4,000 an hour.
        """
        self._connection, self._clock = connection, clock
        self._budgets = [budget_of(limit) for limit in limits]
        self._names = [limit.name for limit in limits]
        self._held: dict[str, float] = {}
        self._waiting: list[_Waiting] = []
        self._order = itertools.count()
        self._alarm: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def call(self, units: Mapping[str, float], urgency: Urgency, patience: float) -> AsyncIterator[None]:
        """Spend units on what is done inside.

        Args:
            units: name of a limit → units; names that nobody declared cost nothing.
            patience: seconds after which it is better to come back later.

        Raises:
            RateLimited: it would have to wait longer, with the seconds that are known of.
        """
        await self._begin(units, urgency, patience)
        try:
            yield
        finally:
            self._end(units)

    def learn(self, name: str, *, available: float, most: float | None = None, restore: float | None = None) -> None:
        """Take in what an answer said of the points of this name."""
        for known, budget in zip(self._names, self._budgets, strict=True):
            if known == name and isinstance(budget, PointsBudget):
                budget.learn(self._clock.monotonic(), available, most, restore)
        self._admit()

    def hold(self, seconds: float, names: Sequence[str] = (_HELD,)) -> None:
        """Begin no call for so many seconds; with names, none that spends of these."""
        until = self._clock.monotonic() + seconds
        for name in names:
            self._held[name] = max(until, self._held.get(name, until))

    def state(self) -> list[Kept]:
        """What the next owner must know, as JSON, in the order of the limits."""
        return [budget.state(self._clock.monotonic()) for budget in self._budgets]

    def restore(self, kept: Sequence[Kept], age: float) -> None:
        """Go on from what another owner kept `age` seconds ago; limits it did not know count as spent."""
        now = self._clock.monotonic()
        for budget, known in itertools.zip_longest(self._budgets, kept[: len(self._budgets)], fillvalue=()):
            budget.restore(now, known, age)  # type: ignore[union-attr]

    async def close(self) -> None:
        """Let nobody wait any longer."""
        self._look_again_in(math.inf)
        for one in self._waiting:
            one.begun.cancel()

    async def _begin(self, units: Mapping[str, float], urgency: Urgency, patience: float) -> None:
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._clock.monotonic() + patience
        one = _Waiting(urgency, next(self._order), units, until, begun)
        self._waiting.append(one)
        self._waiting.sort()
        self._admit()
        try:
            await begun
        except asyncio.CancelledError:
            if begun.done() and not begun.cancelled() and begun.exception() is None:
                self._end(units)  # it might have begun, and nobody is there to do it
            elif one in self._waiting:
                self._waiting.remove(one)
                self._admit()
            raise

    def _end(self, units: Mapping[str, float]) -> None:
        now = self._clock.monotonic()
        for name, budget in zip(self._names, self._budgets, strict=True):
            if name in units:
                budget.end(now, units[name])
        self._admit()

    # --- who may begin -------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        """Let all begin that may. What a more urgent call waits for, no less urgent one may take."""
        now = self._clock.monotonic()
        wanted: set[str] = set()
        look_again = math.inf
        for one in list(self._waiting):
            try:
                waits = self._waits(one, now)
            except ValueError as error:
                self._leave(one, Bug(f"{self._connection}: {error}."))
                continue
            lacking = {name for name, seconds in waits.items() if seconds > 0}
            if not lacking and not wanted & one.units.keys():
                self._start(one, now)
                continue
            wait = max(waits.values(), default=0.0)
            if now >= one.until or one.until < now + wait < math.inf:
                self._leave(one, self._too_long(wait))
                continue
            wanted |= lacking
            look_again = min(look_again, wait or math.inf, one.until - now)
        self._look_again_in(look_again)

    def _waits(self, one: _Waiting, now: float) -> dict[str, float]:
        """Seconds each thing keeps this call from beginning."""
        waits = {name: self._held[name] - now for name in (_HELD, *one.units) if self._held.get(name, now) > now}
        for name, budget in zip(self._names, self._budgets, strict=True):
            if name in one.units:
                urgent = one.urgency is Urgency.TAKEDOWN
                waits[name] = max(waits.get(name, 0.0), budget.wait(now, one.units[name], urgent=urgent))
        return waits

    def _start(self, one: _Waiting, now: float) -> None:
        self._waiting.remove(one)
        for name, budget in zip(self._names, self._budgets, strict=True):
            if name in one.units:
                budget.begin(now, one.units[name])
        one.begun.set_result(None)

    def _leave(self, one: _Waiting, error: SyncdError) -> None:
        self._waiting.remove(one)
        one.begun.set_exception(error)

    def _too_long(self, wait: float) -> RateLimited:
        if wait == UNTIL_AN_ANSWER:
            return RateLimited(f"{self._connection} is busy with as many calls as it takes.")
        return RateLimited(f"{self._connection} takes no such call for {wait:.0f} s.", retry_after=wait)

    def _look_again_in(self, seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if seconds == math.inf else asyncio.create_task(self._alarmed(seconds), name="limits")

    async def _alarmed(self, seconds: float) -> None:
        await self._clock.sleep(max(seconds, _FINEST))
        self._alarm = None
        self._admit()
