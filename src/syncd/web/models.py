"""Bases and types of the API's models: strict, closed and immutable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


class Query(BaseModel):
    """Base of a route's query parameters: single values, or lists that are given by repeating the name."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NoQuery(Query):
    """A route without query parameters."""


class Body(BaseModel):
    """Base of a route's request body."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class View(BaseModel):
    """Base of what a route answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is outside the years 1 to 9999") from None


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An instant with its offset, as RFC 3339 writes it; turned into UTC."""
