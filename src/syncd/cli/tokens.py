"""Commands for the API's tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import typer

from syncd.cli import output
from syncd.cli.client import Client
from syncd.cli.output import Json

token = typer.Typer(no_args_is_help=True, help="Who may use the API: read, operate or admin.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    token.command("create")(create)
    token.command("list")(list_tokens)
    token.command("revoke")(revoke)
    app.add_typer(token, name="token")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom it is for.")],
    scope: Annotated[Literal["read", "operate", "admin"], typer.Option(help="How much it may do.")] = "read",
    as_json: Json = False,
) -> None:
    """Make a token; it is shown this once."""
    with Client() as client:
        made = client.post("/tokens", {"name": name, "scope": scope})
    output.show(made, as_json=as_json, lines=lambda found: [found["token"]])


def list_tokens(as_json: Json = False) -> None:
    """List the tokens, without their secrets."""
    with Client() as client:
        found = client.get("/tokens")
    output.show(found, as_json=as_json, lines=_listed)


def _listed(found: Mapping[str, Any]) -> Iterator[str]:
    for each in found["items"]:
        state = f"revoked {each['revoked_at']}" if each["revoked_at"] else f"since {each['created_at']}"
        yield f"{each['id']}  {each['scope']:8} {each['name']}  {state}"


def revoke(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `syncd token list` shows it.")],
    as_json: Json = False,
) -> None:
    """Let a token not be used any more."""
    with Client() as client:
        gone = client.delete(f"/tokens/{identifier}")
    output.show(gone, as_json=as_json, lines=lambda found: [f"{found['id']} is revoked"])
