"""What a connector is: its name, options and roles, what it asks of the engine, and how it is opened."""

from __future__ import annotations

import abc
import enum
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from syncd.sdk.context import Context
from syncd.sdk.faults import FaultTable
from syncd.sdk.limits import CALLS, AtOnce, Limit
from syncd.sdk.roles import Role

SDK = 1


class Options(BaseModel):
    """Base of a system's options: nothing unknown, immutable; every field has a description, secrets are SecretStr."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WriteSafety(enum.StrEnum):
    """What may be done about a call whose answer never came."""

    IDEMPOTENT = "idempotent"  # made again at once: twice is as once
    LOOKUP = "lookup"  # what it did shows as soon as one looks
    UNSAFE = "unsafe"  # it may still take effect for a while (`doubt`); until then nothing is written there


class System(abc.ABC):
    """Base of connectors. One instance serves one connection in one role, for as long as the configuration holds.

    A class states what is known of its system; what it leaves out is as here.
    A class or static method `authorization(options)` may say how its tokens are asked for: `syncd.sdk.oauth`.
    """

    name: ClassVar[str]
    """As `connector:` names it: lower-case letters, digits and hyphens."""
    sdk: ClassVar[int] = SDK
    """The SDK it is written for, checked when it is loaded."""
    roles: ClassVar[frozenset[Role]]
    """The parts a connection of it can take."""
    options: ClassVar[type[Options]]
    """What is configured under `options:`."""
    example: ClassVar[str]
    """A commented connection file, which `syncd init` writes."""
    faults: ClassVar[FaultTable] = {}
    """What answers mean that mean something else here than they do elsewhere."""
    max_batch: ClassVar[int] = 1
    """How many places one call of `apply` may change."""
    linger: ClassVar[timedelta] = timedelta()
    """How long a place may wait for others, so that scarce calls are well filled."""
    max_open: ClassVar[int] = 1
    """How many jobs (calls answered PENDING) the system may be working on at a time."""
    job_patience: ClassVar[timedelta] = timedelta(hours=1)
    """How long a job usually takes at most; then a person is told."""
    watch_every: ClassVar[timedelta] = timedelta(minutes=1)
    """Between two questions for changes (`Watches`)."""
    write_safety: ClassVar[WriteSafety] = WriteSafety.LOOKUP
    """`IDEMPOTENT`: every request may be repeated. `LOOKUP`: what a lost answer left behind shows when observed.
    `UNSAFE`: it may still come."""
    doubt: ClassVar[timedelta] = timedelta(minutes=1)
    """How long an UNSAFE call may still take effect after its answer was lost."""
    floor: ClassVar[timedelta] = timedelta()
    """How long a change may take to show, by the system's own words (caches, feeds not read yet): what was taken down
    may stay visible for so long, and what was accepted invisible."""
    call_deadline: ClassVar[float] = 10.0
    """Seconds the longest call may take; the lane's lease outlives it."""
    creates_listings: bool = False
    """A channel where a listing comes to be by being written to."""

    @classmethod
    def limits(cls, options: Any) -> Sequence[Limit]:
        """What the system allows of its callers, under these options."""
        return (AtOnce("calls", 4, "no published limit; four at a time burden nobody"),)

    @classmethod
    def cost(cls, options: Any, places: int, media: int) -> Mapping[str, float]:
        """What it spends of the limits to change so many places, with so many media new in them all together.

        Looking before and after is part of it. A plan's estimate rests on this; as it is here, a place is looked at
        twice on its own, and written to in calls of `max_batch`.
        """
        return {CALLS: 2 * places + math.ceil(places / cls.max_batch) + media}

    def __init__(self, context: Context, options: Any, role: Role) -> None:
        """Open the connection in one role; nothing is called yet."""
        self._context, self._options, self._role = context, options, role

    @abc.abstractmethod
    async def check(self) -> str:
        """One cheap call that tells a wrong login from an unreachable system; what was found, for `check --online`."""

    async def close(self) -> None:  # noqa: B027  # most systems hold nothing open
        """Release what was opened; by default nothing is."""


@runtime_checkable
class Claimable(Protocol):
    """A system whose account can carry a mark of the ledger that keeps it, so that a second one is noticed."""

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """Mark the account with `ledger` if it carries no mark, or whatever it carries when taking over.

        Returns:
            the mark the account carries now.
        """
        ...
