"""A CSV manifest: one row a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from syncd.sdk import manifest
from syncd.sdk.values import storable
from syncd.systems.folder.statement import Row


def read(path: Path, name: str) -> list[Row]:
    """
    Args:
        path: of the CSV.
        name: in messages.

    Raises:
        RejectedError: with `file:line:column`.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise manifest.refused(name, content[: error.start].count(b"\n") + 1, 1, "this is no UTF-8 text") from error
    if not storable(text):
        raise manifest.refused(name, text[: text.index("\0")].count("\n") + 1, 1, "the text holds the character NUL")
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if "file" not in header:
            raise manifest.refused(name, 1, 1, "there is no column `file`", f"there are {', '.join(header) or 'none'}")
        found, end = [], reader.line_num
        for cells in reader:
            start, end = end + 1, reader.line_num
            if cells and len(cells) != len(header):
                raise manifest.refused(name, start, 1, f"{len(cells)} cells where {len(header)} belong")
            if any(cell.strip() for cell in cells):
                cell_of = dict(zip(header, cells, strict=True))
                found.append(Row(start, cell_of, _columns(header, cells, lines[start - 1])))
    except csv.Error as error:
        raise manifest.refused(name, reader.line_num, 1, "this is no CSV", str(error)) from error
    return found


def _columns(header: list[str], cells: list[str], line: str) -> dict[str, int]:
    """The character column of each cell; of none where quotes make that more than counting."""
    if '"' in line:
        return {}
    places, at = {}, 1
    for name, cell in zip(header, cells, strict=True):
        places[name] = at
        at += len(cell) + 1
    return places
