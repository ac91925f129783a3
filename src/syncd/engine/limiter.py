"""One account's limits, spent by one scheduler: takedown before publish before backfill, and never over the limit."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.clock import Clock
from syncd.engine.budgets import UNTIL_AN_ANSWER, Budget, Kept, PointsBudget, WindowBudget, budget_of, key_of
from syncd.engine.work import Urgency
from syncd.errors import Bug, RateLimited, SyncdError, TransientError
from syncd.sdk.limits import Limit

_Spent = list[tuple[Budget, float]]
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
    decided: asyncio.Event = field(compare=False, default_factory=asyncio.Event)
    spent: _Spent | None = field(compare=False, default=None)
    error: SyncdError | None = field(compare=False, default=None)


class Limiter:
    """Lets the calls of one account begin when its limits allow it."""

    def __init__(self, connection: str, clock: Clock, limits: Sequence[Limit]) -> None:
        """
        Args:
            limits: what the system declares; a name may stand for several, such as ten a second and 4,000 an hour.
        """
        self._connection, self._clock = connection, clock
        self._budgets: list[Budget] = []
        self._names: list[str] = []
        self._limits: tuple[Limit, ...] = ()
        self.declare(limits)
        self._held: dict[str, float] = {}
        self._waiting: list[_Waiting] = []
        self._order = itertools.count()
        self._alarm: asyncio.Task[None] | None = None

    def declare(self, limits: Sequence[Limit]) -> None:
        """Keep these limits from now on; those that stay the same keep what they know."""
        known = dict(zip(self._limits, self._budgets, strict=True))
        self._limits = tuple(limits)
        self._budgets = [known.get(limit) or budget_of(limit) for limit in limits]
        self._names = [limit.name for limit in limits]

    async def begin(self, units: Mapping[str, float], urgency: Urgency, patience: float) -> Callable[[], None]:
        """Wait until units may be spent, and spend them.

        Args:
            units: name of a limit → units; names that nobody declared cost nothing.
            patience: seconds after which it is better to come back later.

        Returns:
            what ends the call they were spent on.

        Raises:
            RateLimited: it would have to wait longer, with the seconds that are known of.
        """
        budgets = await self._begin(units, urgency, patience)
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._end(budgets)

        return end

    def scarce(self, units: Mapping[str, float]) -> bool:
        """Whether spending these is to be kept before the call is made."""
        return any(isinstance(budget, WindowBudget) and budget.scarce for budget, _ in self._spent_of(units))

    def learn(
        self, name: str, *, available: float | None = None, most: float | None = None, restore: float | None = None
    ) -> None:
        """Take in what an answer said of the points of this name."""
        for known, budget in zip(self._names, self._budgets, strict=True):
            if known == name and isinstance(budget, PointsBudget):
                budget.learn(self._clock.monotonic(), available, most, restore)
        self._admit()

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        """Begin no call for so many seconds; with names, none that spends of these."""
        until = self._clock.monotonic() + seconds
        for name in names or (_HELD,):
            self._held[name] = max(until, self._held.get(name, until))

    def state(self) -> dict[str, Kept]:
        """What the next owner must know, as JSON."""
        now = self._clock.monotonic()
        kept = {key_of(limit): budget.state(now) for limit, budget in zip(self._limits, self._budgets, strict=True)}
        return {key: spent for key, spent in kept.items() if spent}

    def restore(self, kept: Mapping[str, Kept], age: float, unkept: float) -> None:
        """Go on from what another owner kept `age` seconds ago, who may have gone on for `unkept` seconds of these."""
        now = self._clock.monotonic()
        for limit, budget in zip(self._limits, self._budgets, strict=True):
            budget.restore(now, kept.get(key_of(limit), ()), age, unkept)

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._look_again_in(math.inf)
        for one in list(self._waiting):
            self._leave(one, TransientError(f"{self._connection} is being closed."))

    async def _begin(self, units: Mapping[str, float], urgency: Urgency, patience: float) -> _Spent:
        one = _Waiting(urgency, next(self._order), units, self._clock.monotonic() + patience)
        self._waiting.append(one)
        self._waiting.sort()
        self._admit()
        try:
            while not one.decided.is_set():
                await self._clock.wait(one.decided, patience)
        except asyncio.CancelledError:
            if one.spent is not None:
                self._end(one.spent)  # it might have begun, and nobody is there to do it
            elif one in self._waiting:
                self._waiting.remove(one)
                self._admit()
            raise
        if one.spent is None:
            raise one.error or Bug(f"{self._connection}: a call was neither begun nor refused.")
        return one.spent

    def _end(self, spent: _Spent) -> None:
        now = self._clock.monotonic()
        for budget, units in spent:
            budget.end(now, units)
        self._admit()

    def _spent_of(self, units: Mapping[str, float]) -> _Spent:
        """What units mean for each limit there is now."""
        pairs = zip(self._names, self._budgets, strict=True)
        return [(budget, units[name]) for name, budget in pairs if name in units]

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
        spent = self._spent_of(one.units)
        for budget, units in spent:
            budget.begin(now, units)
        one.spent = spent
        one.decided.set()

    def _leave(self, one: _Waiting, error: SyncdError) -> None:
        self._waiting.remove(one)
        one.error = error
        one.decided.set()

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
