"""Holds a connection's connector to the rules that can be tried on a configured account, one by one.

Only reads, unless writing is allowed, and then only writes what stands there already. What needs a misbehaving vendor
is held by `syncd.testing.conformance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from syncd.clock import bounded
from syncd.errors import SyncdError
from syncd.flow.operate import rules
from syncd.flow.operate.rules import Broken, NotApplicable, Rule, Subject
from syncd.flow.services import Services
from syncd.sdk.roles import Role
from syncd.sdk.trace import tracing

SECONDS = 120.0
Result = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """How one rule went: what was found, or why it failed or does not apply."""

    rule: str
    role: str
    result: Result
    said: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """All rules of a connection's roles, and how many calls they took."""

    connection: str
    system: str
    sdk: int
    at: datetime
    calls: int
    rulings: list[Ruling] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return all(ruling.result != "failed" for ruling in self.rulings)


async def certify(services: Services, name: str, *, writes: bool, listings: Sequence[str]) -> Certificate:
    """Try every rule.

    Args:
        writes: what stands in `listings` may be written there once more.
        listings: of a channel, that may be written to.

    Raises:
        NotFoundError: no such connection, or one of the listings is none.
        ConfigError: the connection cannot be opened.
    """
    config = services.connections.config(name)
    system = services.connections.system_class(name)
    rulings: list[Ruling] = []
    with tracing() as exchanges:
        for role in map(Role, config.roles):
            subject = Subject(services, name, role, exchanges, tuple(listings) if writes else ())
            rulings += [await _ruled(services, subject, rule) for rule in rules.of(role)]
    return Certificate(name, config.connector, system.sdk, services.clock.now(), len(exchanges), rulings)


async def _ruled(services: Services, subject: Subject, rule: Rule) -> Ruling:
    role = subject.role.value
    try:
        said = await bounded(services.clock, rule.holds(subject), SECONDS)
    except NotApplicable as reason:
        return Ruling(rule.name, role, "not applicable", str(reason))
    except TimeoutError:
        return Ruling(rule.name, role, "failed", f"It did not end within {SECONDS:g} s.")
    except (Broken, SyncdError) as error:
        return Ruling(rule.name, role, "failed", error.what if isinstance(error, SyncdError) else str(error))
    except Exception as error:  # a connector's own fault is a finding, and the other rules still say something
        return Ruling(rule.name, role, "failed", f"{type(error).__name__}: {error}")
    return Ruling(rule.name, role, "passed", said)
