"""A Shopify shop that exists only in tests: the Admin GraphQL API, the storage uploads go to, the content network and
the token endpoint, as Shopify documents them. Requests are held against `schema.graphql` and priced.

What is known of the files' API beyond the documents (order of checks, all or nothing, which duplicate modes a kind
takes) is as Shopify's own open conformance recordings show it, 2026.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from pathlib import Path
from typing import Any

import graphql as gql
import httpx

from syncd.clock import Clock
from syncd.testing.vendor import CatalogVendor, Mischief, ShopVendor, Stands, body_of
from tests.support.vendors.shopify.cost import Bucket, cost_of
from tests.support.vendors.shopify.reading import Reading, Unpaged, connection
from tests.support.vendors.shopify.state import Product, State, Variant
from tests.support.vendors.shopify.writing import STAGING, Writing, mark, subscription

SHOP = "acme-us.myshopify.com"
VERSION = "2026-10"
HOSTS = (SHOP, "shopify-staged-uploads.storage.googleapis.com", "storage.googleapis.com", "cdn.shopify.com")
SCOPES = ("write_products", "write_files")
SEEN = ("fileUpdate", "fileDelete", "productReorderMedia", "productVariantAppendMedia", "productVariantDetachMedia")
"""Mutations that change what shoppers see; `fileCreate` and the others do not."""


@cache
def schema() -> gql.GraphQLSchema:
    """The parts of Shopify's schema the fake speaks."""
    return gql.build_schema((Path(__file__).parent / "schema.graphql").read_text())


@cache
def checked(query: str) -> tuple[gql.DocumentNode, list[gql.GraphQLError]]:
    """A document and what of it the schema does not know; it is asked with few, again and again."""
    document = gql.parse(query)
    return document, gql.validate(schema(), document)


