"""What all models of files share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from syncd.config.scalars import fault


class Strict(BaseModel):
    """Immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def unique_names(entries: Sequence[N]) -> Sequence[N]:
    """Refuse a list in which two entries have one name."""
    if twice := _twice(entry.name for entry in entries):
        raise fault(f"the name `{twice}` stands twice", "rename one", why="explanations would not tell them apart")
    return entries


def no_doubles(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list in which a value stands twice."""
    if twice := _twice(values):
        raise fault(f"`{twice}` stands twice", "remove one")
    return values


def _twice(values: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
