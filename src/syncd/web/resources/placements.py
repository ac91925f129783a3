"""`/api/v1/placements`: our media in listings, with the receipts that prove it."""

from __future__ import annotations

from pydantic import Field, TypeAdapter

from syncd.domain.placement import PlacementState
from syncd.flow.services import Services
from syncd.flow.show import browse
from syncd.flow.show.browse import Placement, Receipt
from syncd.web.auth import Scope
from syncd.web.models import NoQuery, View
from syncd.web.pagination import Cursors, Page, PageQuery
from syncd.web.routing import AnyRoute, Call, Route

_cursors = Cursors("placements", TypeAdapter(tuple[str, str, str]))


class PlacementQuery(PageQuery):
    """Which placements."""

    brand: str | None = Field(default=None, max_length=200)
    connection: str | None = Field(default=None, max_length=200)
    asset: str | None = Field(default=None, max_length=64, description="an asset's id")
    state: PlacementState | None = None


class PlacementView(View):
    """A placement with what systems answered and what looking again showed, in order."""

    placement: Placement
    receipts: list[Receipt]


class Placements:
    """Placements by connection and listing."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        return [
            Route("GET", "/api/v1/placements", self.list_placements, "Placements by connection and listing",
                  Scope.READ, {200: Page[Placement]}, query=PlacementQuery, tags=["placements"]),
            Route("GET", "/api/v1/placements/{id}", self.read_placement, "A placement with its receipts", Scope.READ,
                  {200: PlacementView}, tags=["placements"]),
        ]  # fmt: skip

    async def list_placements(self, call: Call[PlacementQuery, None]) -> Page[Placement]:
        query = call.query
        given = {"brand": query.brand, "connection": query.connection, "asset_id": query.asset, "state": query.state}
        rows = await browse.page(
            self.services, Placement, by=("connection", "listing", "id"), after=_cursors.read(query.cursor),
            limit=query.limit, equal=given,
        )  # fmt: skip
        return _cursors.page(
            Page[Placement], rows, query.limit, lambda row: row, lambda row: (row.connection, row.listing, row.id)
        )

    async def read_placement(self, call: Call[NoQuery, None]) -> PlacementView:
        found = await browse.one(self.services, Placement, call.path["id"])
        receipts = await browse.belonging(self.services, Receipt, placement_id=found.id)
        return PlacementView(placement=found, receipts=list(receipts))
