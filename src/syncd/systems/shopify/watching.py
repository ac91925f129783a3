"""Listings that changed since they were last asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import Field

from syncd.sdk.changes import Change, ChangePage, Subject
from syncd.sdk.understood import Shape
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.catalogue import changed_since
from syncd.systems.shopify.figures import INDEX_LAG


class _Changed(Shape):
    id: str
    updated_at: datetime = Field(alias="updatedAt")


class Watching:
    """Implements `Watches` for a shop."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def changes(self, since: str) -> AsyncIterator[ChangePage]:
        """See `Watches.changes`. Deleted products show only when all are read."""
        if not since:
            yield ChangePage([], self._api.context.clock.now().isoformat())
            return
        document, newest = documents.CHANGED_LISTINGS, datetime.fromisoformat(since)
        asked = {"query": changed_since(newest - INDEX_LAG)}
        async for page in self._api.pages(document, asked, ("products",), points=252.0):
            found = [self._api.read(_Changed, node, document) for node in page["nodes"]]
            newest = max([newest, *(one.updated_at for one in found)])
            changes = [Change(Subject.LISTING, one.id, at=one.updated_at) for one in found]
            yield ChangePage(changes, newest.isoformat())
