"""A plain shop as a channel: each listing's images are read, and replaced as a set, over JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from syncd.errors import RejectedError
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.limits import Limit, Window
from syncd.sdk.media import Answer, ItemResult, Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System

SOURCE = "the plain shop's page, 2026-11-01"


class PlainOptions(Options):
    """Where the shop is."""

    url: str = Field(description="Its address.")
    token: SecretStr = Field(description="Its token.")


class PlainShopSystem(System):
    """A shop whose listings' images are replaced as a set."""

    name: ClassVar[str] = "plain"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = PlainOptions
    example: ClassVar[str] = """\
# A shop with a plain JSON interface.
connector: plain
brand: acme
roles: [channel]
markets: [US]
owner: dana@acme.example
writes: ask                            # nothing is written until a person applied the first plan
products: {by: [sku]}
media: {medium: web, slots: 2..8, at_least: 1}
poll: 15m
options:
  url: https://plain.example
  token: ${PLAIN_TOKEN}
"""

    @classmethod
    def limits(cls, options: PlainOptions) -> Sequence[Limit]:
        return (Window("calls", 10, timedelta(seconds=1), SOURCE),)

    def __init__(self, context: Context, options: PlainOptions, role: Role) -> None:
        super().__init__(context, options, role)
        self._headers = {"authorization": f"Bearer {options.token.get_secret_value()}"}

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        for listing in await self._names() if listings is None else listings:
            answer = await self._get(f"/listings/{listing}", expect=(404,))
            if answer.status_code == 404:
                yield ObservedGallery(listing, exists=False)
            else:
                yield ObservedGallery(listing, self._media(_json(answer)), {"sku": listing})

    def _media(self, found: Any) -> list[ObservedMedia]:
        try:
            urls = [str(image["url"]) for image in found["images"]]
        except (KeyError, TypeError) as error:
            raise RejectedError(f"The shop's answer has no {error}: {str(found)[:200]}") from error
        ours = f"{self._context.public_url}/m/"
        return [ObservedMedia(url, url, url.removeprefix(ours) if url.startswith(ours) else "") for url in urls]

    async def _names(self) -> list[str]:
        found = _json(await self._get("/listings"))
        if not isinstance(found, dict) or len(found.get("listings", ())) != found.get("total"):
            raise RejectedError("The list of listings is not whole.")
        return list(found["listings"])

    async def _get(self, path: str, expect: Sequence[int] = ()) -> httpx.Response:
        return await self._context.http.get(
            f"{self._options.url}{path}", headers=self._headers, extensions={"expect": expect}
        )

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        return [await self._apply(change) for change in batch]

    async def _apply(self, change: GalleryChange) -> ItemResult:
        urls = [item.ours.url if item.ours else item.theirs.url for item in change.gallery]  # type: ignore[union-attr]
        images = [{"url": url} for url in urls]
        url = f"{self._options.url}/listings/{change.listing}"
        await self._context.http.put(url, json={"images": images}, headers=self._headers)
        return ItemResult(change.listing, Answer.ACCEPTED, external_ids={m.placement: m.url for m in change.add})

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        return {}

    async def check(self) -> str:
        return f"{len(await self._names())} listings"


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise RejectedError(f"The shop's answer is no JSON: {answer.text[:100]}") from error
