"""`/api/v1/assets`: content items; taking one back; a case from its facts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from syncd.flow.operate.acting import acting
from syncd.flow.review.decide import withdraw
from syncd.flow.services import Services
from syncd.flow.show import browse
from syncd.flow.show.browse import Asset, Match, Version
from syncd.flow.show.case import case
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, Query, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("assets", TypeAdapter(tuple[AwareDatetime, str]))


class AssetQuery(PageQuery):
    """Which assets."""

    brand: str | None = Field(default=None, max_length=200)
    submission: str | None = Field(default=None, max_length=64, description="the id of the submission that brought it")


class AssetView(View):
    """An asset with its versions, oldest first, and the products it shows or may show."""

    asset: Asset
    current: str | None = Field(description="the id of the current version: the one to decide on")
    versions: list[Version]
    matches: list[Match]


class Withdrawal(Body):
    """What is taken back: the asset itself, or a consent or grant it rests on (and with it all that rests on it)."""

    by: str = Field(min_length=3, max_length=320, description="mail address of the person who says so")
    because: str = Field(min_length=1, max_length=500)
    consent: str = Field(default="", max_length=64, description="id of a consent that its person withdraws")
    grant: str = Field(default="", max_length=64, description="id of a grant that is revoked")


class Withdrawn(View):
    """Which assets come down."""

    assets: list[str]


class CaseQuery(Query):
    """Which rules' case."""

    file: Literal["match", "matrix", "rights", "reviews"] = Field(default="match", description="the mapping file")


class CaseView(View):
    """An entry for `mappings/{file}.cases.yaml`: the asset's facts, and what the rules answer to them now."""

    file: str
    case: dict[str, Any]


class Assets:
    """Assets, newest first."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/assets", self.list_assets, "Assets, newest first", Scope.READ, {200: Page[Asset]},
                  query=AssetQuery, tags=["assets"]),
            Route("GET", "/api/v1/assets/{id}", self.read_asset, "An asset with its versions and matches", Scope.READ,
                  {200: AssetView}, tags=["assets"]),
            Route("GET", "/api/v1/assets/{id}/case", self.make_case, "A case for a mapping file from its facts",
                  Scope.READ, {200: CaseView}, query=CaseQuery, tags=["assets"]),
            Route("POST", "/api/v1/assets/{id}/withdraw", self.withdraw_asset, "Take it down everywhere, at once",
                  Scope.OPERATE, {200: Withdrawn}, body=Withdrawal, tags=["assets"]),
        ]  # fmt: skip

    async def list_assets(self, call: Call[AssetQuery, None]) -> Page[Asset]:
        given = {"brand": call.query.brand, "submission_id": call.query.submission}
        rows = await browse.page(
            self.services, Asset, by=("created_at", "id"), after=_cursors.read(call.query.cursor),
            limit=call.query.limit, newest_first=True,
            equal=given,
        )  # fmt: skip
        return _cursors.page(Page[Asset], rows, call.query.limit, lambda row: row, lambda row: (row.created_at, row.id))

    async def read_asset(self, call: Call[NoQuery, None]) -> AssetView:
        found = await browse.one(self.services, Asset, call.path["id"])
        versions = await browse.belonging(self.services, Version, order="number", asset_id=found.id)
        matches = await browse.belonging(self.services, Match, asset_id=found.id)
        current = next((version.id for version in versions if version.current), None)
        return AssetView(asset=found, current=current, versions=list(versions), matches=list(matches))

    async def make_case(self, call: Call[CaseQuery, None]) -> CaseView:
        found = await browse.one(self.services, Asset, call.path["id"])
        return CaseView(file=call.query.file, case=await case(self.services, found.id, call.query.file))

    async def withdraw_asset(self, call: Call[NoQuery, Withdrawal]) -> Withdrawn:
        found, body = await browse.one(self.services, Asset, call.path["id"]), call.body
        by = acting(self.services.configuration.active.bundle, body.by, found.brand)
        affected = await withdraw(
            self.services, found.id, by=by, because=body.because, consent=body.consent, grant=body.grant
        )
        return Withdrawn(assets=affected)
