"""`/api/v1/jobs`: how far accepted requests are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from syncd.flow.resync.jobs import Progress, progress_of
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import NoQuery, View
from syncd.web.routing import AnyRoute, Call, Route


class JobView(View):
    """How far a job is, in work keys."""

    id: str
    kind: str
    state: Literal["marking", "running", "done"] = Field(description="marking: `total` is still growing")
    selectors: dict[str, Any]
    principal: str
    dry_run: bool
    total: int = Field(description="keys marked; one that was due already counts once")
    left: int = Field(description="due, or being worked on")
    failed: int = Field(description="waiting for a person: `syncd exceptions`")
    done: int
    created_at: datetime
    report: dict[str, Any] = Field(description="of a dry run: keys by kind, counts of lines, the first lines")


def view_of(found: Progress) -> JobView:
    """A job as the API shows it."""
    return JobView(**{name: getattr(found, name) for name in JobView.model_fields})


class Jobs:
    """Jobs by id."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/jobs/{id}", self.read_job, "How far a job is", Scope.READ, {200: JobView},
                  tags=["jobs"]),
        ]  # fmt: skip

    async def read_job(self, call: Call[NoQuery, None]) -> JobView:
        return view_of(await progress_of(self.services, call.path["id"]))
