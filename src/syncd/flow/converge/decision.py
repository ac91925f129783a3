"""What should happen at one place: from the facts to what is desired, why the rest is not, and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from syncd.config.models.connection import Connection
from syncd.config.scalars import matches as glob_matches
from syncd.domain.gallery import reconcile
from syncd.domain.placement import Desired, Placed, PlacementState, RemovalCause, Seen
from syncd.domain.rights import Answer, Placing, answer
from syncd.domain.step import UNBOUNDED, Slots, Step
from syncd.flow.converge.situation import AssetFacts, PlaceFacts, Situation
from syncd.flow.places import PUBLISH, kind_of
from syncd.flow.renditions.intents import MASTER, Target
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook

_PRESENT = frozenset({PlacementState.SENT, PlacementState.ACCEPTED, PlacementState.LIVE, PlacementState.SHOWN})
_STATES = {state.value: state for state in PlacementState}
_NO_LEAD = timedelta()


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why a derivative does not stand (any more) at a place: a stable cause, its words, what to type."""

    key: str
    asset: str
    cause: str
    why: str


@dataclass(slots=True)
class Decision:
    """The next step of a place and everything needed to explain it.

    `missing` are renditions to be made first, by key. `next_change` is the next instant at which time alone changes
    the answer. `blocked` says why nothing may be written at all; `overdue` are urgent removals it keeps waiting.
    `verified` holds, for placements no longer in the listing, what showed that their media is gone as well.
    """

    place: str
    step: Step
    desired: dict[str, Desired]
    targets: dict[str, tuple[AssetFacts, Target]]
    withheld: list[Withheld] = field(default_factory=list)
    missing: dict[str, tuple[AssetFacts, Target]] = field(default_factory=dict)
    next_change: datetime | None = None
    blocked: str = ""
    overdue: list[Withheld] = field(default_factory=list)
    verified: dict[str, str] = field(default_factory=dict)


