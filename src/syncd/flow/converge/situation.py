"""The facts about a batch of places of one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from syncd.config.models.connection import Connection
from syncd.domain.product import ProductRecord
from syncd.domain.rights import ConsentFact, GrantFact
from syncd.engine.operations import OpenItem
from syncd.flow.renditions.intents import Target
from syncd.flow.standing import Standing
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook

PRESENT = ("sent", "accepted", "live", "shown", "withdrawing")
_PUT = ("sent", "accepted", "live", "shown", "rejected", "withdrawing")
"""States of what a call put somewhere; what is to come before what is to go."""


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
    """One place: what was observed there, what we placed, which assets belong there.

    `refused` says of placements, by id, in what words the system will not show what it holds of them. `awaited` are
    those whose removal it took, and which it may show for a while yet.
    """

    place: str
    sku: str = ""
    market: str = ""
    exists: bool = True
    observed_at: datetime | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()
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

    @property
    def stale(self) -> bool:
        """Something changed there since it was observed, or it never was; what nothing of ours stands in can wait."""
        return self.observed_at is None and bool(self.placements)

    def may_write(self, standing: Standing, config: Connection) -> bool:
        """Whether a part of a plan that names this place was applied, while its connection still waits."""
        return self.pinned and config.writes == "ask" and not standing.restored


class Lane(NamedTuple):
    """Whose account it is about."""

    brand: str
    connection: str


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

    @property
    def lane(self) -> Lane:
        return Lane(self.brand, self.connection)

    def ours(self, place: PlaceFacts, item: Mapping[str, Any]) -> str:
        """The rendition an observed item is, if ours: known by public name, by placement, in a DAM by its bytes."""
        made = self.made
        if item["name"]:
            found = self.names.get(item["name"], "")
            expected = made[found].sha256 if found in made else ""
            return found if not item["fetched"] or not expected or item["fetched"] == expected else ""
        for row in place.placements:
            held = made.get(row.fingerprint)
            same_bytes = held is not None and held.sha256 == item["fetched"] and place.place.startswith("asset:")
            if same_bytes or row.id == item["external_id"]:
                return str(row.fingerprint)
        return self._put_there(place, item)

    def _put_there(self, place: PlaceFacts, item: Mapping[str, Any]) -> str:
        """The rendition that was put where an item is that the system has named only since, and nobody has seen yet."""
        if not item.get("placed_as") or any(row.external_id == item["external_id"] for row in place.placements):
            return ""
        put = [row for row in place.placements if row.external_id == item["placed_as"] and row.state in _PUT]
        return str(min(put, key=lambda row: _PUT.index(row.state)).fingerprint) if put else ""

    def recognised(self, place: PlaceFacts, told: str) -> list[tuple[Row, Mapping[str, Any]]]:
        """Our placements that were seen at a place, each with the item it was seen as, where the item tells `told`."""
        items = [item for item in place.seen if told in item]
        return [(row, item) for item in items if (row := self._row_of(place, item)) is not None]

    def _row_of(self, place: PlaceFacts, item: Mapping[str, Any]) -> Row | None:
        fingerprint, known = self.ours(place, item), item["external_id"]
        for row in place.placements:
            same = row.fingerprint == fingerprint if fingerprint else bool(known) and row.external_id == known
            if same and row.state != "gone":
                return row
        return None

    def rulebook(self, place: PlaceFacts) -> Rulebook:
        """The revision a place follows."""
        return self.rulebooks[place.revision]
