"""Where every call of a connection asks whether it may begin: its account's limits, and the lease of its lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from syncd.engine.doing import DOING
from syncd.engine.lanes import Lanes
from syncd.engine.limiter import Limiter
from syncd.engine.work import Urgency
from syncd.errors import TransientError
from syncd.sdk.limits import CALLS, Limit

PATIENCE = 30.0
"""Seconds a call waits for its turn; what takes longer is the engine's `not_before`."""


class LaneGate:
    """The gate of one connection's HTTP client, and what its connector tells of limits."""

    def __init__(self, connection: str, lanes: Lanes, limits: Sequence[Limit]) -> None:
        self._connection, self._lanes = connection, lanes
        self._limiter: Limiter = lanes.limiter(connection, limits)

    async def begin(self, spend: Mapping[str, float], deadline: float) -> Callable[[], None]:
        """See `syncd.sdk.limits.Gate`."""
        doing = DOING.get()
        units = {CALLS: 1.0, **spend}
        end = await self._limiter.begin(units, doing.urgency if doing else Urgency.PUBLISH, PATIENCE)
        try:
            if self._limiter.scarce(units):
                await self._lanes.keep_spent(self._connection)
            if doing and doing.lane == self._connection and not self._lanes.may_call(self._connection, deadline):
                raise TransientError(f"The lease of {self._connection} is too short for a call of {deadline:g} s.")
        except BaseException:
            end()
            raise
        return end

    def learn(
        self, name: str, *, available: float | None = None, most: float | None = None, restore: float | None = None
    ) -> None:
        """See `syncd.sdk.limits.Limits`."""
        self._limiter.learn(name, available=available, most=most, restore=restore)

    def hold(self, seconds: float, names: Sequence[str] = ()) -> None:
        """See `syncd.sdk.limits.Limits`."""
        self._limiter.hold(seconds, names)
