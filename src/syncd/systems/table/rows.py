"""The rows of a table, whatever its format, and what each says of a product."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from pydantic import Field, ValidationError

from syncd.domain.product import ProductRecord, ProductStatus
from syncd.errors import RejectedError
from syncd.sdk.system import Options
from syncd.sdk.values import storable

_CELL = 2**20  # characters; a quote that is never closed would otherwise swallow the file into one cell
_CUT = "Have it exported again; the copy read is incomplete."


class Columns(Options):
    """The columns that hold each fact; all others become `fields` under their own names."""

    sku: str = Field("sku", description="The SKU; the one column that must exist.")
    parent: str = Field("parent", description="The product a variant belongs to.")
    gtin: str = Field("gtin", description="The GTIN, as text.")
    status: str = Field("status", description="Whether it is sold; active without such a column.")
    version: str = Field("version", description="The packaging or design now sold.")
    title: str = Field("title", description="The product's name.")
    names: dict[str, str] = Field({}, description="Connection or system name: column with its name of the SKU.")

    def required(self) -> set[str]:
        """Columns the table must have: the SKU's and those that somebody named."""
        named = {getattr(self, name) for name in self.model_fields_set - {"names"}}
        return {self.sku, *named, *self.names.values()}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells as text, and where it stands."""

    place: str
    line: int
    cells: Mapping[str, str]


def open_rows(file: IO[bytes], form: str, delimiter: str, columns: Columns, name: str) -> Generator[Row, None, None]:
    """
    Args:
        file: at its beginning.
        form: csv, jsonl or json.
        delimiter: of a CSV.
        columns: that must exist.
        name: of the table in messages.

    Yields:
        each row.

    Raises:
        RejectedError: (while iterating) not of this format, cut off, or without a column that is needed.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        if form == "csv":
            yield from _csv(text, delimiter, columns, name)
        else:
            yield from _objects(_jsonl(text, name) if form == "jsonl" else _json(text, name), columns, name)
    except UnicodeDecodeError as error:
        raise RejectedError(f"{name} is no UTF-8 text ({error.reason}).", remedy="Export it as UTF-8.") from error
    finally:
        if not text.closed:  # a reader that stopped early may drop these rows after it has closed the file
            text.detach()


def _csv(text: IO[str], delimiter: str, columns: Columns, name: str) -> Iterator[Row]:
    csv.field_size_limit(_CELL)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _require_columns(set(header), columns, name)
        if len(set(header)) < len(header):
            raise RejectedError(f"{name}:1: a column stands twice.", remedy="Rename one of them.")
        end = reader.line_num
        for cells in reader:
            line, end = end + 1, reader.line_num  # a quoted cell may span lines: a row is named by its first
            place = f"{name}:{line}"
            if not cells:
                continue
            if len(cells) != len(header):
                raise RejectedError(f"{place}: {len(cells)} cells where {len(header)} belong.", remedy=_CUT)
            yield Row(place, line, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise RejectedError(f"{name}:{reader.line_num}: {error}.", remedy=_CUT) from error


def _jsonl(text: IO[str], name: str) -> Iterator[tuple[int, Any]]:
    for line, content in enumerate(text, 1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except ValueError as error:
                raise RejectedError(f"{name}:{line}: no JSON: {error}.", remedy=_CUT) from error


def _json(text: IO[str], name: str) -> Iterator[tuple[int, Any]]:
    try:
        data = json.load(text)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise RejectedError(f"{name} is no JSON: {error}.", remedy=_CUT) from error
    if not isinstance(data, list):
        raise RejectedError(f"{name} is no JSON array of products.", remedy="Set `format`, or export an array.")
    yield from enumerate(data, 1)


def _objects(entries: Iterator[tuple[int, Any]], columns: Columns, name: str) -> Iterator[Row]:
    for number, entry in entries:
        if not isinstance(entry, dict):
            raise RejectedError(f"{name}:{number}: an object belongs here.", remedy=_CUT)
        if columns.sku not in entry:
            _require_columns(set(entry), Columns(sku=columns.sku), f"{name}:{number}")
        yield Row(f"{name}:{number}", number, {key: _text(value) for key, value in entry.items()})


def _require_columns(found: set[str], columns: Columns, name: str) -> None:
    missing = sorted(columns.required() - found)
    if missing:
        there = f"it has {', '.join(sorted(found))}" if found else "it is empty"
        remedy = "Correct `columns` or the table."
        raise RejectedError(f"{name} has no column {', '.join(missing)}; {there}.", remedy=remedy)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def product(row: Row, columns: Columns, statuses: Mapping[str, bool]) -> ProductRecord:
    """What a row says.

    Args:
        row: as read.
        columns: their meaning.
        statuses: case-folded value of the status column → whether it means sold.

    Raises:
        ValueError: no SKU, or an unknown status; its text is a sentence for a person.
    """
    cells = {name: cell.strip() for name, cell in row.cells.items()}
    facts = {name: cells.get(getattr(columns, name), "") for name in ("sku", "parent", "gtin", "version", "title")}
    if not facts["sku"]:
        raise ValueError(f"no {columns.sku}")
    if not all(storable(cell) for cell in cells.values()):
        raise ValueError("a cell holds a character that is none, such as NUL")
    status = cells.get(columns.status, "")
    sold = statuses.get(status.casefold()) if status or columns.status in cells else True
    if sold is None:
        raise ValueError(f"status `{status}` of {facts['sku']} is not known; known are {', '.join(statuses)}")
    used = {*(getattr(columns, name) for name in (*facts, "status")), *columns.names.values()}
    names = {system: cells[column] for system, column in columns.names.items() if cells.get(column)}
    further = {name: cell for name, cell in cells.items() if name not in used}
    try:
        state = ProductStatus.ACTIVE if sold else ProductStatus.DISCONTINUED
        return ProductRecord(**facts, status=state, names=names, fields=further)
    except ValidationError as error:
        raise ValueError("; ".join(detail["msg"] for detail in error.errors())) from error
