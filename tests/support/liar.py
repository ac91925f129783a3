"""A channel for tests, put into a world's connectors/: its galleries and its misdeeds stand in a JSON file.

Misdeeds: `down`, `rejects` (words), `lies` (keeps what is removed), `fails_after` (so many calls answer 502 after the
write), `poison` (a listing that spoils the call it is in), `jobs` (answers PENDING; `polls` questions later it is done,
-1: never), `state` (of media of ours: processing, failed), `shown` (what shoppers see), `copies` (keeps our media under
names of its own), `hears` (a key for webhooks).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from syncd.errors import HookRefused, RejectedError, TransientError
from syncd.sdk.changes import Change, ChangePage, Subject
from syncd.sdk.channel import GalleryChange, ObservedGallery
from syncd.sdk.context import Context
from syncd.sdk.media import Answer, Issue, ItemResult, Media, MediaState, ObservedMedia
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem
from syncd.sdk.system import Options, System


class LiarOptions(Options):
    path: str = Field(description="the JSON file: listings, and how to misbehave")


class Liar(System):
    name: ClassVar[str] = "liar"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    options: ClassVar[type[Options]] = LiarOptions
    example: ClassVar[str] = ""
    max_batch: ClassVar[int] = 10
    job_patience: ClassVar[timedelta] = timedelta(minutes=20)
    call_deadline: ClassVar[float] = 5.0

    def __init__(self, context: Context, options: LiarOptions, role: Role) -> None:
        super().__init__(context, options, role)
        self.path = context.root / options.path

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))

    def _write(self, state: dict[str, Any]) -> None:
        self.path.write_text(json.dumps(state))

    async def observe(self, listings: Sequence[str] | None) -> AsyncIterator[ObservedGallery]:
        state = self._read()
        if state.get("down"):
            raise TransientError("the liar is down.")
        for listing in state["listings"] if listings is None else listings:
            media = [self._seen(state, item) for item in state["listings"].get(listing, [])]
            yield ObservedGallery(listing, media, {"sku": listing}, exists=listing in state["listings"])

    def _seen(self, state: dict[str, Any], item: dict[str, str]) -> ObservedMedia:
        ours = "name" in item
        if ours and state.get("copies"):
            return ObservedMedia(f"copy of {item['id']}", "https://cdn.example/copy.jpg", placed_as=item["id"])
        return ObservedMedia(
            item["id"], item["url"], item.get("name", ""),
            state=MediaState(state.get("state", "ready")) if ours else MediaState.READY,
            message="it is blurred" if ours and state.get("state") == "failed" else "",
            shown=state.get("shown") if ours else None,
        )  # fmt: skip

    async def apply(self, batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        state = self._read()
        state["calls"] = state.get("calls", 0) + bool(batch)
        self._write(state)
        if state.get("down"):
            raise TransientError("the liar is down.")
        if state.get("poison") in [change.listing for change in batch]:
            raise RejectedError("one of them is poisoned.")
        if state.get("jobs") and batch:
            return self._begin(state, batch)
        results = [self._apply(state, change) for change in batch]
        if batch and state.get("fails_after"):
            state["fails_after"] -= 1
            self._write(state)
            raise TransientError("502 after the write.")
        self._write(state)
        return results

    def _begin(self, state: dict[str, Any], batch: Sequence[GalleryChange]) -> Sequence[ItemResult]:
        name = f"job-{state['calls']}"
        state.setdefault("open", {})[name] = {change.listing: _items(change) for change in batch}
        self._write(state)
        return [
            ItemResult(change.listing, Answer.PENDING, job=name, external_ids={m.placement: m.name for m in change.add})
            for change in batch
        ]

    async def settle(self, job: str, listings: Sequence[str]) -> Sequence[ItemResult]:
        state = self._read()
        asked = state.setdefault("asked", {})
        asked[job] = asked.get(job, 0) + 1
        if not 0 <= state.get("polls", -1) <= asked[job]:
            self._write(state)
            return [ItemResult(listing, Answer.PENDING, job=job) for listing in listings]
        state["listings"] |= state["open"].pop(job)
        self._write(state)
        return [ItemResult(listing, Answer.ACCEPTED) for listing in listings]

    def _apply(self, state: dict[str, Any], change: GalleryChange) -> ItemResult:
        if said := state.get("rejects"):
            named = [Issue(said, "watermark", change.add[0].name)] if change.add else []
            return ItemResult(change.listing, Answer.REJECTED, str(said), issues=named)
        if not (state.get("lies") and change.remove):
            state["listings"][change.listing] = _items(change)
        return ItemResult(change.listing, Answer.ACCEPTED, external_ids={m.placement: m.name for m in change.add})

    async def check_gone(self, media: Sequence[Media]) -> Mapping[str, str]:
        return {}

    def verify(self, request: HookRequest) -> RawItem:
        if request.headers.get("x-key") != self._read().get("hears", "nobody has this key"):
            raise HookRefused("bad-signature", "The key is not ours.")
        return RawItem(request.body)

    def heard(self, item: RawItem) -> Sequence[Change]:
        return [Change(Subject.LISTING, str(json.loads(item.body)["listing"]))]

    async def changes(self, since: str) -> AsyncIterator[ChangePage]:
        told = self._read().get("changed", [])
        if new := told[int(since or 0) :]:
            yield ChangePage([Change(Subject.LISTING, listing) for listing in new], str(len(told)))

    async def check(self) -> str:
        return "here"


def _items(change: GalleryChange) -> list[dict[str, str]]:
    return [
        {"id": item.ours.name, "url": item.ours.url, "name": item.ours.name}
        if item.ours
        else {"id": item.theirs.external_id, "url": item.theirs.url}  # type: ignore[union-attr]
        for item in change.gallery
    ]
