"""A channel for tests, put into a world's connectors/: its galleries and its misdeeds stand in a JSON file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from syncd.errors import TransientError
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.media import Answer, ItemResult, Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System


class LiarOptions(Options):
    path: str = Field(description="the JSON file: listings, and how to misbehave")


class Liar(System):
    name: ClassVar[str] = "liar"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = LiarOptions
    example: ClassVar[str] = ""
    max_batch: ClassVar[int] = 10
    call_deadline: ClassVar[float] = 5.0

    def __init__(self, context: Context, options: LiarOptions, role: Role) -> None:
        self.path = context.root / options.path
        self.context = context

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        state = self._read()
        if state.get("down"):
            raise TransientError("the liar is down.")
        for listing in state["listings"] if listings is None else listings:
            media = [ObservedMedia(m["id"], m["url"], m.get("name", "")) for m in state["listings"].get(listing, [])]
            yield ObservedGallery(listing, media, {"sku": listing}, exists=listing in state["listings"])

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        state = self._read()
        state["calls"] = state.get("calls", 0) + bool(batch)
        if state.get("down"):
            raise TransientError("the liar is down.")
        results = [self._apply(state, change) for change in batch]
        self.path.write_text(json.dumps(state))
        if batch and state.get("fails_after"):
            state["fails_after"] -= 1
            self.path.write_text(json.dumps(state))
            raise TransientError("502 after the write.")
        return results

    def _apply(self, state: dict[str, Any], change: GalleryChange) -> ItemResult:
        if state.get("rejects"):
            return ItemResult(change.listing, Answer.REJECTED, str(state["rejects"]))
        if not (state.get("lies") and change.remove):
            state["listings"][change.listing] = [
                {"id": i.ours.name, "url": i.ours.url, "name": i.ours.name}
                if i.ours
                else {"id": i.theirs.external_id, "url": i.theirs.url}
                for i in change.gallery
                if i.ours or i.theirs
            ]  # type: ignore[union-attr]
        return ItemResult(change.listing, Answer.ACCEPTED, external_ids={m.placement: m.name for m in change.add})

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        return {}

    async def check(self) -> str:
        return "here"

    async def close(self) -> None: ...
