"""From the decision about one place to the lines a person reads: what would be done there, and what is held and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from syncd.domain.placement import Placed, RemovalCause
from syncd.domain.plan import PlanAction, PlanLine
from syncd.domain.step import Add, Hold, Removal
from syncd.flow.converge.decision import Decision
from syncd.flow.converge.situation import AssetFacts, PlaceFacts

_HELD_WORDS = {
    Hold.NO_SLOT: "no position is free",
    Hold.UNCONFIRMED: "sent, not read back yet",
    Hold.REFUSED: "the system rejected these bytes",
    Hold.SAME_PICTURE: "the same picture stands there already",
    Hold.REPLACEMENT: "stays until the new version is seen",
    Hold.AT_LEAST: "too few media would remain",
    Hold.BRAKE: "inferred, beyond what is allowed in 24 hours",
}
UNCONFIRMED = Hold.UNCONFIRMED.value


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line of a plan and what helps to understand it.

    `sku` is the product ("" in a library); `rendition` what would be shown; `at` the instant a right ended; `name` the
    public name of what stands there now.
    """

    line: PlanLine
    brand: str
    sku: str = ""
    asset: str = ""
    title: str = ""
    rendition: str = ""
    inferred: bool = False
    at: datetime | None = None
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        """As a plan keeps it."""
        line = {**asdict(self.line), "action": self.line.action.value}
        rest = {name: getattr(self, name) for name in self.__slots__ if name not in ("line", "at")}
        return {**line, **rest, "at": self.at.isoformat() if self.at else None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PlannedLine:
        line = PlanLine(
            **{name: stored[name] for name in PlanLine.__slots__ if name != "action"},
            action=PlanAction(stored["action"]),
        )
        rest = {name: stored[name] for name in cls.__slots__ if name not in ("line", "at")}
        return cls(line, **rest, at=datetime.fromisoformat(stored["at"]) if stored["at"] else None)


class Lines:
    """Reads the lines off one decision."""

    def __init__(
        self, brand: str, connection: str, place: PlaceFacts, decision: Decision, assets: Mapping[str, AssetFacts]
    ) -> None:
        self.brand, self.connection, self.place, self.decision, self.assets = (
            brand, connection, place, decision, assets,
        )  # fmt: skip
        self.rows = {row.id: row for row in place.placements}
        self._because = {held.key: held.why for held in decision.withheld}

    def all(self) -> list[PlannedLine]:
        """Every line, in the order add, replace, remove, move, held."""
        step = self.decision.step
        replaced: set[str] = set()
        found = [self._addition(add, replaced) for add in step.adds]
        found += [self._removal(removal) for removal in step.removes if removal.placed.id not in replaced]
        found += [
            self._line(PlanAction.REMOVE, seen.external_id or seen.name, "duplicate", "a second copy of ours",
                       before=f"position {seen.position}")
            for seen in step.duplicates
        ]  # fmt: skip
        found += list(self._moves())
        written = {line.line.key for line in found}
        found += list(self._held(replaced, written))
        return found

    # --- writes ----------------------------------------------------------------------------------------------------

    def _addition(self, add: Add, replaced: set[str]) -> PlannedLine:
        wanted = add.desired
        old = next(self._older(wanted.key), None)
        asset, target = self.decision.targets[wanted.key]
        if old:
            replaced.add(old.id)
        return self._line(
            PlanAction.REPLACE if old else PlanAction.ADD, wanted.key, "", f"{target.entry} ({target.location})"
            if target.location else "", before=_named(old) if old else "",
            after=f"v{wanted.version} {wanted.fingerprint[:12]}", asset=asset, rendition=wanted.fingerprint,
            name=self.rows[old.id].name if old and old.id in self.rows else "",
        )  # fmt: skip

    def _older(self, key: str) -> Iterator[Placed]:
        """What stands of this key and makes way for the new version."""
        step = self.decision.step
        yield from (r.placed for r in step.removes if r.placed.key == key and r.cause is RemovalCause.SUPERSEDED)
        yield from (h.placed for h in step.held if h.key == key and h.placed and h.why is Hold.REPLACEMENT)

    def _removal(self, removal: Removal) -> PlannedLine:
        placed, cause = removal.placed, removal.cause
        row = self.rows.get(placed.id)
        asset = self.assets.get(row.asset_id) if row is not None else None
        return self._line(
            PlanAction.REMOVE, placed.key, cause.value, self._because.get(placed.key, cause.value.replace("_", " ")),
            before=_named(placed), asset=asset, inferred=removal.counted, at=ended_at(asset, cause) if asset else None,
            name=row.name if row is not None else "",
        )  # fmt: skip

    def _moves(self) -> Iterator[PlannedLine]:
        positions = {id(entry): number for number, entry in enumerate(self.decision.step.gallery, start=1)}
        for entry in self.decision.step.moves:
            key = entry.desired.key if entry.desired else entry.placed.key if entry.placed else ""
            was = entry.seen.position if entry.seen else 0
            yield self._line(
                PlanAction.MOVE, key, "", "", before=f"position {was}", after=f"position {positions[id(entry)]}"
            )

    # --- held ------------------------------------------------------------------------------------------------------

    def _held(self, replaced: set[str], written: set[str]) -> Iterator[PlannedLine]:
        told = set(written)
        for held in self.decision.step.held:
            if held.placed is not None and held.placed.id in replaced:
                continue
            told.add(held.key)
            before = _named(held.placed) if held.placed else ""
            yield self._line(PlanAction.HELD, held.key, held.why.value, _HELD_WORDS[held.why], before=before)
        for withheld in self.decision.withheld:
            if withheld.key not in told:
                yield self._line(PlanAction.HELD, withheld.key, withheld.cause, withheld.why)

    # --- both ------------------------------------------------------------------------------------------------------

    def _line(
        self, action: PlanAction, key: str, cause: str, why: str, *, before: str = "", after: str = "",
        asset: AssetFacts | None = None, **more: Any,
    ) -> PlannedLine:  # fmt: skip
        if asset is None and key in self.decision.targets:
            asset = self.decision.targets[key][0]
        line = PlanLine(self.connection, self.place.place, action, key, cause, why, before, after)
        identifier, title = (asset.id, asset.title) if asset else ("", "")
        return PlannedLine(line, self.brand, self.place.sku, identifier, title, **more)


def _named(placed: Placed) -> str:
    return f"v{placed.version} {placed.fingerprint[:12]}"


def ended_at(asset: AssetFacts, cause: RemovalCause) -> datetime | None:
    """The instant a right ended, where a right is the cause."""
    instants = {
        RemovalCause.GRANT_ENDED: [grant.ends for grant in asset.grants],
        RemovalCause.GRANT_REVOKED: [grant.revoked_at for grant in asset.grants],
        RemovalCause.CONSENT_ENDED: [consent.ends for consent in asset.consents],
        RemovalCause.CONSENT_WITHDRAWN: [consent.withdrawn_at for consent in asset.consents],
    }.get(cause, [])
    return max((instant for instant in instants if instant), default=None)


def held_instead(planned: PlannedLine, cause: str, why: str) -> PlannedLine:
    """The line of something that would be written if `cause` did not forbid it."""
    line = planned.line
    held = PlanLine(line.connection, line.listing, PlanAction.HELD, line.key, cause, why, line.before, line.after)
    return PlannedLine(held, planned.brand, planned.sku, planned.asset, planned.title, name=planned.name)
