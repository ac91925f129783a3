"""Carrying a plan out: exactly what a person read, or nothing where the world moved on since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from syncd.domain.plan import Difference, PlanAction, drift
from syncd.engine.work import touch
from syncd.errors import ConflictError, NotFoundError, RejectedError
from syncd.flow import places
from syncd.flow.plan.activate import make_active
from syncd.flow.plan.lines import UNCONFIRMED, PlannedLine
from syncd.flow.plan.planning import lines_of, standing_in, work_out
from syncd.flow.plan.plans import changed_files, read_plan
from syncd.flow.services import Services
from syncd.flow.standing import set_standing
from syncd.ledger.store import Transaction
from syncd.ledger.tables import Plan
from syncd.ledger.tables.core import listings, plans
from syncd.mapping.rulebook import Rulebook

_TOLD = 20
_PER_PLACE = ("mappings/matrix.yaml", "mappings/specs.yaml")
"""Files that a single place can follow in another revision; all others hold for everything at once."""


class PlanDrift(ConflictError):
    """Run `syncd plan` again and read it: the world moved on since this plan was made. Nothing was written."""

    code = "plan.drift"


class NotSeparable(ConflictError):
    """Apply the whole plan, or try the change with `writes: ask` on every connection."""

    code = "plan.not-separable"


class NothingToApply(RejectedError):
    """`syncd plan` shows what each connection would write, and why the rest is held."""

    code = "plan.nothing-selected"


@dataclass(frozen=True, slots=True)
class Only:
    """A part of a plan: what satisfies all that is given. `listing` is the system's own name of it."""

    connection: str = ""
    sku: str = ""
    listing: str = ""

    def covers(self, planned: PlannedLine) -> bool:
        """Whether a line is in this part."""
        line = planned.line
        return (
            self.connection in ("", line.connection)
            and self.sku in ("", planned.sku)
            and self.listing in ("", line.listing, places.name_of(line.listing))
        )

    @property
    def whole(self) -> bool:
        """Whether it takes whole connections."""
        return bool(self.connection) and not (self.sku or self.listing)


async def apply_plan(services: Services, identifier: str, only: Sequence[Only], principal: str) -> Plan:
    """Carry a plan out, wholly or in part. A plan that was applied stays as it is.

    Args:
        only: the parts to carry out; none for everything.

    Raises:
        NotFoundError: no such plan. PlanDrift: another plan would be made now. NotSeparable: the rest could not be
            kept from following. NothingToApply: the parts hold nothing that would be written.
    """
    plan = await read_plan(services, identifier)
    if plan.applied_at is not None:
        return plan
    rulebook = await services.configuration.rulebook(plan.revision)
    planned = [PlannedLine.from_json(line) for line in plan.body["lines"]]
    await _require_same(services, rulebook, identifier, planned)
    applying = _Application(services, plan, rulebook, planned, principal)
    await (applying.part(only) if only else applying.all())
    return await read_plan(services, identifier)


# --- drift ----------------------------------------------------------------------------------------------------------


async def _require_same(
    services: Services, rulebook: Rulebook, identifier: str, planned: Sequence[PlannedLine]
) -> None:
    found = await work_out(services, rulebook)
    standing = standing_in(found)
    differences = [
        each
        for each in drift((one.line for one in planned), (one.line for one in lines_of(found)))
        if is_drift(each, standing)
    ]
    if differences:
        told = [
            f"{each.connection} {places.name_of(each.listing)} {each.key}: {each.words}" for each in differences[:_TOLD]
        ]
        more = f" and {len(differences) - _TOLD:,} more" if len(differences) > _TOLD else ""
        raise PlanDrift(
            f"Plan {identifier} would do something else now: {'; '.join(told)}{more}.", differences=told,
            count=len(differences),
        )  # fmt: skip


def is_drift(difference: Difference, standing: Mapping[str, Set[tuple[str, str]]]) -> bool:
    """Whether something else would be written than was planned; what was carried out since is not.

    Args:
        standing: by connection, what stands as it should: (listing, key).
    """
    return _matters(difference) and not _is_done(difference, standing)


