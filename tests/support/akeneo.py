"""Akeneo opened for tests: the connector over httpx, the vendor behind it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import respx

from syncd.sdk.http import open_client
from syncd.sdk.media import Media
from syncd.sdk.oauth import MAIN
from syncd.sdk.oauth.credential import Issued, OAuthCredential
from syncd.sdk.oauth.exchange import Exchange
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.systems.akeneo import AkeneoSystem
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.testing.clock import ManualClock
from tests.support import systems
from tests.support.vendors.akeneo import CLIENT, HOST, PASSWORD, SECRET, USER, AkeneoVendor

T = TypeVar("T")
V1, V2, V3 = b"first version", b"second version", b"third version"
BYTES = {hashlib.sha256(content).hexdigest(): content for content in (V1, V2, V3)}
LOGIN = {"client_id": CLIENT, "client_secret": SECRET, "username": USER, "password": PASSWORD}
ASSETS = {
    "family": "creator_content", "media": "media", "mark": "syncd_version", "title": ["label-en_US", "label-de_DE"],
    "alt": ["alt-en_US"], "rights_until": "rights_until", "status": "status", "metadata": {"creator": "photographer"},
    "statuses": {"approved": "active", "withdrawn": "inactive", "expired": "inactive", "superseded": "archived"},
}  # fmt: skip
PRODUCTS = {
    "title": "name-en_US-ecommerce", "gtin": "ean", "version": "packaging_version", "status": "lifecycle",
    "active": ["new", "active"], "discontinued": ["phased_out"], "names": {"shopify-us": "shopify_id"},
    "fields": {"claim": "claim-de_DE", "weight": "weight"}, "content_status": "content",
}  # fmt: skip
LINKS = {"master": {"attribute": "creator_pictures"}, "main": {"attribute": "model_pictures", "on": "parent"}}


@asynccontextmanager
async def opened(
    vendor: AkeneoVendor, clock: ManualClock, root: Path, role: Role = Role.CATALOG, **options: Any
) -> AsyncIterator[AkeneoSystem]:
    """The connector in a role, signed in as the daemon does it."""
    stated = {"url": HOST, "login": LOGIN, "products": PRODUCTS, "links": LINKS, "assets": ASSETS, **options}
    given = AkeneoOptions.model_validate({name: value for name, value in stated.items() if value is not None})
    http = open_client("akeneo", clock, secrets_of(given), deadline=AkeneoSystem.call_deadline)
    for declared in AkeneoSystem.authorization(given).values():
        exchange = Exchange("akeneo", clock, lambda: AkeneoSystem.authorization(given)[MAIN], http)
        credential = OAuthCredential("akeneo", clock, Issued(exchange), declared)
        credential.attach_to(http)
        http.auth = credential.auth
    context = systems.context(root, clock, http=http, media=BYTES)
    with respx.mock(using="httpx", assert_all_called=False) as mock:
        mock.route(host="acme.cloud.akeneo.com").mock(side_effect=vendor)
        yield AkeneoSystem(context, given, role)
    await http.aclose()


async def run(clock: ManualClock, work: Awaitable[T]) -> T:
    """What comes of some work; time passes only while it waits for that."""
    task = asyncio.ensure_future(work)
    for _ in range(200):
        for _ in range(3000):
            if task.done():
                return await task
            await asyncio.sleep(0)
        await clock.advance(0.5)
    task.cancel()
    raise AssertionError("the work does not end")


def media(content: bytes = V1, *, version: int = 1, role: str = "master", asset: str = "A1", **more: str) -> Media:
    """A media item of ours."""
    placement = more.pop("placement", "P1")
    known = systems.media(content, placement=placement, asset=asset, version=version, name=f"{asset}-v{version}.jpg")
    return replace(known, role=role, alt="Beach", **more)
