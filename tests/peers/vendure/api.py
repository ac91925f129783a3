"""Vendure as its shoppers and its staff see it: reads what is there and does what people do, not through syncd."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]
ASSET = "id name fileSize mimeType width height source preview updatedAt tags { value }"
UPLOAD = f"""mutation ($input: [CreateAssetInput!]!) {{
  createAssets(input: $input) {{ __typename ... on Asset {{ {ASSET} }} ... on ErrorResult {{ errorCode message }} }}
}}"""
SHOWN = """query ($id: ID!) {
  product(id: $id) {
    featuredAsset { id } assets { id name source preview }
    variants { sku featuredAsset { id } assets { id name source preview } }
  }
}"""
SHOW = """mutation ($input: UpdateProductInput!) {
  updateProduct(input: $input) { updatedAt assets { id } featuredAsset { id } }
}"""
PREFLIGHT = {"apollo-require-preflight": "true"}


@dataclass(frozen=True)
class Product:
    """A product with one variant."""

    id: str
    variant: str
    sku: str


class VendureApi:
    """A client of the admin API with an administrator's key, and of the shop API with none."""

    def __init__(self, url: str, key: str) -> None:
        self._key = {"vendure-api-key": key}
        self._client = httpx.AsyncClient(base_url=url, timeout=60)

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask once, with no credentials but those given; the answer as it came."""
        self._client.cookies.clear()
        return await self._client.request(method, path, **content)

    async def answer(self, query: str, **variables: Any) -> Json:
        """The admin API's answer as it came, errors included."""
        content = {"query": query, "variables": variables}
        return dict((await self.send("POST", "/admin-api", json=content, headers=self._key)).json())

    async def admin(self, query: str, **variables: Any) -> Any:
        """The data of an answer of the admin API without errors."""
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def shop(self, query: str, **variables: Any) -> Any:
        """What anybody gets from the shop API."""
        answer = (await self.send("POST", "/shop-api", json={"query": query, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    # --- what is there -------------------------------------------------------------------------------------------

    async def shown(self, product: Product) -> Json | None:
        """What shoppers see of a product: `featuredAsset`, `assets`, `variants`; None if they do not see it."""
        found: Json | None = (await self.shop(SHOWN, id=product.id))["product"]
        return found

    async def gallery(self, product: Product) -> list[str]:
        """The ids of the assets that shoppers see at a product, in order."""
        shown = await self.shown(product)
        return [asset["id"] for asset in shown["assets"]] if shown else []

    async def assets(self, tag: str = "") -> list[Json]:
        """All assets with a tag, or all, oldest first."""
        options: Json = {"sort": {"id": "ASC"}, "take": 1000} | ({"tags": [tag], "tagsOperator": "AND"} if tag else {})
        query = f"query ($options: AssetListOptions) {{ assets(options: $options) {{ items {{ {ASSET} }} }} }}"
        return list((await self.admin(query, options=options))["assets"]["items"])

    async def asset(self, asset: str) -> Json | None:
        found: Json | None = (await self.admin(f"query ($id: ID!) {{ asset(id: $id) {{ {ASSET} }} }}", id=asset))[
            "asset"
        ]
        return found

    async def products(self) -> list[Json]:
        query = "{ products(options: { take: 1000 }) { items { id updatedAt enabled variants { id sku } } } }"
        return list((await self.admin(query))["products"]["items"])

    async def content(self, address: str) -> bytes | None:
        """What anybody gets from an asset's address, or None if nothing is there."""
        answer = await self.send("GET", httpx.URL(address).raw_path.decode())
        assert answer.status_code in (200, 404), answer.text
        return answer.content if answer.status_code == 200 else None

    # --- what people do ------------------------------------------------------------------------------------------

    async def add_product(self, sku: str) -> Product:
        """A product that is for sale, with one variant."""
        words = {"languageCode": "en", "name": sku}
        product = await self.admin(
            "mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }",
            input={"enabled": True, "translations": [words | {"slug": sku.lower(), "description": ""}]},
        )
        key = product["createProduct"]["id"]
        variants = await self.admin(
            "mutation ($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id } }",
            input=[{"productId": key, "sku": sku, "price": 1000, "translations": [words]}],
        )
        return Product(key, variants["createProductVariants"][0]["id"], sku)

    async def try_upload(
        self, files: Mapping[str, tuple[bytes, str]], tags: Sequence[str] = (), headers: Mapping[str, str] = PREFLIGHT
    ) -> httpx.Response:
        """Send files by name, each with its content and media type; the answer as it came."""
        variables = {"input": [{"file": None, "tags": list(tags)} for _ in files]}
        parts: list[tuple[str, Any]] = [
            ("operations", (None, json.dumps({"query": UPLOAD, "variables": variables}))),
            ("map", (None, json.dumps({str(n): [f"variables.input.{n}.file"] for n in range(len(files))}))),
        ]
        parts += [(str(n), (name, *file)) for n, (name, file) in enumerate(files.items())]
        return await self.send("POST", "/admin-api", files=parts, headers={**self._key, **headers})

    async def upload(self, name: str, content: bytes, tags: Sequence[str] = ()) -> Json:
        """A picture; returns the asset."""
        answer = (await self.try_upload({name: (content, "image/jpeg")}, tags)).json()
        return dict(answer["data"]["createAssets"][0])

    async def show(self, product: Product, assets: Sequence[str], featured: str | None = None) -> Json:
        """Let a product have these assets, in this order; returns what it has then."""
        change: Json = {"id": product.id, "assetIds": list(assets), "featuredAssetId": featured}
        return dict((await self.admin(SHOW, input=change))["updateProduct"])

    async def delete_asset(self, asset: str, *, force: bool = False) -> Json:
        """The answer to a deletion: `result`, `message`."""
        query = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { result message } }"
        return dict((await self.admin(query, input={"assetId": asset, "force": force}))["deleteAsset"])

    async def reset(self) -> None:
        """No products, no assets."""
        for product in await self.products():
            await self.admin("mutation ($id: ID!) { deleteProduct(id: $id) { result } }", id=product["id"])
        keys = [asset["id"] for asset in await self.assets()]
        query = "mutation ($input: DeleteAssetsInput!) { deleteAssets(input: $input) { result message } }"
        await self.admin(query, input={"assetIds": keys, "force": True})
