"""What commands print: lines and tables that are understood without colour, or JSON for machines."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from syncd.errors import Kind, SyncdError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
"""The option every command takes."""


class Exit(enum.IntEnum):
    """What the exit code of a command says; 2 is a command line that was not understood."""

    REFUSED = 1
    UNREACHABLE = 3
    INVALID = 4


def exit_code(error: SyncdError) -> Exit:
    """The exit code that tells of an error."""
    if error.kind in (Kind.TRANSIENT, Kind.RATE_LIMITED):
        return Exit.UNREACHABLE
    return Exit.INVALID if error.kind is Kind.CONFIG or error.code.startswith("config.") else Exit.REFUSED


def refuse(error: SyncdError, *, as_json: bool = False) -> None:
    """Say on standard error what went wrong and what to do about it."""
    if as_json:
        told = {"code": error.code, "detail": error.what.strip(), "remedy": error.remedy, "data": error.data}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2, default=str), err=True)
        return
    typer.echo(error.what.strip(), err=True)
    typer.echo(f"→ {error.remedy}  [{error.code}]", err=True)


def show(value: Any, *, as_json: bool, lines: Callable[[Any], Iterable[str]]) -> None:
    """Print an answer of the API: as JSON, or as the lines a person reads."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
        return
    for line in lines(value):
        typer.echo(line)


def table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), indent: int = 0
) -> list[str]:
    """Columns aligned by blanks.

    Args:
        header: the columns' names; "" for none.
        rows: values of any type; None is shown as "-".
        right: names of columns that are aligned to the right, as numbers are.
    """
    cells = [list(header), *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    found = []
    for row in cells:
        parts = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        ]
        found.append(" " * indent + "  ".join(parts).rstrip())
    return found


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def instant(value: str | datetime | None, *, year: bool = False) -> str:
    """An instant in the reader's own zone, such as `22 Nov 14:05 CET`; "-" for none."""
    if value is None:
        return "-"
    moment = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone()
    return f"{moment.day} {moment:%b %Y %H:%M %Z}" if year else f"{moment.day} {moment:%b %H:%M %Z}"


def duration(seconds: float) -> str:
    """A length of time as people say it: `20 s`, `3 min`, `2 h`, `4 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{max(1, round(seconds))} s"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 image`, `2 images`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def known(value: Mapping[str, Any], *names: str) -> list[str]:
    """The values of these names that are not empty, as texts."""
    return [str(value[name]) for name in names if value.get(name) not in (None, "", [])]
