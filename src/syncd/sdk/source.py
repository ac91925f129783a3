"""Where submissions come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from syncd.domain.delivery import DeliveredFile, Delivery


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing a source handed over, as it came: stored before anything is understood.

    `vendor_id` is an identifier the vendor issued for this very message (None if it issues none): only by it may a
    duplicate be dropped. `headers` are lower-case names; keep only what `receive` needs.
    """

    body: bytes
    vendor_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourcePage:
    """Some items of a poll and the checkpoint that is true once they are stored; both are committed together."""

    items: Sequence[RawItem]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A webhook request as it arrived; `body` is the raw bytes, `received_at` an aware instant in UTC."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A file whose bytes are committed to the ledger."""

    submission: str
    file: DeliveredFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not going on, in words for the creator, and whether they can mend it.

    `file` is the key of the file it is about, "" if it is about the whole submission.
    """

    code: str
    say: str
    fixable: bool = True
    file: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """What a creator may know about a submission: `status` per file key, with reasons.

    `delivery` is what was last stated about it, `note` what `respond` returned when it last told something.
    """

    external_id: str
    status: str
    files: Mapping[str, str]
    reasons: Sequence[Reason] = ()
    delivery: Delivery | None = None
    note: str = ""


@runtime_checkable
class Source(Protocol):
    """Where submissions come from."""

    def verify(self, request: HookRequest) -> RawItem:
        """Accept a webhook or refuse it (`HookRefused`); pure and fast, called before anything is stored."""
        ...

    def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """Yield what is new after the checkpoint `since` ("" at the very first poll), oldest first."""
        ...

    def receive(self, item: RawItem) -> Sequence[Delivery]:
        """Understand a stored item; pure. Raises RejectedError with what is wrong if it cannot be."""
        ...

    def open(self, file: DeliveredFile) -> AsyncIterator[bytes]:
        """Stream the bytes of a delivered file, from its beginning."""
        ...

    async def stored(self, files: Sequence[Stored]) -> None:
        """The bytes of these files are safe with syncd now: the source may move or mark them."""
        ...

    async def respond(self, status: SubmissionStatus) -> str | None:
        """Tell the creator, by the source's own means, how the submission stands; returns what the next status about
        this submission is to carry as `note`, None to leave it as it is."""
        ...
