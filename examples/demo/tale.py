"""What happened, as the report tells it: plain facts gathered from the API, the feed, the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Delivered:
    """A file as it was submitted, and what became of it; `tone` is good, wait or bad."""

    file: str
    by: str
    way: str
    outcome: str
    tone: str
    picture: str


@dataclass(frozen=True)
class Refused:
    """A file that goes no further, by a check or by its content."""

    file: str
    why: str
    rule: str
    measured: str
    limit: str
    creator_reads: str
    picture: str


@dataclass(frozen=True)
class Decided:
    """A person's word on a version."""

    file: str
    version: int
    person: str
    verdict: str
    reason: str
    picture: str


@dataclass(frozen=True)
class Matched:
    """Which product a file shows, and the rule that says so."""

    file: str
    sku: str
    product: str
    rule: str
    location: str
    picture: str


@dataclass(frozen=True)
class Made:
    """A rendition as a shopper gets it; `size` in bytes."""

    file: str
    spec: str
    width: int
    height: int
    size: int
    media_type: str
    picture: str


@dataclass(frozen=True)
class Slot:
    """One medium in a product's gallery, in the order of the feed."""

    number: int
    whose: str
    caption: str
    url: str
    picture: str


@dataclass(frozen=True)
class Gallery:
    """A product as the shop's feed shows it at the end."""

    sku: str
    product: str
    slots: tuple[Slot, ...]
    library: tuple[str, ...]
    links: tuple[str, ...]


@dataclass(frozen=True)
class Replacement:
    """A new version in place of an old one."""

    file: str
    old_picture: str
    new_picture: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Takedown:
    """Content whose right ended: where it stood, and what showed that it is gone there."""

    file: str
    picture: str
    document: str
    until: datetime
    steps: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Waiting:
    """Something that needs a person."""

    file: str
    reason: str
    remedy: str
    owner: str
    choices: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class Check:
    """One thing that had to happen, and what showed that it did or did not."""

    what: str
    held: bool
    evidence: str


@dataclass
class Tale:
    """The whole story."""

    began: datetime
    took: float = 0.0
    delivered: list[Delivered] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    matched: list[Matched] = field(default_factory=list)
    plan: str = ""
    made: list[Made] = field(default_factory=list)
    galleries: list[Gallery] = field(default_factory=list)
    replacement: Replacement | None = None
    takedown: Takedown | None = None
    waiting: list[Waiting] = field(default_factory=list)
    untouched: list[tuple[str, str, str]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    failure: str = ""

    def check(self, what: str, held: bool, evidence: str = "") -> bool:
        """Note whether something that had to happen did."""
        self.checks.append(Check(what, held, evidence))
        return held

    @property
    def told(self) -> bool:
        """Whether all of it happened."""
        return not self.failure and bool(self.checks) and all(check.held for check in self.checks)
