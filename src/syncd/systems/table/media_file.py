"""The file that links products to media: one row a link, ours marked, rows of others kept as they stand."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.errors import ConfigError, RejectedError, TransientError
from syncd.sdk import files
from syncd.sdk.catalog import ProductMedia
from syncd.sdk.media import Media, ObservedMedia

OURS = "syncd"
COLUMNS = ("sku", "url", "name", "role", "alt", "media_type", "sha256", "asset", "version", "placement", "managed_by")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Link:
    """One row; `raw` is how it stands in the file, to the byte."""

    raw: str
    cells: Mapping[str, str]

    @property
    def ours(self) -> bool:
        return self.cells.get("managed_by") == OURS and bool(self.cells.get("placement"))


class MediaFile:
    """The links of all products. Written whole and atomically; a change by others in between is never lost."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".jsonl", ".csv"):
            raise ConfigError(f"{path.name} is neither .jsonl nor .csv.", remedy="Name the media file accordingly.")
        self.path = path
        self._lock = asyncio.Lock()

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Link media to a product; a link with the same placement is replaced where it stands."""
        wanted = {item.placement: _cells(sku, item) for item in media}

        def change(table: _Table) -> None:
            table.put(sku, wanted)

        table = await self._change(change)
        return [_observed(link) for link in table.links if link.cells.get("placement") in wanted and _is(link, sku)]

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Remove these links of ours."""
        placements = {item.placement for item in media}

        def change(table: _Table) -> None:
            table.links = [
                link for link in table.links
                if not (link.ours and _is(link, sku) and link.cells.get("placement") in placements)
            ]  # fmt: skip

        await self._change(change)

    async def read(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The links of these products in the file's order."""
        table, _ = await asyncio.to_thread(self._load)
        found: dict[str, list[ObservedMedia]] = {sku: [] for sku in skus}
        for link in table.links:
            if link.cells.get("sku") in found:
                found[link.cells["sku"]].append(_observed(link))
        return [ProductMedia(sku, observed=tuple(observed)) for sku, observed in found.items()]

    async def _change(self, change: Callable[[_Table], None]) -> _Table:
        async with self._lock:
            return await asyncio.to_thread(self._rewrite, change)

    def _rewrite(self, change: Callable[[_Table], None]) -> _Table:
        for _ in range(_ATTEMPTS):
            table, before = self._load()
            change(table)
            text = table.text()
            if text == before:
                return table
            if self._text() == before:
                files.write_atomically(self.path, text.encode())
                return table
        raise TransientError(f"{self.path} is being written to by somebody else.")

    def _text(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise RejectedError(f"{self.path} is no UTF-8 text.", remedy="Save it as UTF-8.") from error

    def _load(self) -> tuple[_Table, str]:
        text = self._text()
        kind = _Csv if self.path.suffix == ".csv" else _Jsonl
        try:
            return kind(text), text
        except ValueError as error:
            raise RejectedError(f"{self.path}: {error}.", remedy="Correct that line; nothing was written.") from error


class _Table:
    """Base of both formats: links in order, and how one is written."""

    links: list[Link]

    def put(self, sku: str, wanted: Mapping[str, dict[str, str]]) -> None:
        """Replace links of ours by placement, add those that are new."""
        known = {link.cells["placement"] for link in self.links if link.ours and _is(link, sku)}
        self.links = [
            self.written(wanted[link.cells["placement"]])
            if link.ours and _is(link, sku) and link.cells["placement"] in wanted
            else link
            for link in self.links
        ]
        self.links += [self.written(cells) for placement, cells in wanted.items() if placement not in known]

    def written(self, cells: dict[str, str]) -> Link:
        """A link of ours in this format."""
        return Link(json.dumps(cells, ensure_ascii=False) + "\n", cells)

    def text(self) -> str:
        """The whole file."""
        return _joined(link.raw for link in self.links)


class _Jsonl(_Table):
    def __init__(self, text: str) -> None:
        self.links = []
        for number, line in enumerate(_lines(text), 1):
            cells: Any = {}
            if line.strip():
                try:
                    cells = json.loads(line)
                except ValueError as error:
                    raise ValueError(f"line {number} is no JSON: {error}") from error
            if not isinstance(cells, dict):
                raise ValueError(f"line {number} is no object")
            self.links.append(Link(line, {name: str(value) for name, value in cells.items() if value is not None}))


class _Csv(_Table):
    def __init__(self, text: str) -> None:
        self.links = []
        lines = _lines(text)
        reader = csv.reader(lines, strict=True)
        try:
            self._header = next(reader, None)
            self._head = "".join(lines[: reader.line_num])
            start = reader.line_num
            for cells in reader:
                raw = "".join(lines[start : reader.line_num])
                start = reader.line_num
                self.links.append(Link(raw, dict(zip(self._header or (), cells, strict=False))))
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error
        if self._header is None:
            self._header, self._head = list(COLUMNS), ",".join(COLUMNS) + "\r\n"
        missing = {"sku", "url", "placement", "managed_by"} - {name.strip("\ufeff") for name in self._header}
        if missing:
            raise ValueError(f"there is no column {', '.join(sorted(missing))}")

    def written(self, cells: dict[str, str]) -> Link:
        out = io.StringIO()
        csv.writer(out).writerow([cells.get(name.strip("\ufeff"), "") for name in self._header or ()])
        return Link(out.getvalue(), cells)

    def text(self) -> str:
        return _joined((self._head, *(link.raw for link in self.links))) if self.links else self._head


def _joined(parts: Iterable[str]) -> str:
    """Rows one after the other; one whose line was never ended is ended before the next."""
    *before, last = [*parts] or [""]
    return "".join(row if row.endswith(("\n", "\r")) else row + "\n" for row in before) + last


def _lines(text: str) -> list[str]:
    """Lines with their ends; unlike `splitlines`, only line feeds and carriage returns end one."""
    return list(io.StringIO(text, newline=""))


def _is(link: Link, sku: str) -> bool:
    return link.cells.get("sku") == sku


def _cells(sku: str, media: Media) -> dict[str, str]:
    own = {name: str(getattr(media, name)) for name in COLUMNS if name not in ("sku", "managed_by")}
    return {"sku": sku, **own, "managed_by": OURS}


def _observed(link: Link) -> ObservedMedia:
    cells = link.cells
    name = cells.get("name", "") if link.ours else ""
    identifier = cells["placement"] if link.ours else cells.get("id") or cells.get("url", "")
    return ObservedMedia(identifier, cells.get("url", ""), name, cells.get("role", ""))
