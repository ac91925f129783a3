"""`/api/v1/submissions`: what creators delivered, as it was stated."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, TypeAdapter

from syncd.flow.services import Services
from syncd.flow.show import browse
from syncd.flow.show.browse import Submission, SubmissionFile
from syncd.web.auth import Scope
from syncd.web.models import NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("submissions", TypeAdapter(tuple[AwareDatetime, str]))


class SubmissionQuery(PageQuery):
    """Which submissions."""

    connection: str | None = Field(default=None, max_length=200, description="the source it came by")
    campaign: str | None = Field(default=None, max_length=200, description="its brief's campaign")


class SubmissionView(View):
    """A submission with its files."""

    submission: Submission
    files: list[SubmissionFile]


class Submissions:
    """Submissions, newest first."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/submissions", self.list_submissions, "Submissions, newest first", Scope.READ,
                  {200: Page[Submission]}, query=SubmissionQuery, tags=["submissions"]),
            Route("GET", "/api/v1/submissions/{id}", self.read_submission, "A submission with its files", Scope.READ,
                  {200: SubmissionView}, tags=["submissions"]),
        ]  # fmt: skip

    async def list_submissions(self, call: Call[SubmissionQuery, None]) -> Page[Submission]:
        given = {"connection": call.query.connection, "campaign": call.query.campaign}
        rows = await browse.page(
            self.services, Submission, by=("received_at", "id"), after=_cursors.read(call.query.cursor),
            limit=call.query.limit, newest_first=True,
            equal=given,
        )  # fmt: skip
        return _cursors.page(
            Page[Submission], rows, call.query.limit, lambda row: row, lambda row: (row.received_at, row.id)
        )

    async def read_submission(self, call: Call[NoQuery, None]) -> SubmissionView:
        found = await browse.one(self.services, Submission, call.path["id"])
        files = await browse.belonging(self.services, SubmissionFile, order="sequence", submission_id=found.id)
        return SubmissionView(submission=found, files=list(files))
