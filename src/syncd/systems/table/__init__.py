"""Products from a table: CSV, JSON lines or a JSON array, in a file or at a URL; media linked in a file beside it."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from syncd.domain.product import ProductRecord
from syncd.errors import ConfigError, RejectedError
from syncd.sdk import marks
from syncd.sdk.catalog import CatalogPage, ProductMedia
from syncd.sdk.context import Context
from syncd.sdk.media import Media, ObservedMedia
from syncd.sdk.resource import Opened, Resource
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System
from syncd.sdk.values import Duration, Size
from syncd.systems.table.media_file import MediaFile
from syncd.systems.table.rows import Columns, Row, open_rows, product

PAGE = 1000  # products of one page


class TableOptions(Options):
    """Which table, and which of its columns mean what."""

    source: str = Field(description="Path below SYNCD_ROOT or http(s) URL of the table.")
    format: Literal["auto", "csv", "jsonl", "json"] = Field(
        "auto", description="csv, jsonl (one object a line) or json (one array); auto goes by the extension."
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="What separates the cells of a CSV.")
    columns: Columns = Field(Columns(), description="The columns that hold each fact.")
    active: tuple[str, ...] = Field(("active",), description="Values of the status column that mean sold.")
    discontinued: tuple[str, ...] = Field(("discontinued",), description="Values that mean no longer sold.")
    media_file: str = Field("", description="A .jsonl or .csv file, below SYNCD_ROOT, that links products to media.")
    limit: Size = Field(512_000_000, description="The largest table that is read.")
    deadline: Duration = Field(timedelta(minutes=2), description="How long a download may take.")


class TableSystem(System):
    """A table as the product catalogue."""

    name: ClassVar[str] = "table"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CATALOG})
    options: ClassVar[type[Options]] = TableOptions
    example: ClassVar[str] = """\
# Products from a table: a CSV file, JSON lines, or either at a URL.
connector: table
brand: acme
roles: [catalog]
owner: dana@acme.example
poll: 15m
options:
  source: data/products.csv            # or https://erp.example/products.jsonl
  columns:                             # only what is called otherwise than here
    sku: sku
    gtin: ean
    status: state
    names: {shopify-us: shopify_id}    # what other connections call the SKU
  active: [active, new]
  discontinued: [discontinued, ended]
  media_file: data/product-media.jsonl # here syncd links pictures to products
"""

    def __init__(self, context: Context, options: TableOptions, role: Role) -> None:
        self._context = context
        self._options = options
        seconds = options.deadline.total_seconds()
        self._resource = Resource(options.source, context.root, context.http, options.limit, seconds)
        self._media = MediaFile(context.root / options.media_file) if options.media_file else None
        self._statuses = {value.casefold(): True for value in options.active}
        self._statuses |= {value.casefold(): False for value in options.discontinued}

    async def products(self, since: str) -> AsyncIterator[CatalogPage]:
        """All products if the table changed since the checkpoint, nothing if it did not.

        Only a table read to its end, each row understood, is `complete`. Rows that are not come as `problems`, with
        their line.

        Raises:
            RejectedError: the table is empty, cut off, or lacks a column. TransientError: it could not be read whole.
        """
        known = json.loads(since) if since else {}
        meaning = self._meaning()
        version = known.get("version", "") if known.get("meaning") == meaning else ""
        async with self._resource.open(version) as opened:
            if opened is None:
                return
            checkpoint = json.dumps({"meaning": meaning, "version": opened.version})
            async for page in self._pages(opened, checkpoint):
                yield page

    async def _pages(self, opened: Opened, checkpoint: str) -> AsyncIterator[CatalogPage]:
        rows = self._rows(opened)
        understood = _Reading(self._options.columns, self._statuses)
        batch = await asyncio.to_thread(understood.batch, rows)
        while batch.products or batch.problems:
            following = await asyncio.to_thread(understood.batch, rows)
            last = not (following.products or following.problems)
            if last:
                opened.require_unchanged()
                total = understood.count if understood.whole else None
                yield CatalogPage(batch.products, checkpoint, understood.whole, total, batch.problems)
            else:
                yield batch
            batch = following
        if not understood.count:
            raise RejectedError(f"{self._resource.location} lists no product.", remedy="Look why the export is empty.")

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Link media to the product in the media file; rows of others and of other products stay as they are."""
        return await self._media_file().attach(sku, media)

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Remove exactly these links of ours."""
        await self._media_file().detach(sku, media)

    async def linked(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """What the media file links to these products, others' links included, in its order."""
        return await self._media_file().read(skus)

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """The mark lies beside the media file, the only thing that is written here."""
        path = self._media_file().path
        return await marks.claim(path.with_name(f".{path.name}.syncd"), ledger, take_over=take_over)

    async def check(self) -> str:
        """Whether the table can be opened and has its columns."""
        async with self._resource.open() as opened:
            assert opened is not None
            location = self._resource.location
            first = await asyncio.to_thread(next, self._rows(opened), None)
        if first is None:
            raise RejectedError(f"{location} lists no product.", remedy="Look why the export is empty.")
        return f"{location} can be read; its first SKU is {first.cells.get(self._options.columns.sku, '')}"

    def _media_file(self) -> MediaFile:
        if self._media is None:
            remedy = "Set `media_file` in its options."
            raise ConfigError(f"{self._context.connection} names no media_file.", remedy=remedy)
        return self._media

    def _format(self) -> str:
        if self._options.format != "auto":
            return str(self._options.format)
        extension = {"ndjson": "jsonl"}.get(self._resource.extension, self._resource.extension)
        if extension not in ("csv", "jsonl", "json"):
            remedy = "Set `format` in its options."
            raise ConfigError(f"The format of {self._resource.location} is not known.", remedy=remedy)
        return extension

    def _rows(self, opened: Opened) -> Iterator[Row]:
        options = self._options
        return open_rows(opened.file, self._format(), options.delimiter, options.columns, options.source)

    def _meaning(self) -> str:
        """Changes when the same table would be understood otherwise."""
        stated = self._options.model_dump_json(include={"columns", "active", "discontinued", "format", "delimiter"})
        return hashlib.sha256(stated.encode()).hexdigest()[:16]


class _Reading:
    """Turns rows to pages and remembers what was seen on the way."""

    def __init__(self, columns: Columns, statuses: dict[str, bool]) -> None:
        self._columns, self._statuses = columns, statuses
        self._lines: dict[str, int] = {}
        self.whole = True

    @property
    def count(self) -> int:
        return len(self._lines)

    def batch(self, rows: Iterator[Row]) -> CatalogPage:
        """The next page of rows; empty at the end."""
        products: list[ProductRecord] = []
        problems: list[str] = []
        for row in itertools.islice(rows, PAGE):
            try:
                record = product(row, self._columns, self._statuses)
                if record.sku in self._lines:
                    raise ValueError(f"SKU {record.sku} stands already in line {self._lines[record.sku]}")
                self._lines[record.sku] = row.line
                products.append(record)
            except ValueError as error:
                problems.append(f"{row.place}: {error}")
        self.whole = self.whole and not problems
        return CatalogPage(products, problems=problems)
