"""The shape of an explanation: what is said of a product, of an asset, and of each thing it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncd.flow.show.derivatives import Change, PlaceShown


@dataclass(frozen=True, slots=True)
class MatchShown:
    """Which product, by which rule; `explanation` has a line per rule."""

    sku: str
    status: str
    rule: str
    location: str
    product_version: str
    explanation: list[str]


@dataclass(frozen=True, slots=True)
class Said:
    """One person's word on the version."""

    by: str
    name: str
    at: datetime
    verdict: str
    reason: str
    comment: str
    imported_from: str


@dataclass(frozen=True, slots=True)
class Right:
    """A grant; empty lists are without limit, `ends` None has no end."""

    id: str
    basis: str
    document: str
    territory: list[str]
    medium: list[str]
    use: list[str]
    channels: list[str]
    starts: datetime
    ends: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentShown:
    """The consent of somebody who is shown."""

    id: str
    starts: datetime
    ends: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingShown:
    """What a check measured against a spec's limit; `dated` is the day the spec was read."""

    connection: str
    spec: str
    rule: str
    measured: str
    limit: str
    message: str
    severity: str
    dated: str


@dataclass(frozen=True, slots=True)
class ExceptionShown:
    """What waits for a person."""

    id: str
    kind: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class AssetShown:
    """One asset: its current version, and where that or the approved one before it stands."""

    id: str
    brand: str
    version_id: str
    number: int
    shown_number: int
    status: str
    file_name: str
    kind: str
    title: str
    creator: str
    owner: str
    withdrawn_because: str
    zone: str
    waiting_for: list[str]
    matches: list[MatchShown]
    said: list[Said]
    rights: list[Right]
    consents: list[ConsentShown]
    findings: list[FindingShown]
    exceptions: list[ExceptionShown]
    places: list[PlaceShown]
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class ProductShown:
    """The product as the catalogue last told it."""

    sku: str
    title: str
    status: str
    version: str
    connection: str
    observed_at: datetime
    absent_since: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """The answer. `counts`: lines per state; `more`: assets of the product that are left out; `next_changes`: what
    time alone changes first, all of one instant.
    """

    asked: str
    now: datetime
    products: list[ProductShown]
    counts: dict[str, int]
    assets: list[AssetShown]
    more: int
    next_changes: list[Change]
