"""Akeneo PIM (SaaS) as it answers, from its documentation at github akeneo/pim-api-docs 61ef548 (2026-08-18) and, where
that says nothing, from akeneo/pim-community-dev.

Products and models are in `catalogue`, assets in `family`, files in `files`; what is here signs in, counts and routes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import httpx

from syncd.clock import Clock
from syncd.testing.vendor import CatalogVendor, LibraryVendor, Stands, body_of
from tests.support.vendors.akeneo.catalogue import SIMPLE, Catalogue
from tests.support.vendors.akeneo.family import Family
from tests.support.vendors.akeneo.files import Files, parts_of
from tests.support.vendors.akeneo.refusal import Refusal
from tests.support.vendors.akeneo.values import Attribute, of

HOST = "https://acme.cloud.akeneo.com"
ROOT = "/api/rest/v1"
CLIENT, SECRET, USER, PASSWORD = "1_client", "the-secret-of-the-client", "syncd_1234", "the-password-of-the-user"
APP_TOKEN = "the-token-of-an-app-which-does-not-end"
LIFE = 3600  # seconds of an access token
PREFIX = "syncd_"
"""How the codes of assets begin that are not others'."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart."""

    query: Mapping[str, str]
    body: Any
    raw: httpx.Request


class AkeneoVendor(CatalogVendor, LibraryVendor):
    """One PIM with a family of variants, a simple product, an asset family, and what others put into them."""

    PRODUCT = SIMPLE
    ASSET = "A0000001"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.zone = ZoneInfo("UTC")
        """The server's time zone, by which it reads filters on products."""
        self.ahead = 0.0
        """Seconds by which its clock differs from ours."""
        self.forbidden: set[str] = set()
        """Permissions that the connection's role lacks, as `list products`."""
        self.files = Files()
        self.family = Family(self.now, self.files)
        self.catalogue = Catalogue(self.now, self.files, self.family, self)
        self._tokens: dict[str, float] = {}
        self._under_way = 0
        self._recent: deque[float] = deque()
        self.family.hold(f"{PREFIX}{self.ASSET}", b"held from the beginning")
        self.signed_in = 0

    # --- what tests do ----------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """By its own clock."""
        return self.clock.now() + timedelta(seconds=self.ahead)

    def end_tokens(self) -> None:
        """No access token given so far holds any more."""
        self._tokens.clear()

    def skus(self) -> Sequence[str]:
        return self.catalogue.skus()

    def links(self, sku: str) -> Sequence[Stands]:
        found = [code for code in self.catalogue.linked(sku) if code in self.family.assets]
        ours = [code.startswith(PREFIX) for code in found]
        sources = [hashlib.sha256(self.family.bytes_of(code)).hexdigest() for code in found]
        return [Stands(source, not own) for source, own in zip(sources, ours, strict=True)]

    def touch(self, sku: str) -> str:
        self.catalogue.edit(sku, of("ean", f"{self.clock.now().timestamp():.0f}"))
        return sku

    def held(self, asset: str) -> Sequence[str]:
        code = f"{PREFIX}{asset}"
        in_use = code in self.family.assets and self.family.data(code, "status") == "active"
        return [hashlib.sha256(self.family.bytes_of(code)).hexdigest()] if in_use else []

    def others(self) -> str:
        theirs = {code: asset for code, asset in self.family.assets.items() if not code.startswith(PREFIX)}
        return json.dumps([theirs, self.catalogue.others(PREFIX)], sort_keys=True)

    # --- answering --------------------------------------------------------------------------------------------------

    def writes(self, request: httpx.Request) -> bool:
        """Signing in, asking, and files that nothing shows yet change nothing."""
        path = request.url.path
        return request.method in ("PATCH", "POST", "DELETE") and "oauth" not in path and "asset-media-files" not in path

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """As Akeneo answers; its `Date` is by its own clock."""
        await request.aread()
        self._under_way += 1
        try:
            for _ in range(3):  # others may ask meanwhile
                await asyncio.sleep(0)
            response = self._counted(request)
        except Refusal as refusal:
            response = refusal.response()
        finally:
            self._under_way -= 1
        response.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return response

    def _counted(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > 100 or self._under_way > 4:
            self.violations.append(f"{len(self._recent)} calls in a second, {self._under_way} at once")
            return httpx.Response(429, headers={"Retry-After": "1"})
        if request.url.path == "/api/oauth/v1/token":
            return self._token(request)
        self._require_token(request)
        return self._route(request)

    # --- signing in -------------------------------------------------------------------------------------------------

    def _token(self, request: httpx.Request) -> httpx.Response:
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {client}":
            raise Refusal(422, 'Parameter "client_id" is missing or does not match any client, or secret is invalid')
        asked = body_of(request)
        if asked.get("grant_type") != "password" or (asked.get("username"), asked.get("password")) != (USER, PASSWORD):
            raise Refusal(422, "No user found for the given username and password")
        self.signed_in += 1
        access = f"access-{self.signed_in}-" + "NzFiYTM4ZTEwMjcw" * 3
        self._tokens[access] = self.clock.monotonic() + LIFE
        answer = {"access_token": access, "expires_in": LIFE, "token_type": "bearer", "scope": None}
        return httpx.Response(200, json={**answer, "refresh_token": f"refresh-{self.signed_in}"})

    def _require_token(self, request: httpx.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != APP_TOKEN and self._tokens.get(token, -1.0) < self.clock.monotonic():
            raise Refusal(401, "Authentication is required")

    def require(self, permission: str) -> None:
        """The connection's role must have it."""
        if permission in self.forbidden:
            raise Refusal(403, f"Access forbidden. You are not allowed to {permission}.")

    # --- routes -----------------------------------------------------------------------------------------------------

    def _route(self, request: httpx.Request) -> httpx.Response:
        resource = request.url.raw_path.decode().partition("?")[0].removeprefix(ROOT)
        asked = Asked(dict(request.url.params), self._body(request), request)
        for method, pattern, act in self._routes():
            found = re.fullmatch(pattern, resource)
            if found and request.method == method:
                return act(asked, *map(unquote, found.groups()))
        raise Refusal(404, f"No route found for '{request.method} {resource}'")

    def _routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        code = r"([^/]+)"
        return [
            ("GET", "/products-uuid", self.catalogue.list_products),
            ("PATCH", "/products-uuid", self.catalogue.patch_products),
            ("GET", f"/products-uuid/{code}", self.catalogue.get_product),
            ("PATCH", f"/products-uuid/{code}", self.catalogue.patch_product),
            ("GET", "/product-models", self.catalogue.list_models),
            ("PATCH", "/product-models", self.catalogue.patch_models),
            ("GET", f"/product-models/{code}", self.catalogue.get_model),
            ("PATCH", f"/product-models/{code}", self.catalogue.patch_model),
            ("POST", "/media-files", self.catalogue.post_media_file),
            ("GET", f"/attributes/{code}", self.catalogue.get_attribute),
            ("GET", f"/attributes/{code}/options", self.catalogue.list_options),
            ("POST", "/asset-media-files", self._post_asset_file),
            ("GET", f"/asset-families/{code}/attributes", self.family.list_attributes),
            ("GET", f"/asset-families/{code}/attributes/{code}/options", self.family.list_options),
            ("GET", f"/asset-families/{code}/assets", self.family.list_assets),
            ("PATCH", f"/asset-families/{code}/assets", self.family.patch_assets),
            ("GET", f"/asset-families/{code}/assets/{code}", self.family.get_asset),
            ("PATCH", f"/asset-families/{code}/assets/{code}", self.family.patch_asset),
        ]

    def _body(self, request: httpx.Request) -> Any:
        kind = request.headers.get("Content-Type", "")
        if request.method == "GET":
            return None
        if kind.startswith("multipart/form-data"):
            return parts_of(kind, request.content)
        if kind == "application/vnd.akeneo.collection+json":
            return [json.loads(line) for line in request.content.decode().splitlines()]
        if kind != "application/json":
            raise Refusal(415, f"'{kind}' in 'Content-type' header is not valid.  Only 'application/json' is allowed.")
        return body_of(request)

    def _post_asset_file(self, asked: Asked) -> httpx.Response:
        self.require("create or update assets")
        code = self.files.keep(asked.body)
        where = f"{HOST}{ROOT}/asset-media-files/{code}"
        return httpx.Response(201, headers={"Location": where, "Asset-media-file-code": code})


__all__ = ["APP_TOKEN", "CLIENT", "HOST", "PASSWORD", "SECRET", "USER", "AkeneoVendor", "Asked", "Attribute", "Refusal"]