class Judge:
    """Decides the places of one connection."""

    def __init__(self, situation: Situation, config: Connection, *, planning: bool = False) -> None:
        """
        Args:
            planning: say what would be done if writing were allowed and every rendition made.
        """
        self.situation, self.config, self.planning = situation, config, planning
        self.brake_left = situation.brake_left or 0
        self._leads: dict[str, timedelta] = {}
        self._placings: dict[tuple[str, str], Placing] = {}
        self._answers: dict[tuple[object, ...], Answer] = {}

    def decide(self, place: PlaceFacts, *, fresh: bool) -> Decision:
        """Decide one place.

        Args:
            fresh: the observation is recent enough to remove something on its word.
        """
        rulebook = self.situation.rulebook(place)
        draft = _Draft(self, place, rulebook)
        draft.consider()
        placed = [_placed(row, place.awaited) for row in place.placements]
        seen = self._seen(place)
        slots = _slots(self.config, place)
        allows = UNBOUNDED if place.released or self.planning else self.brake_left
        desired, causes = list(draft.desired.values()), draft.causes
        step = reconcile(desired, placed, seen, slots, causes, allows, fresh or self.planning)
        if kind_of(place.place) != PUBLISH:  # a library's and a catalogue's media stand in no order of ours
            step = replace(step, moves=(), write_needed=bool(step.adds or step.duplicates or _unasked(step)))
        decision = Decision(
            place.place, step, draft.desired, draft.targets, draft.withheld, draft.missing, draft.next_change
        )
        if not self.planning:
            self._restrict(decision, place, placed, seen, slots, causes, fresh)
            self.brake_left -= 0 if place.released else decision.step.brake_used
        return decision

    def _restrict(
        self,
        decision: Decision,
        place: PlaceFacts,
        placed: list[Placed],
        seen: list[Seen],
        slots: Slots,
        causes: Mapping[str, RemovalCause],
        fresh: bool,
    ) -> None:
        """Leave of a step only what this connection may do now."""
        standing, config = self.situation.standing, self.config
        if not (standing.may_write(config) or place.may_write(standing, config)):
            decision.blocked = "writes are off" if config.writes == "off" else "its first plan was not applied"
            decision.overdue = [
                Withheld(r.placed.key, "", r.cause.value, "legally overdue")
                for r in decision.step.removes
                if r.cause.urgent
            ]
            decision.step = replace(decision.step, adds=(), removes=(), moves=(), duplicates=(), write_needed=False)
        elif standing.paused or self.situation.clock_stepped:
            decision.blocked = f"{standing.paused} paused" if standing.paused else "the clock jumped"
            kept = self._kept_while_paused(placed, causes, standing.takedowns_pass and standing.paused == "writes")
            decision.step = reconcile(kept, placed, seen, slots, causes, 0, fresh)

    def _kept_while_paused(
        self, placed: list[Placed], causes: Mapping[str, RemovalCause], takedowns_pass: bool
    ) -> list[Desired]:
        """Everything that stands stays, except what must go (and what may go, where takedowns pass)."""
        kept = []
        for one in placed:
            cause = causes.get(one.key)
            leaves = cause is not None and (cause.urgent or takedowns_pass)
            if one.state in _PRESENT and not leaves:
                kept.append(Desired(one.key, "", one.version, one.fingerprint, "", (0,)))
        return kept

    def rights(self, asset: AssetFacts, place: PlaceFacts, rulebook: Rulebook, *, internal: bool) -> Answer:
        """Whether an asset may stand at a place now; assets with the same grants and consents have one answer."""
        revision, market = rulebook.bundle.revision, "" if internal else place.market
        key = (
            revision, market, internal, asset.people_shown,
            *(grant.id for grant in asset.grants), "", *(consent.id for consent in asset.consents),
        )  # fmt: skip
        found = self._answers.get(key)
        if found is None:
            name = self.situation.connection
            placing = Placing(name) if internal else self._placing(rulebook, market)
            lead = _NO_LEAD if internal else self._lead(rulebook)
            found = self._answers[key] = answer(
                asset.grants, asset.consents, (), asset.people_shown, placing, self.situation.now, lead
            )
        return found

    def _lead(self, rulebook: Rulebook) -> timedelta:
        revision = rulebook.bundle.revision
        if revision not in self._leads:
            self._leads[revision] = stop_before(rulebook, self.situation.connection)
        return self._leads[revision]

    def _placing(self, rulebook: Rulebook, market: str) -> Placing:
        key = rulebook.bundle.revision, market
        if key not in self._placings:
            name, media = self.situation.connection, self.config.media
            markets = [m for m in rulebook.bundle.markets_of(name) if market in ("", m.name)]
            self._placings[key] = Placing(name, frozenset(m.territory for m in markets), media.medium, media.use)
        return self._placings[key]

    def _seen(self, place: PlaceFacts) -> list[Seen]:
        return [
            Seen(item["external_id"], self._ours(place, item), position, "state" not in item)
            for position, item in enumerate(place.seen, start=1)
        ]

    def _ours(self, place: PlaceFacts, item: Mapping[str, str]) -> str:
        return self.situation.ours(place, item)


