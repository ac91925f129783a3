"""`syncd plan`, `apply`, `reload`, `revisions`: changing what the daemon follows, seen before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from syncd.cli import output, planview
from syncd.cli.client import Client
from syncd.config.reading import folder_files

Revision = Annotated[str, typer.Option("--revision", help="A revision the ledger has, instead of the files on disk.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("plan")(plan)
    app.command("apply")(apply)
    app.command("reload")(reload)
    app.command("revisions")(revisions)


def plan(
    identifier: Annotated[str, typer.Argument(metavar="[PLAN]", help="Show this plan again.")] = "",
    revision: Revision = "",
    active: Annotated[bool, typer.Option("--active", help="Plan for the active revision, not for the disk.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="Show every line.")] = False,
    as_json: output.Json = False,
) -> None:
    """Say what the files on disk would change; nothing is written."""
    with Client() as client:
        if identifier:
            found = client.get(f"/plans/{identifier}")
        else:
            chosen = revision or active
            body = {"revision": revision} if chosen else {"files": folder_files(client.settings.root)}
            found = client.post("/plans", body)
        if lines or as_json:
            found["lines"] = list(client.pages(f"/plans/{found['id']}/lines"))
    output.show(found, as_json=as_json, lines=planview.lines)


def apply(
    identifier: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's name, as `syncd plan` gave it.")],
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this connection; may be repeated.")] = None,
    sku: Annotated[list[str] | None, typer.Option("--sku", help="Only this product; may be repeated.")] = None,
    listing: Annotated[list[str] | None, typer.Option("--listing", help="Only this listing; may be repeated.")] = None,
    as_json: output.Json = False,
) -> None:
    """Carry a plan out, exactly as it was read; refuses where the world moved on since."""
    parts = [
        {"connection": connection, "sku": product, "listing": place}
        for connection in only or [""]
        for product in sku or [""]
        for place in listing or [""]
    ]
    body = {"only": [part for part in parts if any(part.values())]}
    with Client() as client:
        found = client.post(f"/plans/{identifier}/apply", body)
    output.show(found, as_json=as_json, lines=planview.applied)


def reload(
    here: Annotated[bool, typer.Option("--daemon", help="Read the daemon's own disk, not the one here.")] = False,
    as_json: output.Json = False,
) -> None:
    """Follow the files without a plan; inferred removals stay under the brake."""
    with Client() as client:
        body = {} if here else {"files": folder_files(client.settings.root)}
        found = client.post("/reload", body)
    output.show(found, as_json=as_json, lines=_reloaded)


def _reloaded(found: dict[str, Any]) -> Iterator[str]:
    short = found["revision"][:8]
    if not found["changed"]:
        yield f"Revision {short} was active already: nothing changed."
        return
    yield f"Revision {short} is active: {', '.join(found['files'])} changed."
    yield "Connections with `writes: ask` keep to the revision of their plan: syncd plan, then syncd apply PLAN"


def revisions(
    difference: Annotated[
        tuple[str, str] | None, typer.Option("--diff", help="How the second revision differs from the first.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """List the configuration's revisions, or compare two."""
    with Client() as client:
        if difference:
            before, after = difference
            found = client.get(f"/revisions/{before}/diff", to=after)
            output.show(found, as_json=as_json, lines=lambda shown: shown["diff"].splitlines() or ["No difference."])
            return
        found = {"items": list(client.pages("/revisions", most=50))}
    output.show(found, as_json=as_json, lines=_revisions)


def _revisions(found: dict[str, Any]) -> list[str]:
    rows = [
        (
            item["id"][:8], "active" if item["active"] else "", output.instant(item["created_at"]),
            output.instant(item["activated_at"]), item["activated_by"] or None,
        )
        for item in found["items"]
    ]  # fmt: skip
    shown = output.table(("REVISION", "", "FIRST SEEN", "ACTIVE SINCE", "BY"), rows)
    return [*shown, "Go back: syncd plan --revision REVISION, then syncd apply PLAN"]
