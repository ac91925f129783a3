"""Why one asset stands, or does not, at each place where it could: a line per derivative and place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from syncd.domain.placement import RemovalCause
from syncd.domain.step import Hold
from syncd.flow import places
from syncd.flow.converge import loading
from syncd.flow.converge.decision import Decision, Judge, Withheld, stop_before
from syncd.flow.converge.situation import PlaceFacts, Situation
from syncd.flow.renditions import intents
from syncd.flow.renditions.intents import Target
from syncd.flow.services import Services
from syncd.ledger.tables.core import listings, placements, work
from syncd.ledger.types import Row
from syncd.sdk.roles import Role

HELD, NOT_PLANNED, PLANNED = "held", "not planned", "planned"
NO_ACTION = "no action needed"
_STANDING = ("sent", "accepted", "live", "shown", "withdrawing")
_URGENT = frozenset(cause.value for cause in RemovalCause if cause.urgent)
_FOR_GOOD = frozenset({RemovalCause.SPEC_CHANGED.value, RemovalCause.PRODUCT_GONE.value, "rendition"})


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """One derivative at one place.

    `state` is the placement's (`gone`: taken down for good), or `planned`, `held` (a person or time can release it) or
    `not planned`. `at` is the instant that `why` speaks of where it stands; `next_at` when it is looked at next; `type`
    what a person types.
    """

    connection: str
    place: str
    market: str
    role: str
    spec: str
    slot: int
    state: str
    why: str
    at: datetime | None = None
    next_at: datetime | None = None
    type: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What time alone will change: an asset `leaves` a connection, or `may stand` there."""

    at: datetime
    asset: str
    connection: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps the whole asset from going anywhere: the words, and what to type."""

    why: str
    type: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An asset as this module needs it: `row` is its version that counts (of `subject.ROW`), `skus` what it shows.

    `unapproved` holds while nothing of it is approved, `unmatched` while no product is known for it.
    """

    row: Row
    skus: Sequence[str]
    unapproved: Obstacle | None = None
    unmatched: Obstacle | None = None


async def explain_places(services: Services, asset: Standing) -> tuple[list[PlaceShown], list[Change]]:
    """The lines of one asset, by connection, and what time will change, soonest first."""
    lines: list[PlaceShown] = []
    changes: list[Change] = []
    targets = intents.intend(asset.row, services.configuration.active)[0] if asset.row.facts else []
    for name, config in services.configuration.active.bundle.connections.items():
        if config.brand != asset.row.brand or set(config.roles) <= {"source"}:
            continue
        here = _Connection(services, asset, name, [target for target in targets if target.connection == name])
        await here.explain()
        lines += here.lines
        changes += here.changes
    return lines, sorted(changes, key=lambda change: change.at)