def _matters(difference: Difference) -> bool:
    """Whether something else would be written; why something is held may change."""
    return any(line.action is not PlanAction.HELD for line in (*difference.planned, *difference.now))


def _is_done(difference: Difference, standing: Mapping[str, Set[tuple[str, str]]]) -> bool:
    """Whether what was planned has been carried out since: sent or standing, or gone."""
    if any(line.action is not PlanAction.HELD for line in difference.now):
        return False
    stands = (difference.listing, difference.key) in standing.get(difference.connection, set())
    actions = {line.action for line in difference.planned}
    if actions <= {PlanAction.REMOVE}:
        return not difference.now and not stands
    if actions <= {PlanAction.ADD, PlanAction.REPLACE, PlanAction.MOVE}:
        return stands or {line.cause for line in difference.now} == {UNCONFIRMED}
    return False


# --- carrying out ---------------------------------------------------------------------------------------------------


class _Application:
    """One plan being applied."""

    def __init__(
        self, services: Services, plan: Plan, rulebook: Rulebook, planned: Sequence[PlannedLine], principal: str
    ) -> None:
        self.services, self.plan, self.rulebook = services, plan, rulebook
        self.planned = planned
        self.writes = [one for one in planned if one.line.action is not PlanAction.HELD]
        self.principal = principal
        self.known = {each["name"]: each for each in plan.body["connections"]}

    async def all(self) -> None:
        """Activate the revision, let every connection of the plan follow it, and make what it changes due."""
        await make_active(self.services, self.rulebook, self.principal)
        async with self.services.ledger.write() as transaction:
            for name in self.known:
                await self._follow(transaction, name)
            await self._release(transaction, [one for one in self.writes if one.inferred])
            await self._touch(transaction, self.planned)
            await self._mark(transaction, [], whole=True)

    async def part(self, only: Sequence[Only]) -> None:
        """Let only these connections or places follow the revision, whatever else the plan says."""
        chosen = [one for one in self.writes if any(part.covers(one) for part in only)]
        whole = sorted({part.connection for part in only if part.whole})
        self._require_known(only, chosen, whole)
        self._require_own_revision({*whole, *(one.line.connection for one in chosen)})
        if await self._needs_activation():
            self._require_alone(chosen)
            await make_active(self.services, self.rulebook, self.principal)
        async with self.services.ledger.write() as transaction:
            for name in whole:
                await self._follow(transaction, name)
            await self._pin(transaction, [one for one in chosen if one.line.connection not in whole])
            await self._release(transaction, [one for one in chosen if one.inferred])
            await self._touch(transaction, chosen)
            await self._mark(transaction, only, whole=False)

    def _require_known(self, only: Sequence[Only], chosen: Sequence[PlannedLine], whole: Sequence[str]) -> None:
        for name in {part.connection for part in only if part.connection} - self.known.keys():
            raise NotFoundError(f"Plan {self.plan.id} has no connection {name}.", known=sorted(self.known))
        if not chosen and not whole:
            held = [one.line.why for one in self.planned if any(part.covers(one) for part in only)]
            because = f": {'; '.join(dict.fromkeys(held))}" if held else ""
            raise NothingToApply(f"Plan {self.plan.id} writes nothing there{because}.")

    def _require_own_revision(self, names: Set[str]) -> None:
        """Only with `writes: ask` can a connection follow another revision than the active one."""
        on = sorted(name for name in names if self.known[name]["writes"] == "on")
        if on and self.plan.revision != self.services.configuration.active.bundle.revision:
            raise NotSeparable(f"{', '.join(on)} follow the active revision (`writes: on`).", connections=on)

    # --- what the rest would follow ------------------------------------------------------------------------------

    async def _needs_activation(self) -> bool:
        """Whether the part cannot be carried out while another revision is active."""
        before, after = self.services.configuration.active.bundle, self.rulebook.bundle
        if before.revision == after.revision:
            return False
        changed = changed_files(before.files, after.files)
        return any(path not in _PER_PLACE and not path.endswith(".cases.yaml") for path in changed)

    def _require_alone(self, chosen: Sequence[PlannedLine]) -> None:
        """Activating must not make anything else follow."""
        lines = {one.line for one in chosen}
        others = sorted({one.line.connection for one in self.writes if one.line not in lines})
        if others:
            files = changed_files(self.services.configuration.active.bundle.files, self.rulebook.bundle.files)
            shared = sorted(path for path in files if path not in _PER_PLACE)
            raise NotSeparable(
                f"{', '.join(shared)} hold for everything at once: {', '.join(others)} would follow as well.",
                files=shared, connections=others,
            )  # fmt: skip

    # --- writing -------------------------------------------------------------------------------------------------

    async def _follow(self, transaction: Transaction, name: str) -> None:
        """The connection follows the plan's revision from now on; one nobody could plan yet does not."""
        planned = self.known[name]
        if planned["unread"]:
            return
        values = {"revision": self.plan.revision, "applied_at": transaction.now}
        await set_standing(transaction, planned["brand"], name, values)
        own = (listings.c.brand == planned["brand"], listings.c.connection == name, listings.c.revision != "")
        await transaction.execute(sa.update(listings).where(*own).values(revision=""))

    async def _pin(self, transaction: Transaction, chosen: Sequence[PlannedLine]) -> None:
        """These places alone follow the plan's revision, and may be written to."""
        back = sorted({one.line.connection for one in chosen if self._came_back(one.line.connection)})
        if back:
            raise NotSeparable(f"{', '.join(back)} came back with a restored ledger.", connections=back)
        await self._mark_places(transaction, chosen, revision=self.plan.revision)

    def _came_back(self, name: str) -> bool:
        """A restored ledger's places may remember parts of plans that are not true any more."""
        return bool(self.known[name]["restored"] and self.known[name]["first"])

    async def _release(self, transaction: Transaction, chosen: Sequence[PlannedLine]) -> None:
        """The inferred removals a person read in the plan pass the brake."""
        await self._mark_places(transaction, chosen, released=self.plan.id)

    async def _mark_places(self, transaction: Transaction, chosen: Iterable[PlannedLine], **values: str) -> None:
        marked = dict.fromkeys((one.brand, one.line.connection, one.line.listing) for one in chosen)
        defaults = {"market": "", "exists": True, "gallery": [], "issues": [], "observed_at": None}
        skus = {(one.line.connection, one.line.listing): one.sku for one in chosen}
        for brand, connection, listing in marked:
            row = {"revision": "", "released": "", "sku": skus[connection, listing], **defaults, **values}
            statement = transaction.insert(listings).values(brand=brand, connection=connection, listing=listing, **row)
            await transaction.execute(
                statement.on_conflict_do_update(index_elements=["brand", "connection", "listing"], set_=values)
            )

    async def _touch(self, transaction: Transaction, lines: Iterable[PlannedLine]) -> None:
        known = self.rulebook.bundle.connections
        dues = dict.fromkeys(
            places.due(one.brand, one.line.connection, one.line.listing)
            for one in lines
            if one.line.connection in known and _is_place(one)
        )
        await touch(transaction, dues)

    async def _mark(self, transaction: Transaction, only: Sequence[Only], *, whole: bool) -> None:
        part = [{name: getattr(each, name) for name in each.__slots__} for each in only]
        body = {**self.plan.body, "applied": [*self.plan.body["applied"], *part]}
        values: dict[str, Any] = {"applied_at": transaction.now, "applied_by": self.principal} if whole else {}
        await transaction.execute(sa.update(plans).where(plans.c.id == self.plan.id).values(body=body, **values))
        for brand in self.rulebook.bundle.brands:
            transaction.record(
                brand, "plan.applied", self.plan.id, self.plan.revision, by=self.principal, only=part,
                writes=len(self.writes) if whole else None,
            )  # fmt: skip


def _is_place(planned: PlannedLine) -> bool:
    """A held line can stand for content that has no place yet."""
    kinds = ("listing:", "asset:", "product:")
    return bool(planned.line.key) and planned.line.listing.startswith(kinds)
