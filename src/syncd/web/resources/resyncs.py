"""`/api/v1/resyncs`: have what is selected looked at again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from syncd.flow.resync.jobs import progress_of
from syncd.flow.resync.mark import Request, resync
from syncd.flow.resync.selection import Selection
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, Instant, NoQuery
from syncd.web.resources.jobs import JobView, view_of
from syncd.web.routing import AnyRoute, Call, Reply, Route

_Names = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(default_factory=list, max_length=1000)
]


class NewResync(Body):
    """Names in one list add up, different lists narrow each other down; at least one, or `all`."""

    asset: _Names
    sku: _Names
    connection: _Names
    campaign: _Names
    since: Instant | None = Field(default=None, description="assets that arrived at this instant or later")
    all: bool = Field(default=False, description="everything, where nothing else selects")
    dry_run: bool = Field(default=False, description="only say what would be looked at, and what would be written")


class Resyncs:
    """Resyncs are jobs."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("POST", "/api/v1/resyncs", self.resync, "Mark what is selected as due", Scope.OPERATE,
                  {202: JobView}, body=NewResync, tags=["jobs"], idempotent_key=True),
        ]  # fmt: skip

    async def resync(self, call: Call[NoQuery, NewResync]) -> Reply:
        body = call.body
        selection = Selection(
            tuple(body.asset), tuple(body.sku), tuple(body.connection), tuple(body.campaign), body.since, body.all
        )
        name = call.idempotency
        request = Request(call.principal.name, name.key if name else "", name.fingerprint if name else "")
        job = await resync(self.services, selection, request, dry_run=body.dry_run)
        return Reply(202, view_of(await progress_of(self.services, job)), {"Location": f"/api/v1/jobs/{job}"})
