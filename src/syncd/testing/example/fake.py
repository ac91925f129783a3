"""The plain shop that exists only in tests: it answers as the real one does."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from syncd.testing.clock import ManualClock
from syncd.testing.vendor import ShopVendor, Stands, body_of


class PlainShop(ShopVendor):
    """The shop itself."""

    LISTING, OTHER = "GL-1", "GL-2"

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.listings = {self.LISTING: ["https://studio.example/1.jpg", "https://studio.example/2.jpg"], self.OTHER: []}

    def writes(self, request: httpx.Request) -> bool:
        return request.method == "PUT"

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != "Bearer s3cr3t-token":
            return httpx.Response(401)
        now = self.clock.monotonic()
        if sum(call.at > now - 1 for call in self.calls) >= 10:
            self.violations.append(f"more than ten calls a second at {now}")
        listing = request.url.path.rpartition("/")[2]
        if listing == "listings":
            return httpx.Response(200, json={"listings": list(self.listings), "total": len(self.listings)})
        if listing not in self.listings:
            return httpx.Response(404)
        if request.method == "PUT":
            self.listings[listing] = [image["url"] for image in body_of(request)["images"]]
        images = [{"url": url} for url in self.listings[listing]]
        return httpx.Response(200, json={"sku": listing, "images": images})

    def gallery(self, listing: str) -> Sequence[Stands]:
        return [Stands(url, foreign="studio" in url) for url in self.listings[listing]]
