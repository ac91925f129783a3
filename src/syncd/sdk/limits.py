"""What a system allows of its callers: declared beside a connector as dated data, kept by the engine's limiter.

Every call costs one unit of each declared limit named `calls`, and of the others what the request says:
`extensions={"spend": {"feeds": 1}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` units in any stretch of time as long as `per`; `reserve` of them are kept for takedowns.

    `source` says where the figure stands and of which day it is.
    """

    name: str
    most: int
    per: timedelta
    source: str
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Points:
    """Points that are spent and come back, `restore` in a second, up to `most`. What the system says of them while
    it answers (`Limits.learn`) counts more than what is declared.
    """

    name: str
    most: float
    restore: float
    source: str
    reserve: float = 0


@dataclass(frozen=True, slots=True)
class AtOnce:
    """At most `most` units under way at any instant."""

    name: str
    most: int
    source: str


Limit = Window | Points | AtOnce


class Limits(Protocol):
    """What a connector tells of its account's limits while it works."""

    def learn(
        self, name: str, *, available: float | None = None, most: float | None = None, restore: float | None = None
    ) -> None:
        """Take in what an answer said of `Points`.

        Args:
            available: what is left just now, if the answer tells; else what was counted goes on.
            most, restore: as in `Points`, where the answer tells them.
        """
        ...

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        """Begin no call for so many seconds (Retry-After); with names, none that spends of these."""
        ...


class Gate(Limits, Protocol):
    """What every call of a client passes."""

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        """Wait until a call may begin.

        Args:
            spend: what it costs beside one of `calls`.
            deadline: seconds of the lane's lease it needs.

        Returns:
            what to call when it has been answered, or surely never will be.

        Raises:
            RateLimited: its turn is too far away to wait for. TransientError: it must not begin now.
        """
        ...


class Open:
    """The gate of an account without limits."""

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        """Every call may begin."""
        return _nothing

    def learn(
        self, name: str, *, available: float | None = None, most: float | None = None, restore: float | None = None
    ) -> None:
        """There is nothing to keep."""

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        """Nobody is held."""


def _nothing() -> None:
    """What ends a call that nobody counted."""