class _Connection:
    """The lines of one asset in one connection."""

    def __init__(self, services: Services, asset: Standing, name: str, targets: Sequence[Target]) -> None:
        self.services, self.asset, self.name, self.targets = services, asset, name, targets
        self.config = services.connections.config(name)
        self.lines: list[PlaceShown] = []
        self.changes: list[Change] = []
        self._looks: dict[str, datetime] = {}
        self._gone: dict[str, Row] = {}

    async def explain(self) -> None:
        keys = await self._places()
        await self._read_past(keys)
        facts = await loading.load(self.services, self.asset.row.brand, self.name, keys) if keys else None
        for key in keys:
            assert facts is not None
            self._place(facts, facts.places[key])
        if not self.lines:
            self.lines = [self._nowhere(target) for target in self.targets]

    async def _places(self) -> list[str]:
        """Where the asset stands or belongs."""
        row, roles = self.asset.row, {Role(role) for role in self.config.roles}
        found = [places.place(places.ARCHIVE, row.asset_id)] if Role.LIBRARY in roles else []
        if Role.CATALOG in roles:
            found += [places.place(places.LINK, sku) for sku in self.asset.skus]
        of = (row.brand, self.name)
        async with self.services.ledger.read() as reading:
            placed = await reading.execute(
                sa.select(placements.c.listing).where(
                    placements.c.asset_id == row.asset_id, placements.c.connection == self.name,
                    placements.c.state != "gone",
                )
            )  # fmt: skip
            known = await reading.execute(
                sa.select(listings.c.listing).where(
                    sa.tuple_(listings.c.brand, listings.c.connection) == of, listings.c.sku.in_(self.asset.skus)
                )
            )
            found += [*placed.scalars(), *known.scalars()]
        return sorted(set(found))

    async def _read_past(self, keys: Sequence[str]) -> None:
        """When these places are looked at next, and what of this asset was taken down."""
        gone = sa.and_(
            placements.c.asset_id == self.asset.row.asset_id,
            placements.c.connection == self.name,
            placements.c.state == "gone",
        )
        async with self.services.ledger.read() as reading:
            rows = await reading.execute(
                sa.select(work.c.key, work.c.due_at, work.c.not_before).where(
                    work.c.brand == self.asset.row.brand, work.c.lane == self.name, work.c.key.in_(keys)
                )
            )
            self._looks = {row.key: max(row.due_at, row.not_before or row.due_at) for row in rows if row.due_at}
            rows = await reading.execute(sa.select(placements).where(gone).order_by(placements.c.gone_at))
            self._gone = {row.key: row for row in rows}

    # --- a place -------------------------------------------------------------------------------------------------

    def _place(self, facts: Situation, place: PlaceFacts) -> None:
        decision = Judge(facts, self.config).decide(place, fresh=True)
        identifier = self.asset.row.asset_id
        keys = [key for key, (of, _) in decision.targets.items() if of.id == identifier]
        keys += [row.key for row in place.placements if row.asset_id == identifier and row.key not in keys]
        for key in dict.fromkeys(keys):
            self.lines.append(self._line(place, decision, key))
        self._note_change(facts, place)

    def _line(self, place: PlaceFacts, decision: Decision, key: str) -> PlaceShown:
        row = next((row for row in reversed(place.placements) if row.key == key), None)
        role, _, spec = key.partition(":")[2].partition(":")
        slot = row.slot if row is not None else 0
        blank = PlaceShown(
            self.name, places.name_of(place.place), place.market, role, spec, slot, "", "",
            next_at=self._looks.get(place.place),
        )  # fmt: skip
        if row is not None and row.state in _STANDING:
            return _standing(blank, place, decision, row)
        return self._absent(blank, place, decision, key, row)

    def _absent(
        self, blank: PlaceShown, place: PlaceFacts, decision: Decision, key: str, row: Row | None
    ) -> PlaceShown:
        withheld = next((each for each in decision.withheld if each.key == key), None)
        held = next((each for each in decision.step.held if each.key == key and each.placed is None), None)
        past = self._gone.get(key)
        if withheld and past is not None and withheld.cause in _URGENT:
            return _gone(blank, past, withheld.why)
        if withheld:
            return self._withheld(blank, withheld)
        if row is not None and row.state == "rejected":
            why, hint = f"{self.name} rejected it", f"syncd exceptions --connection {self.name}"
            return replace(blank, state="rejected", at=row.changed_at, why=why, type=hint)
        if not place.exists and place.place.startswith("listing:"):
            return replace(blank, state=NOT_PLANNED, why="the listing is not there", type=self._exceptions)
        if decision.blocked:
            return replace(blank, state=HELD, why=decision.blocked, type=self._unblock(decision.blocked))
        if held:
            why, hint = self._hold(held.why)
            return replace(blank, state=HELD, why=why, type=hint)
        why = "its rendition is being made" if key in decision.missing else "due now"
        return replace(blank, state=PLANNED, why=why, type=NO_ACTION)

    def _withheld(self, blank: PlaceShown, withheld: Withheld) -> PlaceShown:
        asset = self.asset.row.asset_id
        if withheld.cause == RemovalCause.PRODUCT_GONE.value:
            return replace(blank, state=NOT_PLANNED, why=withheld.why, type=NO_ACTION)
        state = NOT_PLANNED if withheld.cause in _FOR_GOOD else HELD
        file = "matrix" if state == NOT_PLANNED else "rights"
        return replace(blank, state=state, why=withheld.why, type=f"syncd case {asset} --file {file}")

    def _hold(self, why: Hold) -> tuple[str, str]:
        slots = f"widen media.slots in connectors/{self.name}.yaml, then syncd plan"
        return {
            Hold.NO_SLOT: ("no position is free", slots),
            Hold.UNCONFIRMED: ("sent, not read back yet", NO_ACTION),
            Hold.REFUSED: (f"{self.name} rejected these bytes", self._exceptions),
            Hold.SAME_PICTURE: ("the same picture stands there already", NO_ACTION),
        }.get(why, (why.value.replace("_", " "), "syncd plan"))

    @property
    def _exceptions(self) -> str:
        return f"syncd exceptions --connection {self.name}"

    def _unblock(self, blocked: str) -> str:
        if "paused" in blocked:
            return f"syncd resume {self.name}"
        if "clock" in blocked:
            return "syncd exceptions --kind clock"
        return "syncd plan" if "plan" in blocked else f"edit writes in connectors/{self.name}.yaml, then syncd reload"

    # --- no place ------------------------------------------------------------------------------------------------

    def _nowhere(self, target: Target) -> PlaceShown:
        """A derivative for which there is no place yet."""
        obstacle = self.asset.unapproved or self.asset.unmatched
        if target.refusal:
            asset = self.asset.row.asset_id
            obstacle, state = Obstacle(target.refusal, f"syncd case {asset} --file matrix"), NOT_PLANNED
        elif obstacle:
            state = HELD
        else:
            skus = " ".join(self.asset.skus)
            obstacle, state = Obstacle(f"no listing of {skus} is known", self._exceptions), NOT_PLANNED
        blank = PlaceShown(self.name, "", "", target.role, target.spec, 0, state, obstacle.why, type=obstacle.type)
        row = self._gone.get(f"{self.asset.row.asset_id}:{target.suffix}")
        return _gone(blank, row, obstacle.why) if row is not None and self.asset.row.withdrawn_at else blank

    # --- time ----------------------------------------------------------------------------------------------------

    def _note_change(self, facts: Situation, place: PlaceFacts) -> None:
        """What time changes for this asset alone."""
        asset = self.asset.row.asset_id
        mine = [row for row in place.placements if row.asset_id == asset]
        only = replace(place, assets=[each for each in place.assets if each == asset], placements=mine)
        alone = Judge(facts, self.config).decide(only, fresh=True)
        if alone.next_change is None:
            return
        held = {each.key for each in alone.withheld}
        if set(alone.targets) - held:
            lead = stop_before(facts.rulebook(place), self.name)
            why = f"{lead.total_seconds() / 3600:g} h before its right ends" if lead else "its right ends"
            self.changes.append(Change(alone.next_change, asset, self.name, "leaves", why))
        else:
            self.changes.append(Change(alone.next_change, asset, self.name, "may stand", "its right begins"))


