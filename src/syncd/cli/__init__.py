"""The command line: every command is a call of the admin API, except those that start or prepare a daemon."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from syncd import __version__
from syncd.cli import author, care, change, connect, daemon, desk, operate, output, scaffold, setup, tokens
from syncd.errors import SyncdError

_COMMANDS = (daemon, setup, change, operate, connect, desk, care, tokens, author, scaffold)
"""Modules of this package whose `register(app)` adds their commands, in the order of `syncd --help`."""

app = typer.Typer(
    name="syncd",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Brings creator content to live product media, and takes it down again when rights end.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncd {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Brings creator content to live product media, and takes it down again when rights end."""


for _commands in _COMMANDS:
    _commands.register(app)


def main() -> None:
    """The console script: runs a command; an error becomes its message, its remedy and an exit code."""
    try:
        app()
    except SyncdError as error:
        output.refuse(error, as_json="--json" in sys.argv[1:])
        raise SystemExit(output.exit_code(error)) from None