class _Draft:
    """What one place should hold, asset by asset."""

    def __init__(self, judge: Judge, place: PlaceFacts, rulebook: Rulebook) -> None:
        self.judge, self.place, self.rulebook = judge, place, rulebook
        self.desired: dict[str, Desired] = {}
        self.targets: dict[str, tuple[AssetFacts, Target]] = {}
        self.causes: dict[str, RemovalCause] = {}
        self.withheld: list[Withheld] = []
        self.missing: dict[str, tuple[AssetFacts, Target]] = {}
        self.next_change: datetime | None = None
        self._standing = {row.key: row for row in place.placements if row.state in _PRESENT}

    def consider(self) -> None:
        situation = self.judge.situation
        for identifier in self.place.assets:
            asset = situation.assets.get(identifier)
            if asset is not None:
                self._asset(asset)
        for row in self.place.placements:
            if row.key not in self.desired and row.key not in self.causes:
                self.causes[row.key] = self._cause_of(row)

    def _asset(self, asset: AssetFacts) -> None:
        if asset.withdrawn or not asset.version_id:
            return
        for target in asset.targets:
            key = f"{asset.id}:{target.suffix}"
            if key in self.targets:
                continue
            self.targets[key] = (asset, target)
            if not self._refused(key, asset, target):
                self._want(key, asset, target)

    def _refused(self, key: str, asset: AssetFacts, target: Target) -> bool:
        """Whether rights, product or spec keep it from standing here."""
        found = self._rights(asset, target)
        if found is not None:
            self._withhold(key, asset, RemovalCause(found[0]), found[1])
        elif self.place.product_gone:
            self._withhold(key, asset, RemovalCause.PRODUCT_GONE, f"{self.place.sku} is not an active product")
        elif target.refusal:
            self._withhold(key, asset, RemovalCause.SPEC_CHANGED, target.refusal)
        else:
            return False
        return True

    def _rights(self, asset: AssetFacts, target: Target) -> tuple[str, str] | None:
        found = self.judge.rights(asset, self.place, self.rulebook, internal=target.role == MASTER)
        if found.next_change and (self.next_change is None or found.next_change < self.next_change):
            self.next_change = found.next_change
        return None if found.allowed else (RemovalCause.of_rights(found.cause).value, found.clause)

    def _withhold(self, key: str, asset: AssetFacts, cause: RemovalCause, why: str) -> None:
        self.causes[key] = cause
        self.withheld.append(Withheld(key, asset.id, cause.value, why))

    def _want(self, key: str, asset: AssetFacts, target: Target) -> None:
        made = self.judge.situation.made.get(target.rendition)
        approved = asset.approved_at.timestamp() if asset.approved_at else 0.0
        wanted = Desired(key, asset.id, asset.number, target.rendition, target.role, (-approved, asset.id))
        ready = made is not None and made.sha256 and not self._waits_for_library(asset)
        if self.judge.planning or ready:
            self.desired[key] = wanted
            return
        if self._waits_for_library(asset):
            self.withheld.append(Withheld(key, asset.id, "library", "the library does not hold it yet"))
        elif made is not None and made.reason:
            self.withheld.append(Withheld(key, asset.id, "rendition", made.reason))
        else:
            self.missing[key] = (asset, target)
        if row := self._standing.get(key):  # what stands stays until the new one is there
            self.desired[key] = wanted._replace(version=row.version_number, fingerprint=row.fingerprint)

    def _waits_for_library(self, asset: AssetFacts) -> bool:
        urls = self.judge.situation.library_urls
        return self.place.place.startswith("product:") and urls is not None and asset.version_id not in urls

    def _cause_of(self, row: Row) -> RemovalCause:
        asset = self.judge.situation.assets.get(row.asset_id)
        if asset is None:
            return RemovalCause.UNEXPLAINED
        if asset.withdrawn:
            return RemovalCause.WITHDRAWN
        if not asset.version_id:
            return RemovalCause.REJECTED
        if row.asset_id not in self.place.assets:
            return RemovalCause.UNMATCHED
        return RemovalCause.MAPPING_CHANGED


def _unasked(step: Step) -> bool:
    return any(not removal.placed.awaited for removal in step.removes)


def _placed(row: Row, awaited: frozenset[str]) -> Placed:
    return Placed(
        row.id,
        row.key,
        row.version_number,
        row.fingerprint,
        _STATES[row.state],
        row.external_id,
        RemovalCause(row.cause) if row.cause else None,
        row.id in awaited,
    )


def _slots(config: Connection, place: PlaceFacts) -> Slots:
    if not place.place.startswith("listing:"):
        return Slots()
    declared = config.media.slots
    if declared is None:
        return Slots(at_least=config.media.at_least)
    return Slots(declared.first, declared.last, config.media.at_least)


def stop_before(rulebook: Rulebook, connection: str) -> timedelta:
    """How long before a right ends content leaves this connection."""
    for glob, lead in rulebook.bundle.rights.stop_before.items():
        if glob_matches(glob, connection):
            return lead
    return _NO_LEAD
