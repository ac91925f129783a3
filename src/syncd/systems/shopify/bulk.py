"""The whole shop, read by one bulk operation: asked for, waited for, downloaded, and checked for being whole."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Any

from syncd.errors import RejectedError, TransientError
from syncd.sdk.understood import sample
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api, ScopeMissing
from syncd.systems.shopify.refusals import passing, refusal
from syncd.systems.shopify.shapes import Bulk

_VARIANT = "ProductVariant"
_RUNNING = frozenset({"CREATED", "RUNNING"})
_SHORTEST, _LONGEST = 2.0, 60.0
_LINES = 2000
_BYTES = 8 * 2**30
_SECONDS = 3600.0


@dataclass(slots=True)
class Whole:
    """One product of the reading, with the lines of what belongs to it, in their order."""

    node: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The lines of its variants."""
        return [line for line in self.lines if line.get("__typename") == _VARIANT]

    @property
    def media(self) -> list[dict[str, Any]]:
        """The lines of its media, of whatever kinds there are."""
        return [line for line in self.lines if line.get("__typename") != _VARIANT]


class BulkReading:
    """One kind of reading. An operation that is under way already is waited for instead of beginning another."""

    def __init__(self, api: Api, query: str, patience: timedelta) -> None:
        """
        Args:
            query: what is read; its one root is a connection.
            patience: how long Shopify may work on it.
        """
        self._api, self._query, self._patience = api, query, patience
        self.begun_at: datetime | None = None

    async def products(self) -> AsyncIterator[Whole]:
        """Every product. `begun_at` says since when changes may be missing.

        Raises:
            RejectedError: the shop has none, or the answer is not understood. TransientError: it is not whole, or not
            there in time; the next reading waits for the same operation.
        """
        done = await self._done(await self._under_way() or await self._begun())
        self.begun_at = done.created_at
        if not done.url:
            raise RejectedError(
                f"{self._api.context.connection}: the shop lists no product.",
                remedy="Look why the shop is empty, or whether the app may see its products.",
            )
        with tempfile.TemporaryFile() as file:
            await self._api.context.http.download(done.url, file, limit=_BYTES, seconds=_SECONDS)
            file.seek(0)
            async for whole in self._read(file, done):
                yield whole

    async def _under_way(self) -> Bulk | None:
        data = await self._api.run(documents.BULKS, points=12.0)
        nodes = self._api.nodes(self._api.payload(data, "bulkOperations", documents.BULKS), documents.BULKS)
        known = [self._api.read(Bulk, node, documents.BULKS) for node in nodes]
        return next((one for one in known if one.status in _RUNNING and _same(one.query, self._query)), None)

    async def _begun(self) -> Bulk:
        document = documents.RUN_BULK
        payload = await self._api.mutate(document, "bulkOperationRunQuery", {"query": self._query})
        errors = self._api.errors(payload, document)
        if errors and all(map(passing, errors)):
            raise TransientError(f"{self._api.name(document)} was put off: {refusal(errors)}")
        if errors:
            raise RejectedError(f"{self._api.name(document)} was refused: {refusal(errors)}")
        return self._api.read(Bulk, payload.get("bulkOperation"), document)

    async def _done(self, bulk: Bulk) -> Bulk:
        clock, document = self._api.context.clock, documents.BULK
        until = clock.monotonic() + self._patience.total_seconds()
        pause = _SHORTEST
        while bulk.status in _RUNNING:
            if clock.monotonic() >= until:
                raise TransientError(f"{self._api.name(document)}: {bulk.id} still runs; it is waited for.")
            await clock.sleep(pause)
            pause = min(1.5 * pause, _LONGEST)
            data = await self._api.run(document, {"id": bulk.id}, points=1.0)
            bulk = self._api.read(Bulk, data.get("bulkOperation"), document)
        if bulk.status == "COMPLETED":
            return bulk
        what = f"{self._api.name(document)}: {bulk.id} ended {bulk.status} ({bulk.error or 'without a reason'})."
        raise ScopeMissing(what) if bulk.error == "ACCESS_DENIED" else TransientError(what)

    async def _read(self, file: IO[bytes], bulk: Bulk) -> AsyncIterator[Whole]:
        """The products of the file, each before its successor, and only as many lines as Shopify counted."""
        whole: Whole | None = None
        lines = roots = 0
        while part := await asyncio.to_thread(_parsed, file):
            for line in part:
                if not isinstance(line, dict):
                    raise TransientError(f"{self._what()} holds a line that is no object: {self._sample(line)}")
                parent = line.get("__parentId")
                lines, roots = lines + 1, roots + (parent is None)
                if parent is None:
                    if whole is not None:
                        yield whole
                    whole = Whole(line)
                elif whole is None or parent != whole.node.get("id"):
                    raise TransientError(f"{self._what()} is not grouped: {self._sample(line)}")
                else:
                    whole.lines.append(line)
        if (lines, roots) != (bulk.objects, bulk.roots):
            raise TransientError(f"{self._what()} has {lines} lines of {bulk.objects}, {roots} roots of {bulk.roots}.")
        if whole is not None:
            yield whole

    def _what(self) -> str:
        return f"{self._api.name(documents.BULK)}: the file"

    def _sample(self, line: Any) -> str:
        return sample(line, self._api.context.http.redactor)


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def _parsed(file: IO[bytes]) -> list[Mapping[str, Any]]:
    """The next lines; a line that was cut off is no JSON."""
    try:
        return [json.loads(line) for line in islice(file, _LINES) if line.strip()]
    except ValueError as error:
        raise TransientError("The file of a bulk operation ended within a line.") from error
