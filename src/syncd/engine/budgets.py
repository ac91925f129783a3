"""How much of a limit is left, and when enough of it will be. No clock and no waiting; instants are monotonic seconds.

A unit counts from before its call begins until the answer is there plus the limit's own time: when within that span the
system noticed the call is unknown, so no order of arrivals can break the limit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from syncd.sdk.limits import AtOnce, Limit, Points, Window

UNTIL_AN_ANSWER = math.inf
"""A wait that only the end of another call shortens."""
Kept = Sequence[tuple[float, float]]
"""Seconds ago and units, as a lease row keeps them."""
MOST_A_SECOND = 100
"""Calls one process can make in a second at the very most: what a dead owner may have spent without having kept it."""
SCARCE = 100
"""Windows of at most so many units are kept before each call, so that nobody need assume anything."""
_PIECES = 256
"""Into so many pieces a window's time is divided: units of one piece are kept as one, with the latest instant."""


class Budget(Protocol):
    """One limit of one account."""

    def wait(self, now: float, units: float, *, urgent: bool) -> float:
        """Seconds until `units` may be spent: 0 for now, UNTIL_AN_ANSWER where only that helps.

        Raises:
            ValueError: never, for the limit is smaller than that.
        """
        ...

    def begin(self, now: float, units: float) -> None:
        """Spend units on a call that begins."""
        ...

    def end(self, now: float, units: float) -> None:
        """The call they were spent on is answered, or known not to be."""
        ...

    def state(self, now: float) -> Kept:
        """What the next owner of the account must know."""
        ...

    def restore(self, now: float, kept: Kept, age: float, unkept: float) -> None:
        """Go on from what another owner kept `age` seconds ago, who may have gone on for `unkept` seconds of these."""
        ...


class WindowBudget:
    """At most so many units in any stretch of time."""

    def __init__(self, limit: Window) -> None:
        self.limit = limit
        self._per = limit.per.total_seconds()
        self._under_way = 0.0
        self._spent: deque[tuple[float, float]] = deque()  # (when it was answered, units), the oldest first

    def wait(self, now: float, units: float, *, urgent: bool) -> float:
        most = self.limit.most - (0 if urgent else self.limit.reserve)
        if units > most:
            raise ValueError(f"{units:g} {self.limit.name} at once are more than the {most} of a window")
        self._forget(now)
        excess = self._under_way + sum(spent for _, spent in self._spent) + units - most
        if excess <= 0:
            return 0.0
        for answered, spent in self._spent:
            excess -= spent
            if excess <= 0:
                return answered + self._per - now
        return UNTIL_AN_ANSWER

    def begin(self, now: float, units: float) -> None:
        self._under_way += units

    def end(self, now: float, units: float) -> None:
        self._under_way -= units
        if self._spent and now - self._spent[-1][0] < self._per / _PIECES:
            units += self._spent.pop()[1]
        self._spent.append((now, units))

    def state(self, now: float) -> Kept:
        self._forget(now)
        spent = [(now - answered, units) for answered, units in self._spent]
        return [*spent, (0.0, self._under_way)] if self._under_way else spent

    @property
    def scarce(self) -> bool:
        """Whether what is spent is kept before each call."""
        return self.limit.most <= SCARCE and self._per > 10

    def restore(self, now: float, kept: Kept, age: float, unkept: float) -> None:
        self._spent = deque((now - age - seconds, units) for seconds, units in kept)
        self._forget(now)
        free = self.limit.most - sum(units for _, units in self._spent)
        since = min(free, math.ceil(unkept * MOST_A_SECOND))
        if since > 0 and not self.scarce:
            self._spent.append((min(now, now - age + unkept), since))
            self._forget(now)

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + self._per <= now:
            self._spent.popleft()


class PointsBudget:
    """Points that come back by themselves."""

    def __init__(self, limit: Points) -> None:
        self.limit = limit
        self._most, self._restore = limit.most, limit.restore
        self._level, self._at = limit.most, 0.0
        self._under_way = 0.0

    def wait(self, now: float, units: float, *, urgent: bool) -> float:
        wanted = units + (0 if urgent else self.limit.reserve)
        if wanted > self._most:
            raise ValueError(f"{wanted:g} {self.limit.name} at once are more than the {self._most:g} there are")
        missing = wanted - self._available(now)
        if missing > 0 and wanted > self._most - self._under_way:
            return UNTIL_AN_ANSWER
        return max(0.0, missing / self._restore)

    def begin(self, now: float, units: float) -> None:
        self._level, self._at = self._available(now) - units, now
        self._under_way += units

    def end(self, now: float, units: float) -> None:
        self._level, self._at = self._available(now), now
        self._under_way -= units

    def learn(self, now: float, available: float | None, most: float | None, restore: float | None) -> None:
        """Believe the system. Whether it has counted what is under way already is unknown, so that is taken off."""
        counted = self._available(now)
        self._most, self._restore = most or self._most, restore or self._restore
        self._level = min(counted, self._most) if available is None else available - self._under_way
        self._at = now

    def state(self, now: float) -> Kept:
        return []

    def restore(self, now: float, kept: Kept, age: float, unkept: float) -> None:
        idle = max(0.0, age - unkept)
        self._level, self._at = min(self._most, idle * self._restore), now

    def _available(self, now: float) -> float:
        """What is under way the system may not have taken off yet, so as much cannot have come back."""
        return min(self._most - self._under_way, self._level + (now - self._at) * self._restore)


class AtOnceBudget:
    """At most so many calls under way. A new owner starts with none: the old one's lease outlived its calls."""

    def __init__(self, limit: AtOnce) -> None:
        self.limit = limit
        self._under_way = 0.0

    def wait(self, now: float, units: float, *, urgent: bool) -> float:
        if units > self.limit.most:
            raise ValueError(f"{units:g} {self.limit.name} at once are more than {self.limit.most}")
        return 0.0 if self._under_way + units <= self.limit.most else UNTIL_AN_ANSWER

    def begin(self, now: float, units: float) -> None:
        self._under_way += units

    def end(self, now: float, units: float) -> None:
        self._under_way -= units

    def state(self, now: float) -> Kept:
        return []

    def restore(self, now: float, kept: Kept, age: float, unkept: float) -> None:
        """Nothing is left of another owner's calls."""


def key_of(limit: Limit) -> str:
    """What a limit's state is kept under; a limit that is declared anew begins anew."""
    return f"{limit.name} in {limit.per.total_seconds():g} s" if isinstance(limit, Window) else limit.name


def budget_of(limit: Limit) -> Budget:
    """The budget that keeps a declared limit."""
    if isinstance(limit, Window):
        return WindowBudget(limit)
    return PointsBudget(limit) if isinstance(limit, Points) else AtOnceBudget(limit)
