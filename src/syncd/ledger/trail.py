"""The append-only trail: events are hashed where they happen, chained and anchored by the sealer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GENESIS = "0" * 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> bytes:
    """The one byte form of a JSON value that hashes are taken of."""
    return _CANONICAL.encode(value).encode()


def content_hash(brand: str, at: datetime, kind: str, subject: str, revision: str, data: Mapping[str, Any]) -> str:
    """The hash that binds an event's whole content; `at` to the microsecond."""
    return hashlib.sha256(canonical([brand, at.isoformat(), kind, subject, revision, data])).hexdigest()


def chain(previous: str, position: int, content: str) -> str:
    """The chain hash at a position: it binds all before it."""
    return hashlib.sha256(f"{previous}:{position}:{content}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as verification reads it."""

    id: int
    brand: str
    at: datetime
    kind: str
    subject: str
    revision: str
    data: Mapping[str, Any]
    content_hash: str
    position: int | None
    chain_hash: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head: the chain hash a brand's trail had at a position."""

    position: int
    chain_hash: str


@dataclass
class Verification:
    """What `audit verify` found for one brand."""

    brand: str
    sealed: int = 0
    unsealed: int = 0
    head: str = GENESIS
    faults: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.faults


def verify(brand: str, events: Iterable[SealedEvent], anchors: Iterable[Head]) -> Verification:
    """Recompute a brand's chain.

    Args:
        events: sealed events by position, then the unsealed ones.
        anchors: heads signed earlier; each must be found in the chain, so that a cut tail shows.
    """
    result = Verification(brand)
    expected = {head.position: head.chain_hash for head in anchors}
    for event in events:
        actual = content_hash(event.brand, event.at, event.kind, event.subject, event.revision, event.data)
        if actual != event.content_hash:
            result.faults.append(f"event {event.id} ({event.kind} {event.subject}) was changed after it was written")
        if event.position is None:
            result.unsealed += 1
            continue
        _check_link(result, event, expected)
    for position in sorted(expected):
        result.faults.append(f"the trail ends before position {position}, which was anchored")
    return result


def _check_link(result: Verification, event: SealedEvent, expected: dict[int, str]) -> None:
    position = result.sealed + 1
    if event.position != position:
        result.faults.append(f"position {position} is missing: the next event found is at {event.position}")
    result.sealed = event.position or position
    result.head = chain(result.head, result.sealed, event.content_hash)
    if result.head != event.chain_hash:
        result.faults.append(f"the chain breaks at position {result.sealed} (event {event.id})")
        result.head = event.chain_hash or GENESIS
    anchored = expected.pop(result.sealed, None)
    if anchored is not None and anchored != result.head:
        result.faults.append(f"position {result.sealed} differs from the head that was anchored")
