"""CSV files beside the mappings: rows of text with their line, so that an explanation can name it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from syncd.config import problems

MAX_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it ends on (from 1) and its cells by column, stripped."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file with a header."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def parse(text: str, file: str) -> tuple[Table, list[problems.Problem]]:
    """Read a CSV file: comma, double quotes, first row the header.

    Returns:
        the table without the rows that are wrong, and what is wrong with them.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    faults: list[problems.Problem] = []
    try:
        columns = tuple(cell.strip() for cell in next(reader, []))
        faults = _header(columns, file)
        for cells in reader:
            if len(cells) == len(columns):
                rows.append(Row(reader.line_num, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
            elif cells:
                counts = f"it has {len(cells)} cells, the header has {len(columns)}"
                faults.append(
                    problems.Problem(
                        file,
                        reader.line_num,
                        1,
                        "this row is not whole",
                        counts,
                        "add or remove cells; quote a cell that holds a comma",
                    )
                )
            if len(rows) > MAX_ROWS:
                faults.append(
                    problems.Problem(
                        file, reader.line_num, 1, "the table is too long", f"the limit is {MAX_ROWS:,} rows", "split it"
                    )
                )
                break
    except csv.Error as error:
        faults.append(
            problems.Problem(
                file,
                max(1, reader.line_num),
                1,
                "this is not CSV",
                str(error),
                "close every quote, separate cells by commas",
            )
        )
    return Table(file, columns, tuple(rows)), faults


def _header(columns: tuple[str, ...], file: str) -> list[problems.Problem]:
    if columns and all(columns) and len(set(columns)) == len(columns):
        return []
    why = "every column needs a name of its own"
    return [problems.Problem(file, 1, 1, "the header is not right", why, "write one name per column in the first line")]
