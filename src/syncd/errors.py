"""Every error syncd raises on purpose, on two axes: what it is (kind) and what the engine does about it (reaction).

    SyncdError
    ├── ConfigError          a file or setting is wrong         → stop, tell the connection's owner
    ├── AuthError            a system refused our credentials   → stop, tell the connection's owner
    ├── TransientError       it may work in a while             → retry with back-off
    │   └── RateLimited      it will work at a known instant    → wait until then
    ├── RejectedError        the input is refused for a reason  → exception for a person
    │   ├── HostileInput     a file or URL from outside is not safe to handle
    │   └── HookRefused      a webhook request is not proven to come from its sender
    ├── NotFoundError        what was named does not exist      → exception for a person
    ├── ConflictError        the world moved on since the caller looked
    └── Bug                  our own fault                      → exception, with everything needed to replay

A class's docstring is the remedy a person reads; `code` is the stable name the runbook explains.
"""

from __future__ import annotations

import enum
import inspect
from typing import Any, ClassVar


class Kind(enum.StrEnum):
    """What went wrong, which is to say whose fault it is."""

    CONFIG = "config"
    AUTH = "auth"
    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    BUG = "bug"


class Reaction(enum.StrEnum):
    """What the engine does with a failed piece of work."""

    STOP = "stop"
    RETRY = "retry"
    WAIT = "wait"
    EXCEPTION = "exception"


REACTIONS: dict[Kind, Reaction] = {
    Kind.CONFIG: Reaction.STOP,
    Kind.AUTH: Reaction.STOP,
    Kind.TRANSIENT: Reaction.RETRY,
    Kind.RATE_LIMITED: Reaction.WAIT,
    Kind.REJECTED: Reaction.EXCEPTION,
    Kind.NOT_FOUND: Reaction.EXCEPTION,
    Kind.CONFLICT: Reaction.RETRY,
    Kind.BUG: Reaction.EXCEPTION,
}


class SyncdError(Exception):
    """Look the code up in docs/runbook.md."""

    code: ClassVar[str] = "syncd"
    kind: ClassVar[Kind] = Kind.BUG

    def __init__(self, what: str, *, remedy: str | None = None, **data: Any) -> None:
        """
        Args:
            what: one sentence: what happened, and to which thing.
            remedy: what to do about it; the class's docstring unless given.
            data: facts for machines (never secrets), shown in API problems and exceptions.
        """
        super().__init__(what)
        self.what = what
        self.remedy = remedy or inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0]
        self.data = data

    @property
    def reaction(self) -> Reaction:
        return REACTIONS[self.kind]

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class ConfigError(SyncdError):
    """Correct the file at the place named, then run `syncd check`."""

    code = "config.invalid"
    kind = Kind.CONFIG


class AuthError(SyncdError):
    """Renew the connection's credentials, then run `syncd check --online`."""

    code = "auth.refused"
    kind = Kind.AUTH


class TransientError(SyncdError):
    """Nothing to do yet: syncd retries by itself."""

    code = "transient"
    kind = Kind.TRANSIENT


class RateLimited(TransientError):
    """Nothing to do: syncd waits until the system allows the next call."""

    code = "rate-limited"
    kind = Kind.RATE_LIMITED

    def __init__(self, what: str, *, retry_after: float | None = None, **data: Any) -> None:
        """
        Args:
            retry_after: seconds from now after which the system takes calls again, if it said so.
        """
        super().__init__(what, **data)
        self.retry_after = retry_after


class RejectedError(SyncdError):
    """Correct what the reason names and submit it again."""

    code = "rejected"
    kind = Kind.REJECTED


class HostileInput(RejectedError):
    """Ask the sender for the original file; this one is not opened again."""

    code = "media.hostile"

    def __init__(self, reason: str, what: str, **data: Any) -> None:
        """
        Args:
            reason: the stable name of the refusal, such as `pixel-limit` or `private-address`.
        """
        super().__init__(what, reason=reason, **data)
        self.reason = reason


class HookRefused(RejectedError):
    """Check that the sender signs with one of the connection's present keys and that both clocks are right."""

    code = "hook.refused"

    def __init__(self, reason: str, what: str, **data: Any) -> None:
        """
        Args:
            reason: the stable name of the refusal, such as `no-key`, `bad-signature` or `stale`; counted, never sent.
        """
        super().__init__(what, reason=reason, **data)
        self.reason = reason


class RuleFailed(RejectedError):
    """Correct the value, or guard the rule with `has(…)` or `size(…)`, then replay."""

    code = "mapping.rule-failed"


class NotFoundError(SyncdError):
    """Check the name; `syncd status` lists what exists."""

    code = "not-found"
    kind = Kind.NOT_FOUND


class ConflictError(SyncdError):
    """Read the present state and decide again."""

    code = "conflict"
    kind = Kind.CONFLICT


class Bug(SyncdError):
    """This is a fault in syncd: replay it after an upgrade and report it with the exception's payload."""

    code = "bug"
    kind = Kind.BUG