class ShopifyShop(ShopVendor, CatalogVendor):
    """The shop: `LISTING` has a picture of others' and one variant, `OTHER` no media and two variants."""

    PRODUCT = "GL-1"

    LISTING = "gid://shopify/Product/1"
    OTHER = "gid://shopify/Product/2"
    TOKEN = "shpat_0123456789abcdef"
    CLIENT_ID, CLIENT_SECRET = "c11ent", "shpss_s3cret-of-the-app"

    def __init__(self, clock: Clock, *, plan: float = 100.0, most: float = 2000.0) -> None:
        super().__init__(clock)
        self.state = State(clock.now, self.violations)
        self.bucket = Bucket(clock.monotonic, most, plan)
        self.throttled = 0
        self.operations: list[tuple[str, dict[str, Any]]] = []
        self.granted = list(SCOPES)
        self.serve_deleted = timedelta()
        self.tokens: dict[str, datetime | None] = {self.TOKEN: None}
        self.refresh_tokens: set[str] = set()
        self.codes: set[str] = set()
        self._reading = Reading(self.state)
        self._writing = Writing(self.state, self._reading, self._run_bulk)
        self._stock()

    def _stock(self) -> None:
        state, now = self.state, self.clock.now()
        first = Variant("gid://shopify/ProductVariant/11", "GL-1", "0401234567890")
        two = [
            Variant("gid://shopify/ProductVariant/21", "GL-2-S", "0401", "S", [("Size", "S")]),
            Variant("gid://shopify/ProductVariant/22", "GL-2-M", None, "M", [("Size", "M")]),
        ]
        store = f"https://{SHOP}/products"
        state.products = {
            self.LISTING: Product(self.LISTING, "glow-serum", "Glow Serum", [first], now, store_url=f"{store}/glow"),
            self.OTHER: Product(self.OTHER, "glow-shirt", "Glow Shirt", two, now),
        }
        studio = state.add_file("MediaImage", "studio.jpg", "studio", alt="on white", foreign=True)
        state.reference(studio.id, self.LISTING)

    # --- what tests ask and do ---------------------------------------------------------------------------------------

    def gallery(self, listing: str) -> Sequence[Stands]:
        self.state.advance()
        files = [self.state.files[one] for one in self.state.products[listing].media]
        return [Stands(file.source, file.foreign) for file in files]

    def settle(self) -> None:
        self.state.settle()

    def skus(self) -> Sequence[str]:
        return [variant.sku for product in self.state.products.values() for variant in product.variants if variant.sku]

    def links(self, sku: str) -> Sequence[Stands]:
        return self.gallery(self._selling(sku).id)

    def touch(self, sku: str) -> str:
        self.state.touched(self._selling(sku))
        return sku

    def _selling(self, sku: str) -> Product:
        products = self.state.products.values()
        return next(product for product in products if any(variant.sku == sku for variant in product.variants))

    def names(self, listing: str) -> list[str]:
        """The file names of a gallery, in order."""
        self.state.advance()
        return [self.state.files[one].name for one in self.state.products[listing].media]

    def add_foreign(self, listing: str, name: str) -> str:
        """Another picture of others', at the end."""
        file = self.state.add_file("MediaImage", name, name, foreign=True)
        self.state.reference(file.id, listing)
        return file.id

    def asked(self, field: str) -> list[dict[str, Any]]:
        """The variables of the operations that had this root field."""
        return [variables for name, variables in self.operations if name == field]

    def webhook(self, topic: str, payload: Any, *, event: str = "e-1", **headers: str) -> tuple[dict[str, str], bytes]:
        """A webhook as Shopify sends it; headers by their lower-case names."""
        body = json.dumps(payload).encode()
        digest = hmac.digest(self.CLIENT_SECRET.encode(), body, "sha256")
        sent = {
            "x-shopify-topic": topic, "x-shopify-shop-domain": SHOP, "x-shopify-api-version": VERSION,
            "x-shopify-hmac-sha256": base64.b64encode(digest).decode(), "x-shopify-webhook-id": secrets.token_hex(4),
            "x-shopify-event-id": event, "x-shopify-triggered-at": self.clock.now().isoformat(),
        }  # fmt: skip
        return {**sent, **headers}, body

    # --- HTTP --------------------------------------------------------------------------------------------------------

    def writes(self, request: httpx.Request) -> bool:
        if request.url.host != SHOP or "graphql" not in request.url.path:
            return False
        return any(field in (body_of(request) or {}).get("query", "") for field in SEEN)

    async def _gone_wrong(self, request: httpx.Request, write: bool, mischief: Mischief) -> httpx.Response:
        """The lines of a bulk operation are changed as the list they are; what is no JSON stays as it is."""
        if mischief.change is None or request.url.path.endswith("graphql.json"):
            return await super()._gone_wrong(request, write, mischief)
        true = await self.answer(request)
        if request.url.host == "storage.googleapis.com":
            lines = [json.loads(line) for line in (await true.aread()).splitlines()]
            true = _streamed("".join(f"{json.dumps(line)}\n" for line in mischief.change(lines)).encode())
        return self._recorded(request, write, true)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.state.advance()
        host, path = request.url.host, request.url.path
        if f"https://{host}" == STAGING:
            return self._uploaded(request)
        if host == "cdn.shopify.com":
            return self._served(path)
        if host == "storage.googleapis.com":
            bulk = self.state.bulks[f"gid://shopify/BulkOperation/{Path(path).stem}"]
            return _streamed("".join(f"{line}\n" for line in bulk.lines).encode())
        if path == "/admin/oauth/access_token":
            return self._token(body_of(request))
        if path != f"/admin/api/{VERSION}/graphql.json":
            return httpx.Response(404, json={"errors": "Not Found"})
        if not self._known(request.headers.get("x-shopify-access-token", "")):
            return httpx.Response(401, json={"errors": "[API] Invalid API key or access token (unrecognized login)"})
        return self._graphql(body_of(request))

    def _known(self, token: str) -> bool:
        ends = self.tokens.get(token, self.clock.now())
        return ends is None or ends > self.clock.now()

    def _token(self, asked: dict[str, Any]) -> httpx.Response:
        if (asked.get("client_id"), asked.get("client_secret")) != (self.CLIENT_ID, self.CLIENT_SECRET):
            return httpx.Response(400, json={"error": "invalid_client", "error_description": "Invalid API key"})
        grant = asked.get("grant_type")
        if grant == "client_credentials":
            return httpx.Response(200, json=self._issued(86399))
        if grant == "refresh_token" and asked.get("refresh_token") in self.refresh_tokens:
            self.refresh_tokens.discard(asked["refresh_token"])
            return httpx.Response(200, json=self._issued(3600, refresh=True))
        if asked.get("code") in self.codes:
            self.codes.discard(asked["code"])
            return httpx.Response(200, json=self._issued(3600, refresh=str(asked.get("expiring")) == "1"))
        return httpx.Response(400, json={"error": "invalid_request", "error_description": "This request is invalid"})

    def _issued(self, seconds: int, *, refresh: bool = False) -> dict[str, Any]:
        token = f"shpca_{secrets.token_hex(8)}"
        self.tokens[token] = self.clock.now() + timedelta(seconds=seconds)
        answer = {"access_token": token, "scope": ",".join(self.granted), "expires_in": seconds}
        if refresh:
            answer["refresh_token"] = f"shprt_{secrets.token_hex(8)}"
            self.refresh_tokens.add(answer["refresh_token"])
        return answer

    def _uploaded(self, request: httpx.Request) -> httpx.Response:
        """A signed form: its fields as they were signed, the file last, of the stated size."""
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = list(BytesParser(policy=HTTP).parsebytes(head + request.content).iter_parts())
        fields = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
        staged = self.state.staged.get(fields.get("key", b"").decode())
        last = parts[-1].get_param("name", header="content-disposition") if parts else ""
        if staged is None or "x-shopify-access-token" in request.headers:
            self.violations.append("an upload without a target, or with the shop's token")
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code></Error>")
        signed = {name: value.encode() for name, value in staged["parameters"].items()}
        content = fields.get("file", b"")
        sized = staged["asked"].get("fileSize") in (None, str(len(content)))
        if {**fields, "file": b""} != {**signed, "file": b""} or last != "file" or not sized:
            return httpx.Response(400, text="<Error><Code>InvalidPolicyDocument</Code></Error>")
        if int(request.headers.get("content-length", "-1")) != len(request.content):
            self.violations.append("an upload without its length")
        staged |= {"sha256": hashlib.sha256(content).hexdigest(), "broken": content.startswith(b"BROKEN")}
        return httpx.Response(201)

    def _served(self, path: str) -> httpx.Response:
        name = Path(path).name
        there = any(file.name == name for file in self.state.files.values())
        cached = any(file.name == name for file in self.state.deleted) and self.serve_deleted > timedelta()
        return httpx.Response(200 if there or cached else 404)

    # --- GraphQL -----------------------------------------------------------------------------------------------------

    def _graphql(self, asked: dict[str, Any]) -> httpx.Response:
        variables = asked.get("variables") or {}
        try:
            document, faults = checked(asked["query"])
        except gql.GraphQLSyntaxError as error:
            return _failed(error.message, "PARSE_ERROR")
        if faults:
            self.violations.append(faults[0].message)
            return _failed(faults[0].message, "undefinedField")
        operation = next(one for one in document.definitions if isinstance(one, gql.OperationDefinitionNode))
        coerced = gql.get_variable_values(schema(), operation.variable_definitions or (), variables)
        if isinstance(coerced, list):
            self.violations.append(coerced[0].message)
            return _failed(coerced[0].message, "INVALID_VARIABLE")
        return self._charged(document, operation, variables)

    def _charged(self, document: gql.DocumentNode, operation: Any, variables: dict[str, Any]) -> httpx.Response:
        cost = cost_of(schema(), document, variables)
        if cost > 1000:
            self.violations.append(f"{operation.name.value} costs {cost}")
            return _failed(f"Query cost is {cost}, which exceeds the single query max cost limit (1000).",
                           "MAX_COST_EXCEEDED")  # fmt: skip
        told = {"requestedQueryCost": cost, "actualQueryCost": None}
        if cost > self.bucket.available:
            self.throttled += 1
            extensions = {"cost": {**told, "throttleStatus": self.bucket.status()}}
            return _failed("Throttled", "THROTTLED", extensions=extensions)
        self.bucket.available -= cost
        extensions = {"cost": {**told, "actualQueryCost": cost, "throttleStatus": self.bucket.status()}}
        for node in operation.selection_set.selections:
            self.operations.append((node.name.value, variables))
        try:
            result = self._executed(document, variables)
        except Unpaged as error:
            return _failed(str(error), "BAD_REQUEST")
        if result.errors:
            original = result.errors[0].original_error
            if isinstance(original, Denied):
                return _failed(str(original), "ACCESS_DENIED", extensions=extensions)
            raise original or result.errors[0]
        return httpx.Response(200, json={"data": result.data, "extensions": extensions})

    def _executed(self, document: gql.DocumentNode, variables: dict[str, Any]) -> Any:
        return gql.execute_sync(
            schema(), document, _Root(self), variable_values=variables,
            type_resolver=lambda value, _info, _kind: value["__typename"],
        )  # fmt: skip

    def _run_bulk(self, query: str) -> list[dict[str, Any]]:
        document, faults = checked(query)
        assert not faults, faults
        self._reading.whole = True
        try:
            result = self._executed(document, {})
        finally:
            self._reading.whole = False
        assert not result.errors, result.errors
        return [edge["node"] for found in result.data.values() for edge in found["edges"]]


