"""`/api/v1/status` and `/api/v1/explain`: what the daemon is doing, and why one thing stands as it does."""

from __future__ import annotations

from pydantic import Field, RootModel

from syncd.flow.services import Services
from syncd.flow.show import status as overview
from syncd.flow.show.explain import explain
from syncd.flow.show.explanation import Page
from syncd.web.auth import Scope
from syncd.web.models import NoQuery, Query
from syncd.web.refusals import InvalidRequest
from syncd.web.routing import AnyRoute, Call, Route


class StatusView(RootModel[overview.Status]):
    """What the whole daemon is doing."""


class Explanation(RootModel[Page]):
    """Why content stands, or does not, where it could."""


class ExplainQuery(Query):
    """Exactly one of them."""

    asset: str | None = Field(default=None, min_length=1, max_length=64, description="an asset's id, or its beginning")
    sku: str | None = Field(default=None, min_length=1, max_length=200, description="a product")


class Status:
    """Reads that look at everything together."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/status", self.read_status, "What the daemon is doing", Scope.READ,
                  {200: StatusView}, tags=["status"]),
            Route("GET", "/api/v1/explain", self.explain, "Why content stands where it does, or does not", Scope.READ,
                  {200: Explanation}, query=ExplainQuery, tags=["status"]),
        ]  # fmt: skip

    async def read_status(self, call: Call[NoQuery, None]) -> StatusView:
        return StatusView(await overview.status(self.services))

    async def explain(self, call: Call[ExplainQuery, None]) -> Explanation:
        asset, sku = call.query.asset, call.query.sku
        if (asset is None) == (sku is None):
            what = "Give an asset or a SKU, not both"
            raise InvalidRequest("The query is not valid.", [(["query", "asset"], what), (["query", "sku"], what)])
        return Explanation(await explain(self.services, asset=asset, sku=sku))
