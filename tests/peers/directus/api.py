"""Directus as its own users and public see it: reads what is there and does what people do, not through syncd."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

Json = dict[str, Any]
PATIENCE = 60.0
"""Seconds in which a peer that is starting or under pressure must answer."""


class DirectusApi:
    """A client with one token, or with none: then it is the public."""

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=60)

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask once; the answer as it came."""
        return await self._client.request(method, path, **content)

    async def data(self, method: str, path: str, **content: Any) -> Any:
        """The data of an answer that must be a success; asks again while Directus says that it is under pressure."""
        async with asyncio.timeout(PATIENCE):
            while (answer := await self.send(method, path, **content)).status_code == 503:
                assert "Under pressure" in answer.text
                await asyncio.sleep(0.05)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"] if answer.content else None

    # --- what is there -------------------------------------------------------------------------------------------

    async def files(self, **where: str) -> list[Json]:
        """All files, oldest first; `where` names fields and what they equal."""
        return await self._all("/files", "created_on", where)

    async def file(self, file: str) -> Json | None:
        found = await self.files(id=file)
        return found[0] if found else None

    async def products(self, **where: str) -> list[Json]:
        return await self._all("/items/products", "sku", where)

    async def product(self, sku: str) -> Json:
        (found,) = await self.products(sku=sku)
        return found

    async def gallery(self, sku: str) -> list[str]:
        """The ids of the files linked to a product, in order; one linked twice is there twice."""
        product = await self.product(sku)
        links = await self._all("/items/products_files", "sort,id", {"products_id": product["id"]})
        return [link["directus_files_id"] for link in links]

    async def folders(self) -> list[Json]:
        return await self._all("/folders", "name", {})

    async def revisions(self, collection: str, item: str) -> list[Json]:
        """What was changed in an item, oldest first: `activity.action`, `delta`."""
        where = {"collection": collection, "item": item}
        return await self._all("/revisions", "id", where, fields="*,activity.action,activity.user,activity.timestamp")

    async def activity(self, collection: str, action: str) -> list[Json]:
        """What was done (`create`, `update`, `delete`) in a collection, oldest first."""
        return await self._all("/activity", "id", {"collection": collection, "action": action})

    async def _all(self, path: str, sort: str, where: dict[str, str], fields: str = "*") -> list[Json]:
        query = {f"filter[{name}][_eq]": value for name, value in where.items()}
        found = await self.data("GET", path, params={"sort": sort, "limit": "-1", "fields": fields} | query)
        return list(found)

    async def content(self, file: str) -> bytes:
        """The bytes of a file."""
        answer = await self.send("GET", f"/assets/{file}")
        assert answer.status_code == 200, answer.text
        return answer.content

    # --- what people do ------------------------------------------------------------------------------------------

    async def add_product(self, sku: str, **fields: Any) -> str:
        """A product; returns its id."""
        return str((await self.data("POST", "/items/products", json={"sku": sku, "title": sku} | fields))["id"])

    async def upload(self, name: str, content: bytes, **fields: str) -> str:
        """A file; returns its id."""
        file = {"file": (name, content, "image/jpeg")}
        return str((await self.data("POST", "/files", data=fields, files=file))["id"])

    async def link(self, sku: str, file: str) -> None:
        """Put a file at the end of a product's gallery, as the app does it."""
        change = {"images": {"create": [{"directus_files_id": file}], "update": [], "delete": []}}
        await self.data("PATCH", f"/items/products/{(await self.product(sku))['id']}", json=change)

    async def add_folder(self, name: str) -> str:
        return str((await self.data("POST", "/folders", json={"name": name}))["id"])

    async def post_events(
        self, url: str, scopes: Sequence[str], *, collections: Sequence[str] = ("products",), key: str = "hook-key",
        body: str = "{{$trigger}}",
    ) -> str:  # fmt: skip
        """A flow that posts events to a URL; returns its id.

        Args:
            scopes: such as `files.upload`, `files.update`, `files.delete`, `items.create`, `items.update`.
            collections: whose items count for the `items` scopes.
            key: what the header `x-syncd-key` carries.
            body: the template of the body.
        """
        options = {"type": "action", "scope": list(scopes), "collections": list(collections)}
        flow = {"name": "events", "status": "active", "trigger": "event", "accountability": "all", "options": options}
        made = await self.data("POST", "/flows", json=flow)
        request = {"method": "POST", "url": url, "headers": [{"header": "x-syncd-key", "value": key}], "body": body}
        place = {"position_x": 19, "position_y": 1}
        operation = {"flow": made["id"], "key": "post", "name": "post", "type": "request", "options": request} | place
        operation = await self.data("POST", "/operations", json=operation)
        await self.data("PATCH", f"/flows/{made['id']}", json={"operation": operation["id"]})
        return str(made["id"])

    async def share_files(self) -> None:
        """Let everybody read all files, so that `/assets/ID` is a public link."""
        policy = await self._public_policy()
        allowed = {"collection": "directus_files", "action": "read", "fields": ["*"], "permissions": {}}
        await self.data("POST", "/permissions", json={"policy": policy} | allowed)

    async def unshare_files(self) -> None:
        found = await self._all("/permissions", "id", {"policy": await self._public_policy()})
        await self._delete("/permissions", [permission["id"] for permission in found])

    async def _public_policy(self) -> str:
        return str((await self._all("/policies", "name", {"name": "$t:public_label"}))[0]["id"])

    async def reset(self) -> None:
        """As it was when the test run began: no flows, no products, no files, nothing public."""
        await self.unshare_files()
        for path in ("/flows", "/items/products", "/files", "/folders"):
            await self._delete(path, [item["id"] for item in await self._all(path, "id", {})])

    async def _delete(self, path: str, keys: Sequence[Any]) -> None:
        if keys:
            await self.data("DELETE", path, json=list(keys))