class Denied(Exception):
    """The app lacks an access scope."""


class _Root:
    """Root fields, as the default resolver calls them."""

    def __init__(self, shop: ShopifyShop) -> None:
        self._shop, self._reading, self._writing = shop, shop._reading, shop._writing

    def __getattr__(self, name: str) -> Any:
        if name in ("fileCreate", "fileUpdate", "fileDelete"):
            self._require("write_files")
        if name.startswith("product") and name in ShopMutations:
            self._require("write_products")
        return getattr(self._writing, name)

    def _require(self, scope: str) -> None:
        granted = set(self._shop.granted) | {one.replace("write_", "read_") for one in self._shop.granted}
        if scope not in granted:
            raise Denied(f"Access denied. Required access: `{scope}` access scope.")

    def nodes(self, _: Any, ids: list[str]) -> list[Any]:
        self._require("read_products")
        return [self._reading.by_id(one) for one in ids]

    def product(self, _: Any, id: str) -> Any:
        return self._reading.by_id(id)

    def productVariant(self, _: Any, id: str) -> Any:
        return self._reading.by_id(id)

    def products(self, _: Any, first: int | None = None, after: str | None = None, query: str = "", **__: Any) -> Any:
        self._require("read_products")
        return connection(self._reading.found_products(query), first, after, whole=self._reading.whole)

    def productVariants(self, _: Any, first: int | None = None, after: str | None = None, query: str = "",
                        **__: Any) -> Any:  # fmt: skip
        return connection(self._reading.found_variants(query), first, after)

    def productsCount(self, _: Any, **__: Any) -> Any:
        return {"count": len(self._shop.state.products), "precision": "EXACT"}

    def files(self, _: Any, first: int | None = None, after: str | None = None, query: str = "", **__: Any) -> Any:
        self._require("read_files")
        return connection(self._reading.found_files(query), first, after)

    def job(self, _: Any, id: str) -> Any:
        known = self._shop.state.jobs.get(id)
        return {"id": id, "done": known.done} if known else None

    def bulkOperation(self, _: Any, id: str) -> Any:
        known = self._shop.state.bulks.get(id)
        return self._reading.bulk(known) if known else None

    def bulkOperations(self, _: Any, first: int | None = None, after: str | None = None, **__: Any) -> Any:
        newest = reversed(list(self._shop.state.bulks.values()))
        return connection([self._reading.bulk(one) for one in newest], first, after)

    def shop(self, _: Any) -> Any:
        return {"id": "gid://shopify/Shop/1", "name": "Acme US", "myshopifyDomain": SHOP}

    def currentAppInstallation(self, _: Any) -> Any:
        return {
            "__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1",
            "accessScopes": [{"handle": scope} for scope in self._shop.granted],
            "metafield": lambda _, **__: mark(self._shop.state),
        }  # fmt: skip

    def webhookSubscriptions(self, _: Any, first: int | None = None, after: str | None = None,
                             topics: list[str] | None = None, **__: Any) -> Any:  # fmt: skip
        known = [one for one in self._shop.state.subscriptions.values() if topics is None or one.topic in topics]
        return connection([subscription(one) for one in known], first, after)


ShopMutations = frozenset({"productReorderMedia", "productVariantAppendMedia", "productVariantDetachMedia"})


def _streamed(content: bytes) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    return httpx.Response(200, content=chunks(), headers={"content-length": str(len(content))})


def _failed(message: str, code: str, extensions: dict[str, Any] | None = None) -> httpx.Response:
    answer: dict[str, Any] = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return httpx.Response(200, json=answer | ({"extensions": extensions} if extensions else {}))
