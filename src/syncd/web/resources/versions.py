"""`/api/v1/versions` and `/api/v1/decisions`: immutable revisions of assets, and what people say about them."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, TypeAdapter

from syncd.domain.asset import VersionStatus
from syncd.domain.review import Verdict
from syncd.flow.operate.acting import acting
from syncd.flow.review.decide import Ruling, decide
from syncd.flow.services import Services
from syncd.flow.show import browse
from syncd.flow.show.browse import Decision, Finding, Version
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_versions = Cursors("versions", TypeAdapter(tuple[AwareDatetime, str]))
_decisions = Cursors("decisions", TypeAdapter(tuple[AwareDatetime, str]))


class VersionQuery(PageQuery):
    """Which versions."""

    brand: str | None = Field(default=None, max_length=200)
    asset: str | None = Field(default=None, max_length=64, description="an asset's id")
    status: VersionStatus | None = None
    current: bool | None = Field(default=None, description="only those that are current, or only those that are not")


class VersionView(View):
    """A version with what its checks found and what people decided, each bound to it."""

    version: Version
    findings: list[Finding]
    decisions: list[Decision]


class DecisionQuery(PageQuery):
    """Which decisions."""

    brand: str | None = Field(default=None, max_length=200)
    version: str | None = Field(default=None, max_length=64, description="a version's id")


class NewDecision(Body):
    """One person's word on this version."""

    by: str = Field(min_length=3, max_length=320, description="mail address of the person who decides")
    verdict: Verdict
    reason: str = Field(
        default="", max_length=100, description="a code of mappings/reviews.yaml; needed unless they approve"
    )
    comment: str = Field(default="", max_length=2000)


class Versions:
    """Versions and decisions, newest first."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        version = {"id": r"^[A-Za-z0-9]{1,64}(:[0-9]{1,9})?$"}
        return [
            Route("GET", "/api/v1/versions", self.list_versions, "Versions, newest first", Scope.READ,
                  {200: Page[Version]}, query=VersionQuery, tags=["versions"]),
            Route("GET", "/api/v1/versions/{id}", self.read_version, "A version, by its id or as ASSET:NUMBER",
                  Scope.READ, {200: VersionView}, tags=["versions"], parameters=version),
            Route("POST", "/api/v1/versions/{id}/decisions", self.decide_version, "Decide on this very version",
                  Scope.OPERATE, {201: Decision}, body=NewDecision, tags=["versions"], parameters=version),
            Route("GET", "/api/v1/decisions", self.list_decisions, "Decisions, newest first", Scope.READ,
                  {200: Page[Decision]}, query=DecisionQuery, tags=["versions"]),
        ]  # fmt: skip

    async def list_versions(self, call: Call[VersionQuery, None]) -> Page[Version]:
        given = {"brand": call.query.brand, "asset_id": call.query.asset, "status": call.query.status,
                 "current": call.query.current}  # fmt: skip
        rows = await browse.page(
            self.services, Version, by=("received_at", "id"), after=_versions.read(call.query.cursor),
            limit=call.query.limit, newest_first=True, equal=given,
        )  # fmt: skip
        return _versions.page(
            Page[Version], rows, call.query.limit, lambda row: row, lambda row: (row.received_at, row.id)
        )

    async def read_version(self, call: Call[NoQuery, None]) -> VersionView:
        found = await browse.numbered(self.services, call.path["id"])
        findings = await browse.belonging(self.services, Finding, version_id=found.id)
        made = await browse.belonging(self.services, Decision, order="at", version_id=found.id)
        return VersionView(version=found, findings=list(findings), decisions=list(made))

    async def decide_version(self, call: Call[NoQuery, NewDecision]) -> Decision:
        found, body = await browse.numbered(self.services, call.path["id"]), call.body
        by = acting(self.services.configuration.active.bundle, body.by, found.brand)
        made = await decide(self.services, found.id, Ruling(by, body.verdict, body.reason, body.comment))
        return await browse.one(self.services, Decision, made)

    async def list_decisions(self, call: Call[DecisionQuery, None]) -> Page[Decision]:
        given = {"brand": call.query.brand, "version_id": call.query.version}
        rows = await browse.page(
            self.services, Decision, by=("at", "id"), after=_decisions.read(call.query.cursor),
            limit=call.query.limit, newest_first=True,
            equal=given,
        )  # fmt: skip
        return _decisions.page(Page[Decision], rows, call.query.limit, lambda row: row, lambda row: (row.at, row.id))
