"""What happened in a system since it was last asked: hints that make something due, never truth by themselves."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from syncd.sdk.source import HookRequest, RawItem


class Subject(enum.StrEnum):
    """What changed."""

    LISTING = "listing"
    PRODUCT = "product"
    ASSET = "asset"
    EVERYTHING = "everything"  # the system cannot tell, or lost some of its events


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed: `name` is the system's name of the listing, its SKU of the product, our id of the asset.

    `status` is the system's own word where the change is one of status, `by` who made it and `at` when (aware, UTC),
    each if the system tells.
    """

    subject: Subject
    name: str = ""
    status: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes and the checkpoint that is true once they are stored; both are committed together."""

    changes: Sequence[Change]
    checkpoint: str


@runtime_checkable
class Watches(Protocol):
    """A target whose changes can be asked for."""

    def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """Yield what changed after the checkpoint `since` ("" at the very first time), oldest first.

        What follows a `yield` runs once its page has been committed: there a queue's messages may be acknowledged.
        """
        ...


@runtime_checkable
class Hears(Protocol):
    """A target that tells of its changes by webhook."""

    def verify(self, request: HookRequest) -> RawItem:
        """Accept a webhook or refuse it (`HookRefused`); pure and fast, called before anything is stored."""
        ...

    def heard(self, item: RawItem) -> Sequence[Change]:
        """Understand a stored item; pure. Raises RejectedError with what is wrong if it cannot be."""
        ...


@runtime_checkable
class Subscribes(Protocol):
    """A system that sends webhooks only to addresses it was told."""

    async def subscribe(self, url: str) -> str:
        """Have it send its events to `url`, whatever it forgot meanwhile; what was mended, "" if nothing."""
        ...


@dataclass(frozen=True, slots=True)
class StatusWrite:
    """The status of an asset or product as a system should say it, in its own word."""

    subject: Subject
    name: str
    status: str
    external_id: str = ""


@runtime_checkable
class WritesStatus(Protocol):
    """A target that keeps a status."""

    async def write_status(self, items: Sequence[StatusWrite]) -> None:
        """Set these; idempotent. A word the system does not know is a RejectedError with the words it knows."""
        ...
