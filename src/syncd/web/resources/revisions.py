"""`/api/v1/revisions` and `/api/v1/reload`: the configuration's history, and following other files at once."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, Field, TypeAdapter

from syncd.flow.plan import revisions
from syncd.flow.plan.activate import reload
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, Query, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.resources.files import FILES_LIMIT, Files
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("revisions", TypeAdapter(tuple[AwareDatetime, str]))


class RevisionSummary(View):
    """One revision; `active`: the one every process follows."""

    id: str
    created_at: datetime
    activated_at: datetime | None
    activated_by: str
    active: bool


class RevisionView(RevisionSummary):
    """A revision with its files by path."""

    files: dict[str, str]


class DifferenceQuery(Query):
    """What to compare with."""

    to: str = Field(min_length=4, max_length=64, pattern="^[0-9a-f]+$", description="the later revision's id")


class Difference(View):
    """How two revisions differ, as a unified diff; "" if they do not."""

    diff: str


class NewFiles(Body):
    """All files of a configuration; none: those on the daemon's own disk."""

    files: Files | None = None


class ReloadView(View):
    """What is active now, whether it was not before, and which files differ."""

    revision: str
    changed: bool
    files: list[str]


class Revisions:
    """Revisions, newest first."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/revisions", self.list_revisions, "Revisions, newest first", Scope.READ,
                  {200: Page[RevisionSummary]}, query=PageQuery, tags=["configuration"]),
            Route("GET", "/api/v1/revisions/{id}", self.read_revision, "A revision with its files", Scope.READ,
                  {200: RevisionView}, tags=["configuration"]),
            Route("GET", "/api/v1/revisions/{id}/diff", self.compare_revisions, "How a later revision differs",
                  Scope.READ, {200: Difference}, query=DifferenceQuery, tags=["configuration"]),
            Route("POST", "/api/v1/reload", self.reload, "Validate files and follow them, under the brake",
                  Scope.ADMIN, {200: ReloadView}, body=NewFiles, tags=["configuration"], body_limit=FILES_LIMIT),
        ]  # fmt: skip

    async def list_revisions(self, call: Call[PageQuery, None]) -> Page[RevisionSummary]:
        rows = await revisions.list_revisions(self.services, _cursors.read(call.query.cursor), call.query.limit)
        return _cursors.page(Page[RevisionSummary], rows, call.query.limit,
                             lambda row: RevisionSummary.model_validate(row._mapping),
                             lambda row: (row.created_at, row.id))  # fmt: skip

    async def read_revision(self, call: Call[NoQuery, None]) -> RevisionView:
        return RevisionView.model_validate((await revisions.read_revision(self.services, call.path["id"]))._mapping)

    async def compare_revisions(self, call: Call[DifferenceQuery, None]) -> Difference:
        return Difference(diff=await revisions.compare(self.services, call.path["id"], call.query.to))

    async def reload(self, call: Call[NoQuery, NewFiles]) -> ReloadView:
        done = await reload(self.services, call.body.files, call.principal.name)
        return ReloadView(revision=done.revision, changed=done.changed, files=list(done.files))
