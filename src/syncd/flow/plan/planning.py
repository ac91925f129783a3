"""Works a plan out: every place where content stands or could stand, judged by the code that convergence uses."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence

from syncd.domain.plan import PlanAction
from syncd.engine.pace import seconds_for
from syncd.errors import Reaction, SyncdError
from syncd.flow import places
from syncd.flow.converge import loading
from syncd.flow.converge.decision import Decision, Judge
from syncd.flow.converge.situation import PlaceFacts, Situation
from syncd.flow.plan import waiting
from syncd.flow.plan.foresight import Foresight, foresee
from syncd.flow.plan.lines import Lines, PlannedLine, held_instead
from syncd.flow.plan.planned import ConnectionPlan
from syncd.flow.plan.scope import Known, find_places
from syncd.flow.plan.supposing import supposing
from syncd.flow.renditions.intents import LIBRARY_COPY
from syncd.flow.services import Services
from syncd.flow.standing import standing_of, standings
from syncd.mapping.rulebook import Rulebook

_BATCH = 200


async def work_out(services: Services, rulebook: Rulebook) -> list[ConnectionPlan]:
    """What a revision would change, connection by connection.

    Raises:
        ConfigError: a connection cannot be opened, such as for want of a secret.
    """
    foresight = await foresee(services, rulebook)
    async with supposing(services, rulebook) as supposed:
        bundle = rulebook.bundle
        async with supposed.ledger.read() as reading:
            states = await standings(reading, bundle.connections)
        found = []
        for name, config in sorted(bundle.connections.items()):
            kinds = [kind for kind, role in places.ROLES.items() if role.value in config.roles]
            if kinds:
                plan = ConnectionPlan(name, config.brand, tuple(config.roles), config.writes, states[name])
                relocate = _names_changed(services, rulebook, name)
                await _Worker(supposed, rulebook, foresight, plan).all(kinds, relocate=relocate)
                found.append(plan)
        for brand in bundle.brands:
            await waiting.tell(supposed, rulebook, brand, [plan for plan in found if plan.brand == brand], foresight)
    return found


def _names_changed(services: Services, rulebook: Rulebook, name: str) -> bool:
    """Whether a connection would name SKUs in another way than the listings known so far were found by."""
    before, after = services.configuration.active.bundle, rulebook.bundle
    if before.revision == after.revision or name not in before.connections:
        return False
    ways = [bundle.connections[name].products for bundle in (before, after)]
    return ways[0] != ways[1] or before.names_of_skus(name) != after.names_of_skus(name)


async def work_out_places(services: Services, name: str, keys: Sequence[str]) -> ConnectionPlan:
    """What would be done at some places of a connection now, by the revision each follows."""
    config = services.connections.config(name)
    async with services.ledger.read() as reading:
        state = await standing_of(reading, config.brand, name)
    plan = ConnectionPlan(name, config.brand, tuple(config.roles), config.writes, state)
    worker = _Worker(services, None, Foresight(), plan)
    for kind in places.ROLES:
        await worker.judge([key for key in keys if places.kind_of(key) == kind], Known())
    return plan


class _Worker:
    """Fills the plan of one connection."""

    def __init__(
        self, services: Services, rulebook: Rulebook | None, foresight: Foresight, plan: ConnectionPlan
    ) -> None:
        self.services, self.rulebook, self.foresight, self.plan = services, rulebook, foresight, plan
        self.config = services.connections.config(plan.name)
        self.specs = (rulebook or services.configuration.active).bundle.specs
        self._writes = self._second = 0

    async def all(self, kinds: Sequence[str], *, relocate: bool) -> None:
        """Find the places of these kinds and judge them."""
        for kind in kinds:
            if kind == places.PUBLISH and self.plan.state.observed_at is None:
                self.plan.unread = True
                continue
            brand, name = self.plan.brand, self.plan.name
            known = await find_places(self.services, brand, name, kind, self.foresight, relocate=relocate)
            await self.judge(known.places, known)
            self.plan.lines += waiting.unidentified(self.plan, known)

    async def judge(self, keys: Sequence[str], known: Known) -> None:
        """Judge places and note their lines."""
        for start in range(0, len(keys), _BATCH):
            await self._batch(keys[start : start + _BATCH], known)
            await asyncio.sleep(0)
        self._estimate()

    def _estimate(self) -> None:
        """Calls, and how long they take at the pace that the account allows; what is replaced is written to twice."""
        system, plan = self.services.connections.system_class(self.plan.name), self.plan
        batches = [math.ceil(places / system.max_batch) for places in (self._writes, self._second)]
        plan.calls = sum(batches)
        if plan.calls:
            options = self.services.connections.options(plan.name)
            new = sum(planned.line.action in (PlanAction.ADD, PlanAction.REPLACE) for planned in plan.lines)
            cost = system.cost(options, self._writes + self._second, new)
            lingers = system.linger.total_seconds() * sum(count > 0 for count in batches)
            plan.seconds = seconds_for(system.limits(options), cost) + lingers

    async def _batch(self, keys: Sequence[str], known: Known) -> None:
        """A place whose rules fail is held, and the others of its batch are not."""
        try:
            facts = await self._load(keys, known)
        except SyncdError as error:
            if error.reaction is not Reaction.EXCEPTION:
                raise
            if len(keys) == 1:
                self.plan.lines.append(waiting.failed(self.plan, keys[0], known, error))
                return
            for key in keys:
                await self._batch([key], known)
            return
        judge = Judge(facts, self.config, planning=True)
        self.plan.brake_allows = facts.brake_left or 0
        for key in keys:
            self._note(facts, facts.places[key], judge.decide(facts.places[key], fresh=True))

    async def _load(self, keys: Sequence[str], known: Known) -> Situation:
        """The facts of places, as they would be: their products as identified, their assets as matched."""
        asked = [*keys, *known.beside(keys, self.foresight)]
        brand, name = self.plan.brand, self.plan.name
        facts = await loading.load(self.services, brand, name, asked, candidate=self.rulebook)
        for key in keys:
            place = facts.places[key]
            product = facts.places.get(places.place(places.LINK, known.identified.get(key, "")))
            if product is not None and not place.sku:
                place.sku, place.assets = product.sku, list(product.assets)
                place.product_facts, place.product_gone = product.product_facts, product.product_gone
            if place.sku:
                place.assets = self.foresight.shown_in(place.sku, place.assets)
        for identifier, grant in self.foresight.grants.items():
            if identifier in facts.assets:
                facts.assets[identifier].grants = [*facts.assets[identifier].grants, grant]
        return facts

    def _note(self, facts: Situation, place: PlaceFacts, decision: Decision) -> None:
        plan, step = self.plan, decision.step
        plan.looked_at.append(place.place)
        plan.others += sum(not entry.ours for entry in step.gallery)
        plan.standing |= {(place.place, row.key) for row in step.keeps}
        plan.standing |= {(place.place, one.desired.key) for one in step.confirms if one.desired}
        lines = Lines(plan.brand, plan.name, place, decision, facts.assets).all()
        lines = [self._possible(each, facts, place) for each in lines]
        plan.lines += lines
        actions = {each.line.action for each in lines} - {PlanAction.HELD}
        self._writes += bool(actions)
        self._second += PlanAction.REPLACE in actions
        for each in lines:
            self._render(each, facts, decision)

    def _possible(self, planned: PlannedLine, facts: Situation, place: PlaceFacts) -> PlannedLine:
        """The line, or why it cannot be carried out whatever is applied."""
        if planned.line.action is PlanAction.HELD:
            return planned
        if self.config.writes == "off":
            return held_instead(planned, "writes_off", f"`writes: off` in connectors/{self.plan.name}.yaml")
        if not place.exists and place.place.startswith("listing:"):
            missing = f"{self.plan.name} has no listing {places.name_of(place.place)}"
            return held_instead(planned, "listing_missing", missing)
        made = facts.made.get(planned.rendition)
        if made is not None and not made.sha256 and made.reason:
            return held_instead(planned, "rendition", made.reason)
        return planned

    def _render(self, planned: PlannedLine, facts: Situation, decision: Decision) -> None:
        """Note a rendition that must be made first."""
        made = facts.made.get(planned.rendition)
        if not planned.rendition or planned.line.action is PlanAction.HELD or (made is not None and made.sha256):
            return
        spec = decision.targets[planned.line.key][1].spec
        copied = spec == LIBRARY_COPY or spec not in self.specs
        self.plan.renders[planned.rendition] = "copy" if copied else self.specs[spec].kind


def lines_of(found: Sequence[ConnectionPlan]) -> list[PlannedLine]:
    """All lines, by connection."""
    return [planned for plan in found for planned in plan.lines]


def standing_in(found: Sequence[ConnectionPlan]) -> Mapping[str, set[tuple[str, str]]]:
    """What stands as it should, by connection."""
    return {plan.name: plan.standing for plan in found}
