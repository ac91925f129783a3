"""The facts about a batch of places of one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.config.models.connection import Connection
from syncd.domain.product import ProductRecord
from syncd.domain.rights import ConsentFact, GrantFact
from syncd.engine.operations import OpenItem
from syncd.flow.renditions.intents import Target
from syncd.flow.standing import Standing
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook

PRESENT = ("sent", "accepted", "live", "shown", "withdrawing")


@dataclass(slots=True)
class AssetFacts:
    """An asset as far as places care: its newest approved version, if there is one, and its rights."""

    id: str
    withdrawn_because: str
    withdrawn: bool
    people_shown: bool
    status: str = ""
    version_id: str = ""
    number: int = 0
    sha256: str = ""
    approved_at: datetime | None = None
    title: str = ""
    grants: Sequence[GrantFact] = ()
    consents: Sequence[ConsentFact] = ()
    targets: Sequence[Target] = ()


@dataclass(slots=True)
class PlaceFacts:
    """One place: what was observed there, what we placed, which assets belong there."""

    place: str
    sku: str = ""
    market: str = ""
    exists: bool = True
    observed_at: datetime | None = None
    seen: list[dict[str, str]] = field(default_factory=list)
    revision: str = ""
    released: bool = False
    pinned: bool = False
    assets: list[str] = field(default_factory=list)
    placements: list[Row] = field(default_factory=list)
    product_facts: Mapping[str, Any] | None = None
    product_gone: bool = False

    @property
    def product(self) -> ProductRecord | None:
        """The product that stands here, as the catalogue tells it; most places are looked at without asking."""
        return None if self.product_facts is None else ProductRecord.model_validate(self.product_facts)

    def may_write(self, standing: Standing, config: Connection) -> bool:
        """Whether a part of a plan that names this place was applied, while its connection still waits."""
        return self.pinned and config.writes == "ask" and not standing.restored


@dataclass(slots=True)
class Situation:
    """Everything a decision about these places rests on.

    `brake_left` is None while nobody counted it: what it would hold back shows as held, and then it is asked for.
    `library_urls` is where the brand's library holds each version; None where the brand has no library that is written
    to, or for places that are not products.
    """

    brand: str
    connection: str
    now: datetime
    standing: Standing
    rulebooks: dict[str, Rulebook]
    places: dict[str, PlaceFacts]
    assets: dict[str, AssetFacts]
    made: dict[str, Row]
    names: dict[str, str]
    open_items: Mapping[str, OpenItem]
    brake_left: int | None
    library_urls: Mapping[str, str] | None
    fresh_intents: dict[str, dict[str, list[Target]]]
    clock_stepped: bool

    def rulebook(self, place: PlaceFacts) -> Rulebook:
        """The revision a place follows."""
        return self.rulebooks[place.revision]
