"""`/api/v1/exceptions` and `/api/v1/replays`: what needs a person, and trying it again."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from syncd.flow.operate import desk
from syncd.flow.services import Services
from syncd.flow.show import browse
from syncd.flow.show.browse import ExceptionRecord
from syncd.web.auth import Scope
from syncd.web.models import Body, Instant, NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("exceptions", TypeAdapter(tuple[AwareDatetime, str]))


class ExceptionQuery(PageQuery):
    """Which exceptions."""

    state: Literal["open", "closed", "all"] = "open"
    brand: str | None = Field(default=None, max_length=200)
    kind: str | None = Field(default=None, max_length=100, description="such as ambiguous or dead-letter")
    code: str | None = Field(default=None, max_length=100, description="the runbook's name of the reason")
    connection: str | None = Field(default=None, max_length=200)
    since: Instant | None = Field(default=None, description="opened at this instant or later")
    until: Instant | None = Field(default=None, description="opened before this instant")


class Resolution(Body):
    """A person closes it."""

    by: str = Field(min_length=3, max_length=320, description="mail address of the person who closes it")
    why: str = Field(min_length=1, max_length=500)


class ReplaySelection(Body):
    """Which open exceptions to replay: those that satisfy all that is given."""

    brand: str = Field(default="", max_length=200)
    kind: str = Field(default="", max_length=100)
    code: str = Field(default="", max_length=100)
    connection: str = Field(default="", max_length=200)
    since: Instant | None = Field(default=None, description="opened at this instant or later")
    until: Instant | None = Field(default=None, description="opened before this instant")
    all: bool = Field(default=False, description="every open one, if nothing else selects")


class Replayed(View):
    """How many exceptions were replayed, and how many work keys run again now."""

    exceptions: int
    keys: int


class Exceptions:
    """The exceptions desk."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/exceptions", self.list_exceptions, "Exceptions, newest first", Scope.READ,
                  {200: Page[ExceptionRecord]}, query=ExceptionQuery, tags=["exceptions"]),
            Route("GET", "/api/v1/exceptions/{id}", self.read_exception, "An exception with its payload", Scope.READ,
                  {200: ExceptionRecord}, tags=["exceptions"]),
            Route("POST", "/api/v1/exceptions/{id}/resolve", self.resolve_exception, "Close it by a person's word",
                  Scope.OPERATE, {200: ExceptionRecord}, body=Resolution, tags=["exceptions"]),
            Route("POST", "/api/v1/exceptions/{id}/replay", self.replay_exception, "Try its work again now",
                  Scope.OPERATE, {202: Replayed}, tags=["exceptions"]),
            Route("POST", "/api/v1/replays", self.replay_selected, "Try the work of many again, by filter or time",
                  Scope.OPERATE, {202: Replayed}, body=ReplaySelection, tags=["exceptions"]),
        ]  # fmt: skip

    async def list_exceptions(self, call: Call[ExceptionQuery, None]) -> Page[ExceptionRecord]:
        query = call.query
        selection = desk.Selection(
            query.brand or "", query.kind or "", query.code or "", query.connection or "", query.since, query.until,
            state=query.state,
        )  # fmt: skip
        rows = await browse.page(
            self.services, ExceptionRecord, by=("opened_at", "id"), after=_cursors.read(query.cursor),
            limit=query.limit, where=selection.conditions(), newest_first=True,
        )  # fmt: skip
        return _cursors.page(
            Page[ExceptionRecord], rows, query.limit, lambda row: row, lambda row: (row.opened_at, row.id)
        )

    async def read_exception(self, call: Call[NoQuery, None]) -> ExceptionRecord:
        return await browse.one(self.services, ExceptionRecord, call.path["id"])

    async def resolve_exception(self, call: Call[NoQuery, Resolution]) -> ExceptionRecord:
        return await desk.resolve(self.services, call.path["id"], by=call.body.by, why=call.body.why)

    async def replay_exception(self, call: Call[NoQuery, None]) -> Replayed:
        return Replayed(exceptions=1, keys=await desk.replay_one(self.services, call.path["id"]))

    async def replay_selected(self, call: Call[NoQuery, ReplaySelection]) -> Replayed:
        exceptions_, keys = await desk.replay(self.services, desk.Selection(**dict(call.body)))
        return Replayed(exceptions=exceptions_, keys=keys)
