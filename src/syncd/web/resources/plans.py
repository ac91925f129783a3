"""`/api/v1/plans`: what a configuration would change, before it does; and carrying it out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from syncd.domain.plan import PlanAction
from syncd.flow.plan import apply, plans
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.resources.files import FILES_LIMIT, Files
from syncd.web.routing import AnyRoute, Call, Reply, Route

_cursors = Cursors("plans", TypeAdapter(tuple[AwareDatetime, str]))
_lines = Cursors("plan-lines", TypeAdapter(tuple[int]))


class NewPlan(Body):
    """A candidate: all files of a configuration, or the id of a revision the ledger has; neither for the active one."""

    files: Files | None = None
    revision: str = Field(default="", max_length=64, pattern="^[0-9a-f]*$", description="its id, or its beginning")

    @model_validator(mode="after")
    def _one_of_them(self) -> NewPlan:
        if self.files is not None and self.revision:
            raise ValueError("give files or a revision, not both")
        return self


class PlanSummary(View):
    """A plan's name and what became of it."""

    id: str
    revision: str
    created_at: datetime
    created_by: str
    applied_at: datetime | None
    applied_by: str


class HeldBecause(View):
    """How many derivatives are held for one cause, and one of them as an example."""

    cause: str
    count: int
    why: str
    sku: str
    asset: str


class ConnectionPlanView(View):
    """What would be done on one connection.

    `first`: nothing is written there before a plan is applied. `unread`: its listings are not known yet, so that this
    plan does not cover it. `others`: media of others in the listings looked at; they stay. `inferred`: removals that
    nobody stated; `brake_allows`: how many of those would pass without a plan now.
    """

    name: str
    brand: str
    roles: list[str]
    writes: str
    first: bool
    restored: bool
    paused: str
    unread: bool
    add: int
    replace: int
    move: int
    remove: int
    held: int
    calls: int
    seconds: float = Field(default=0.0, description="at the least, at the pace the account allows")
    others: int
    inferred: int
    brake_allows: int
    held_because: list[HeldBecause]


class Renders(View):
    """How many renditions would be made first; their sizes are not known before."""

    images: int
    videos: int
    copies: int


class LineView(View):
    """One placement: what would be done, why, what stands there now (`image` shows it) and what would."""

    connection: str
    listing: str
    action: PlanAction
    key: str
    cause: str
    why: str
    before: str
    after: str
    brand: str
    sku: str
    asset: str
    title: str
    rendition: str
    inferred: bool
    at: datetime | None = Field(description="when the right ended, where that is the cause")
    image: str = Field(description="address of what stands there now")


class Part(Body):
    """A part of a plan: what satisfies all that is given."""

    connection: str = Field(default="", max_length=200)
    sku: str = Field(default="", max_length=200)
    listing: str = Field(default="", max_length=400)

    @model_validator(mode="after")
    def _something(self) -> Part:
        if not (self.connection or self.sku or self.listing):
            raise ValueError("name a connection, a sku or a listing")
        return self


class PartView(View):
    """A part that was applied."""

    connection: str
    sku: str
    listing: str


class PlanView(PlanSummary):
    """A plan without its lines, removals excepted: those are always listed.

    `because`: files that differ from those content follows now. `dropped`: connections the revision has no more, and
    how many media of ours stay there. `applied`: the parts applied so far.
    """

    because: list[str]
    dropped: dict[str, int]
    connections: list[ConnectionPlanView]
    renders: Renders
    removals: list[LineView]
    applied: list[PartView]


class Application(Body):
    """Which parts; none: all of it."""

    only: list[Part] = Field(default_factory=list, max_length=100)


class LineQuery(PageQuery):
    """Which lines."""

    connection: str | None = Field(default=None, max_length=200)
    action: Literal["add", "replace", "move", "remove", "held"] | None = None


class Plans:
    """Plans, newest first."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("POST", "/api/v1/plans", self.make_plan, "Say what a configuration would change", Scope.OPERATE,
                  {201: PlanView}, body=NewPlan, tags=["plans"], body_limit=FILES_LIMIT),
            Route("GET", "/api/v1/plans", self.list_plans, "Plans, newest first", Scope.READ,
                  {200: Page[PlanSummary]}, query=PageQuery, tags=["plans"]),
            Route("GET", "/api/v1/plans/{id}", self.read_plan, "A plan", Scope.READ, {200: PlanView}, tags=["plans"]),
            Route("GET", "/api/v1/plans/{id}/lines", self.list_plan_lines, "A plan's lines, held ones included",
                  Scope.READ, {200: Page[LineView]}, query=LineQuery, tags=["plans"]),
            Route("POST", "/api/v1/plans/{id}/apply", self.apply_plan, "Carry a plan out, or refuse if it drifted",
                  Scope.ADMIN, {200: PlanView}, body=Application, tags=["plans"]),
        ]  # fmt: skip

    async def make_plan(self, call: Call[NoQuery, NewPlan]) -> Reply:
        made = await plans.make_plan(
            self.services, call.body.files, call.principal.name, revision=call.body.revision
        )  # fmt: skip
        return Reply(201, self._view(made), {"Location": f"/api/v1/plans/{made.id}"})

    async def list_plans(self, call: Call[PageQuery, None]) -> Page[PlanSummary]:
        rows = await plans.list_plans(self.services, _cursors.read(call.query.cursor), call.query.limit)
        return _cursors.page(Page[PlanSummary], rows, call.query.limit,
                             lambda row: PlanSummary.model_validate(row._mapping),
                             lambda row: (row.created_at, row.id))  # fmt: skip

    async def read_plan(self, call: Call[NoQuery, None]) -> PlanView:
        return self._view(await plans.read_plan(self.services, call.path["id"]))

    async def list_plan_lines(self, call: Call[LineQuery, None]) -> Page[LineView]:
        found = await plans.read_plan(self.services, call.path["id"])
        query, after = call.query, _lines.read(call.query.cursor) or (-1,)
        wanted = [
            (number, line)
            for number, line in enumerate(found.body["lines"])
            if number > after[0] and query.connection in (None, line["connection"])
            and query.action in (None, line["action"])
        ]  # fmt: skip
        return _lines.page(Page[LineView], wanted[: query.limit + 1], query.limit,
                           lambda item: self._line(item[1]), lambda item: (item[0],))  # fmt: skip

    async def apply_plan(self, call: Call[NoQuery, Application]) -> PlanView:
        only = [apply.Only(part.connection, part.sku, part.listing) for part in call.body.only]
        return self._view(await apply.apply_plan(self.services, call.path["id"], only, call.principal.name))

    def _view(self, found: plans.Plan) -> PlanView:
        body = found.body
        removals = [self._line(line) for line in body["lines"] if line["action"] == PlanAction.REMOVE.value]
        return PlanView(
            id=found.id, revision=found.revision, created_at=found.created_at, created_by=found.created_by,
            applied_at=found.applied_at, applied_by=found.applied_by, because=body["because"],
            dropped=body["dropped"], connections=body["connections"], renders=body["renders"], removals=removals,
            applied=body["applied"],
        )  # fmt: skip

    def _line(self, stored: dict[str, Any]) -> LineView:
        rest = {name: value for name, value in stored.items() if name != "name"}
        shown = f"{self.services.connections.public_url}/m/{stored['name']}" if stored["name"] else ""
        return LineView(**rest, image=shown)
