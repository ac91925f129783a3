"""What a connector is made of: a name, its options, the roles it takes, and how it is opened."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from syncd.sdk.context import Context
from syncd.sdk.roles import Role

SDK = 1


class Options(BaseModel):
    """Base of a system's options: nothing unknown, immutable; every field has a description, secrets are SecretStr."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class System(Protocol):
    """A connector class. One instance serves one connection in one role, for as long as the configuration holds.

    `max_batch` is how many places one recorded call may change, `call_deadline` the longest one call may take, in
    seconds; the lane's lease outlives it. `example` is a commented
    connection file, which `syncd init` writes.

    A class or static method `authorization(options)` may say how its tokens are asked for: `syncd.sdk.oauth`.
    """

    name: ClassVar[str]
    sdk: ClassVar[int]
    roles: ClassVar[frozenset[Role]]
    options: ClassVar[type[Options]]
    example: ClassVar[str]
    max_batch: ClassVar[int]
    call_deadline: ClassVar[float]

    def __init__(self, context: Context, options: Any, role: Role) -> None: ...

    async def check(self) -> str:
        """One cheap call that tells a wrong login from an unreachable system; what was found, for `check --online`."""
        ...

    async def close(self) -> None:
        """Release what was opened."""
        ...


@runtime_checkable
class Claimable(Protocol):
    """A system whose account can carry a mark of the ledger that keeps it, so that a second one is noticed."""

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """Mark the account with `ledger` if it carries no mark, or whatever it carries when taking over.

        Returns:
            the mark the account carries now.
        """
        ...