def _standing(blank: PlaceShown, place: PlaceFacts, decision: Decision, row: Row) -> PlaceShown:
    """What was put up and did not go yet."""
    state = row.state
    leaving = next((each for each in _leaving(decision) if each[0] == row.id), None)
    overdue = next((each for each in decision.overdue if each.key == row.key), None)
    if overdue:
        why = f"legally overdue ({overdue.cause.replace('_', ' ')}), and {decision.blocked}"
        return replace(blank, state=state, at=place.observed_at, why=why, type="syncd plan")
    if state == "withdrawing":
        why = f"being taken down: {row.cause.replace('_', ' ')}"
        return replace(blank, state=state, at=row.removed_at, why=why, type=NO_ACTION)
    if state in ("live", "shown"):
        seen = max((at for at in (place.observed_at, row.live_at) if at), default=None)
        why = f"read back; {leaving[1]}" if leaving else "read back"
        return replace(blank, state=state, at=seen, why=why, type=leaving[2] if leaving else "")
    why = "sent, no answer yet" if state == "sent" else "accepted, not seen there yet"
    return replace(blank, state=state, at=row.changed_at, why=why, type=NO_ACTION)


def _gone(blank: PlaceShown, row: Row, why: str) -> PlaceShown:
    """What was taken down for good, and seen to be gone."""
    return replace(blank, state="gone", slot=0, at=row.gone_at, why=f"seen gone; {why}", type="", next_at=None)


def _leaving(decision: Decision) -> Iterator[tuple[str, str, str]]:
    """Placement, words and what to type, of all that is to leave."""
    why = {each.key: each.why for each in decision.withheld}
    for removal in decision.step.removes:
        because = why.get(removal.placed.key, removal.cause.value.replace("_", " "))
        yield removal.placed.id, f"leaves now: {because}", NO_ACTION
    for held in decision.step.held:
        if held.placed is not None:
            braked = held.why is Hold.BRAKE
            words = "would leave, held by the brake" if braked else f"leaves later: {held.why.value.replace('_', ' ')}"
            yield held.placed.id, words, "syncd plan" if braked else NO_ACTION
