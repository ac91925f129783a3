"""Commands for those who keep the daemon: audit verify, backup, restore."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import instants, output
from syncd.cli.client import Client
from syncd.cli.output import Exit, Json
from syncd.clock import SystemClock
from syncd.settings import Settings

audit = typer.Typer(no_args_is_help=True, help="The append-only trail of what happened.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit.command("verify")(verify)
    audit.command("shown")(shown)
    app.add_typer(audit, name="audit")
    app.command()(backup)
    app.command()(restore)


def verify(
    brand: Annotated[str, typer.Option(help="The trail of one brand; default: all.")] = "", as_json: Json = False
) -> None:
    """Recompute the trail: every event as it was written, in its place, none missing. Exit 1 if not."""
    with Client() as client:
        found = client.get("/audit/verification", brand=brand or None)
    output.show(found, as_json=as_json, lines=_verified)
    if not found["intact"]:
        raise typer.Exit(Exit.REFUSED)


def _verified(found: Mapping[str, Any]) -> Iterator[str]:
    for each in found["brands"]:
        heads = output.plural(each["anchors"], "signed head")
        unproven = f", {each['unproven']:,} not signed by this daemon" if each["unproven"] else ""
        waiting = f", {each['unsealed']:,} not sealed yet" if each["unsealed"] else ""
        word = "FAULTY" if each["faults"] else "intact"
        yield f"{each['brand']}: {word} · {each['sealed']:,} events{waiting} · {heads}{unproven} · {each['head'][:16]}"
        for fault in each["faults"]:
            yield f"  ! {fault}"
    if not found["intact"]:
        yield "Keep the ledger as it is and compare it with the newest backup: syncd restore into an empty ledger."


def shown(
    sku: Annotated[str, typer.Argument(metavar="SKU", help="A product.")],
    at: Annotated[
        str, typer.Option(help="The instant asked about, such as 2026-11-22T14:00+01:00; default: now.")
    ] = "",
    connection: Annotated[str, typer.Option(help="One connection; default: all.")] = "",
    as_json: Json = False,
) -> None:
    """What stood where for a product at an instant, by whose approval, under which grant."""
    asked = instants.parse(at) if at else SystemClock().now().isoformat()
    with Client() as client:
        found = client.get("/audit/shown", sku=sku, at=asked, connection=connection or None)
    output.show(found["shown"], as_json=as_json, lines=lambda rows: _shown(sku, asked, rows))


def _shown(sku: str, at: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{sku} at {output.instant(at, year=True)}: {output.plural(len(rows), 'placement')} up"
    for row in rows:
        yield f"  {row['connection']} {row['place']} · asset {row['asset']} v{row['number']} {row['file_name']}"
        yield f"    up since  {output.instant(row['since'], year=True)} as {row['state']}"
        yield f"    approved  {'; '.join(row['approved_by']) or 'nobody is recorded'}"
        yield f"    grants    {'; '.join(row['grants']) or 'none was in force'}"


def backup(
    name: Annotated[str, typer.Argument(help="Its folder in the daemon's SYNCD_BACKUPS; default: the instant.")] = "",
    as_json: Json = False,
) -> None:
    """Copy ledger and blobs, consistently, while the daemon works."""
    with Client() as client:
        made = client.post("/backups", {"name": name or None}, seconds=None)
    output.show(made, as_json=as_json, lines=lambda done: [_told("Wrote", done)])


def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What `syncd backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Bring a backup back into an empty ledger and object store. The daemon must not run."""
    from syncd.flow.care.restore import restore as bring_back

    made = asyncio.run(bring_back(Settings(), SystemClock(), directory.absolute()))
    told = {**asdict(made), "created_at": made.created_at.isoformat()}
    output.show(told, as_json=as_json, lines=_restored)


def _restored(done: Mapping[str, Any]) -> Iterator[str]:
    yield _told("Restored", done)
    yield "Nothing is written to any system before a plan is applied: syncd run, then syncd plan, then syncd apply."


def _told(verb: str, done: Mapping[str, Any]) -> str:
    size = f"{done['blobs']:,} blobs, {done['bytes'] / 1e6:,.1f} MB"
    made = output.instant(done["created_at"], year=True)
    return f"{verb} backup {done['id']} of {made} ({done['store']}): {size} · {done['directory']}"
