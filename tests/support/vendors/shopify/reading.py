"""What the fake shop answers to queries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.support.vendors.shopify.state import Bulk, File, Product, State, Variant

KINDS = {"MediaImage": "IMAGE", "Video": "VIDEO", "Model3d": "MODEL_3D", "ExternalVideo": "EXTERNAL_VIDEO"}


class Unpaged(Exception):
    """A connection was asked for without saying how much of it."""


def connection(items: Sequence[Any], first: int | None, after: str | None, *, whole: bool = False) -> dict[str, Any]:
    """A page; cursors are places. `whole`: as bulk operations read, which take no pages."""
    if first is None and not whole:
        raise Unpaged("you must provide one of first or last")
    start = int(after) + 1 if after else 0
    end = len(items) if first is None else min(len(items), start + min(first, 250))
    nodes = list(items[start:end])
    info = {"hasNextPage": end < len(items), "endCursor": str(end - 1) if nodes else None}
    edges = [{"cursor": str(start + place), "node": node} for place, node in enumerate(nodes)]
    return {"nodes": nodes, "edges": edges, "pageInfo": info}


class Reading:
    """Nodes as GraphQL resolves them; `whole` is true while a bulk operation reads."""

    def __init__(self, state: State) -> None:
        self.state, self.whole = state, False

    def stamp(self, moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- nodes -----------------------------------------------------------------------------------------------------

    def file(self, file: File) -> dict[str, Any]:
        status = file.status(self.state.now())
        faults = [{"code": code, "message": words, "details": None} for code, words in file.faults]
        faults = faults if status == "FAILED" else []
        node = {
            "__typename": file.kind, "id": file.id, "alt": file.alt, "createdAt": self.stamp(file.created),
            "updatedAt": self.stamp(file.created), "fileStatus": status, "fileErrors": faults, "status": status,
            "mediaContentType": KINDS.get(file.kind), "mediaErrors": faults, "mediaWarnings": [],
        }  # fmt: skip
        ready = status == "READY"
        if file.kind == "MediaImage":
            node["image"] = {"url": file.url, "width": 10, "height": 10} if ready else None
        elif file.kind == "Video":
            node["filename"] = file.name
            node["sources"] = [{"url": file.url, "mimeType": "video/mp4"}] if ready else []
        elif file.kind == "ExternalVideo":
            node["originUrl"] = file.url
        elif file.kind == "Model3d":
            node["filename"] = file.name
        else:
            node["url"] = file.url
        return node

    def product(self, product: Product) -> dict[str, Any]:
        def media(_: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
            return connection([self.file(self.state.files[one]) for one in product.media], first, after,
                              whole=self.whole)  # fmt: skip

        def variants(_: Any, first: int | None = None, after: str | None = None, **__: Any) -> dict[str, Any]:
            return connection([self.variant(product, one) for one in product.variants], first, after, whole=self.whole)

        return {
            "__typename": "Product", "id": product.id, "handle": product.handle, "title": product.title,
            "status": product.status, "onlineStoreUrl": product.store_url, "productType": "Serum", "vendor": "Acme",
            "tags": ["glow", "new"], "updatedAt": self.stamp(product.updated), "media": media, "variants": variants,
        }  # fmt: skip

    def variant(self, product: Product, variant: Variant) -> dict[str, Any]:
        def media(_: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
            return connection([self.file(self.state.files[one]) for one in variant.media], first, after)

        return {
            "__typename": "ProductVariant", "id": variant.id, "sku": variant.sku, "barcode": variant.barcode,
            "title": variant.title, "product": lambda _: self.product(product), "media": media,
            "selectedOptions": [{"name": name, "value": value} for name, value in variant.options],
        }  # fmt: skip

    def bulk(self, bulk: Bulk) -> dict[str, Any]:
        over = bulk.due <= self.state.now()
        status = bulk.status if bulk.status not in ("CREATED", "RUNNING") else "COMPLETED" if over else "RUNNING"
        url = f"https://storage.googleapis.com/shopify-bulk/{bulk.id.rpartition('/')[2]}.jsonl?signature=s1gned"
        done = status == "COMPLETED"
        return {
            "__typename": "BulkOperation", "id": bulk.id, "status": status, "errorCode": bulk.error,
            "url": url if done and bulk.lines else None, "objectCount": str(len(bulk.lines) if done else 0),
            "rootObjectCount": str(bulk.roots if done else 0), "createdAt": self.stamp(bulk.created),
            "query": bulk.query,
        }  # fmt: skip

    def by_id(self, identifier: str) -> dict[str, Any] | None:
        state = self.state
        if identifier in state.products:
            return self.product(state.products[identifier])
        if identifier in state.files:
            return self.file(state.files[identifier])
        for product in state.products.values():
            for variant in product.variants:
                if variant.id == identifier:
                    return self.variant(product, variant)
        return None

    # --- searches --------------------------------------------------------------------------------------------------

    def found_files(self, query: str) -> list[dict[str, Any]]:
        names = re.findall(r'filename:"([^"]+)"', query)
        ids = re.findall(r"\bid:(\d+)", query)
        unused = "used_in:none" in query
        return [
            self.file(file)
            for file in self.state.files.values()
            if not self.state.unread(file)
            and (not names or any(name.rpartition(".")[0] in file.name for name in names))
            and (not ids or file.id.rpartition("/")[2] in ids)
            and not (unused and self.state.indexed_uses(file))
        ]

    def found_variants(self, query: str) -> list[dict[str, Any]]:
        """As Shopify searches: without case, and words within longer SKUs."""
        skus = [sku.lower() for sku in re.findall(r'sku:"([^"]+)"', query)]
        return [
            self.variant(product, variant)
            for product in self.state.products.values()
            for variant in product.variants
            if any(sku in (variant.sku or "").lower() for sku in skus)
        ]

    def found_products(self, query: str) -> list[dict[str, Any]]:
        since = re.search(r"updated_at:>='([^']+)'", query or "")
        found = sorted(self.state.products.values(), key=lambda one: one.updated)
        if since:
            moment = datetime.fromisoformat(since[1])
            found = [product for product in found if product.updated >= moment]
        return [self.product(product) for product in found]
