"""`/api/v1/events` and `/api/v1/audit`: what happened, and the proof that nobody rewrote it."""

from __future__ import annotations

from pydantic import Field, TypeAdapter

from syncd.flow.care import audit
from syncd.flow.care.audit import BrandAudit
from syncd.flow.services import Services
from syncd.flow.show import browse, history
from syncd.flow.show.browse import Event
from syncd.flow.show.history import WasShown
from syncd.web.auth import Scope
from syncd.web.models import Instant, Query, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("events", TypeAdapter(tuple[int]))


class EventQuery(PageQuery):
    """Which events."""

    brand: str | None = Field(default=None, max_length=200)
    kind: str | None = Field(default=None, max_length=100, description="such as version.approved")
    subject: str | None = Field(default=None, max_length=300, description="the id of what it happened to")
    since: Instant | None = Field(default=None, description="at this instant or later")
    until: Instant | None = Field(default=None, description="before this instant")


class AuditQuery(Query):
    """Whose trail."""

    brand: str | None = Field(default=None, max_length=200, description="default: every brand")


class ShownQuery(Query):
    """Of what, where and when."""

    sku: str = Field(min_length=1, max_length=200)
    at: Instant = Field(description="the instant that is asked about")
    connection: str | None = Field(default=None, max_length=200, description="default: every connection")


class Shown(View):
    """What stood there at that instant."""

    shown: list[WasShown]


class Verification(View):
    """Whether every event is as it was written, in its place, and none is missing."""

    intact: bool
    brands: list[BrandAudit]


class Audit:
    """The trail."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/events", self.list_events, "Events in the order they were written", Scope.READ,
                  {200: Page[Event]}, query=EventQuery, tags=["audit"]),
            Route("GET", "/api/v1/audit/verification", self.verify_audit, "Verify the trail", Scope.READ,
                  {200: Verification}, query=AuditQuery, tags=["audit"]),
            Route("GET", "/api/v1/audit/shown", self.read_shown, "What stood where at an instant, by whose word",
                  Scope.READ, {200: Shown}, query=ShownQuery, tags=["audit"]),
        ]  # fmt: skip

    async def list_events(self, call: Call[EventQuery, None]) -> Page[Event]:
        query = call.query
        given = {"brand": query.brand, "kind": query.kind, "subject": query.subject}
        rows = await browse.page(
            self.services, Event, by=("id",), after=_cursors.read(query.cursor), limit=query.limit, equal=given,
            since=query.since, until=query.until,
        )  # fmt: skip
        return _cursors.page(Page[Event], rows, query.limit, lambda row: row, lambda row: (row.id,))

    async def verify_audit(self, call: Call[AuditQuery, None]) -> Verification:
        found = await audit.verify(self.services, call.query.brand)
        return Verification(intact=all(each.intact for each in found), brands=found)

    async def read_shown(self, call: Call[ShownQuery, None]) -> Shown:
        query = call.query
        return Shown(shown=await history.shown(self.services, query.sku, query.at, query.connection))
