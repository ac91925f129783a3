"""`syncd connections`, `pause`, `resume`, `poll`, `take-over`, `resync`, `job`: running what is configured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.client import Client

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")]
Names = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("connections")(connections)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("poll")(poll)
    app.command("take-over")(take_over)
    app.command("resync")(resync)
    app.command("job")(job)


def connections(as_json: output.Json = False) -> None:
    """Show every connection and how it stands."""
    with Client() as client:
        found = client.get("/connections")
    output.show(found, as_json=as_json, lines=_table)


def _table(found: dict[str, Any]) -> list[str]:
    rows = [
        (
            each["name"], each["connector"], ",".join(each["roles"]), each["writes"], _state(each),
            output.instant(each["applied_at"]), each["revision"][:8] or None, output.instant(each["observed_at"]),
            each["exceptions"],
        )
        for each in found["items"]
    ]  # fmt: skip
    header = ("NAME", "SYSTEM", "ROLES", "WRITES", "STATE", "APPLIED", "REVISION", "READ", "EXCEPTIONS")
    return output.table(header, rows, right=("EXCEPTIONS",))


def _state(account: dict[str, Any]) -> str:
    if account["breaker"]:
        return f"down since {output.instant(account['breaker']['opened_at'])}: {account['breaker']['reason']}"
    if account["paused"]:
        return f"{account['paused']} paused: syncd resume {account['name']}"
    if not account["may_write"] and account["writes"] == "ask" and set(account["roles"]) != {"source"}:
        return "waits for its first plan: syncd plan"
    return "works" if account["lease"] else "starting"


def pause(
    name: Name,
    writes: Annotated[bool, typer.Option("--writes", help="Only stop writing: it is still read.")] = False,
    except_: Annotated[
        str, typer.Option("--except", metavar="takedown", help="With --writes: what is to come down still does.")
    ] = "",
    as_json: output.Json = False,
) -> None:
    """Stop a connection, or only writing to it; what a right's end takes down still goes."""
    if except_ not in ("", "takedown") or (except_ and not writes):
        raise typer.BadParameter("write `--writes --except takedown`", param_hint="--except")
    body = {"what": "writes" if writes else "all", "takedowns_pass": bool(except_)}
    with Client() as client:
        found = client.post(f"/connections/{name}/pause", body)
    output.show(found, as_json=as_json, lines=_paused)


def _paused(account: dict[str, Any]) -> Iterator[str]:
    name = account["name"]
    what = "is paused" if account["paused"] == "all" else "is read and not written to"
    goes = "every takedown still goes" if account["takedowns_pass"] else "legal takedowns still go"
    yield f"{name} {what}; {goes}. Go on: syncd resume {name}"


def resume(name: Name, as_json: output.Json = False) -> None:
    """Let a connection go on."""
    with Client() as client:
        found = client.post(f"/connections/{name}/resume")
    output.show(found, as_json=as_json, lines=lambda _: [f"{name} goes on; everything there is looked at again."])


def poll(name: Name, as_json: output.Json = False) -> None:
    """Read a source, a catalogue or a channel now."""
    with Client() as client:
        found = client.post(f"/connections/{name}/poll")
    output.show(found, as_json=as_json, lines=lambda _: [f"{name} is being read."])


def take_over(name: Name, as_json: output.Json = False) -> None:
    """Mark a connection's account as this ledger's own, whoever kept it before."""
    with Client() as client:
        found = client.post(f"/connections/{name}/take-over")
    said = f"The account of {name} is kept by this ledger now. Try again what waited: syncd replay --connection {name}"
    output.show(found, as_json=as_json, lines=lambda _: [said])


def resync(
    asset: Annotated[Names, typer.Option("--asset", help="An asset; may be repeated.")] = None,
    sku: Annotated[Names, typer.Option("--sku", help="A product; may be repeated.")] = None,
    connection: Annotated[Names, typer.Option("--connection", help="A connection; may be repeated.")] = None,
    campaign: Annotated[Names, typer.Option("--campaign", help="A campaign of briefs; may be repeated.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"], help="Assets that arrived since."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be looked at.")] = False,
    key: Annotated[str, typer.Option("--key", help="The same key and request are carried out once.")] = "",
    as_json: output.Json = False,
) -> None:
    """Have what is selected looked at again, whatever is believed to be right."""
    body = {
        "asset": asset or [], "sku": sku or [], "connection": connection or [], "campaign": campaign or [],
        "since": since.astimezone().isoformat() if since else None, "all": everything, "dry_run": dry_run,
    }  # fmt: skip
    with Client() as client:
        found = client.post("/resyncs", body, idempotency_key=key)
    output.show(found, as_json=as_json, lines=_dry if dry_run else _job)


def _dry(found: dict[str, Any]) -> Iterator[str]:
    report = found["report"]
    yield f"Dry run: {output.plural(report['keys'], 'key')} would be looked at; nothing was marked."
    yield from output.table(("LANE/KIND", "KEYS"), report["by_kind"].items(), right=("KEYS",), indent=2)
    rows = [
        (line["action"], line["connection"], line["listing"].partition(":")[2], line["title"] or line["asset"],
         line["why"] or line["cause"])
        for line in report["lines"]
    ]  # fmt: skip
    if rows:
        yield from output.table(("DO", "SYSTEM", "PLACE", "CONTENT", "WHY"), rows, indent=2)
    else:
        yield "  Everything there stands as it should."
    if report["more_lines"]:
        yield f"  and {report['more_lines']:,} lines more (--json counts them)"


def job(
    identifier: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")], as_json: output.Json = False
) -> None:
    """Show how far a resync is."""
    with Client() as client:
        found = client.get(f"/jobs/{identifier}")
    output.show(found, as_json=as_json, lines=_job)


def _job(found: dict[str, Any]) -> Iterator[str]:
    state = {"marking": "marking what is due", "running": "running", "done": "done"}[found["state"]]
    yield f"Job {found['id']}: {state}; {found['done']:,} of {found['total']:,} keys done, {found['left']:,} left"
    if found["failed"]:
        yield f"  {found['failed']:,} failed and wait for a person: syncd exceptions --kind dead-letter"
    if found["state"] != "done":
        yield f"See how it goes: syncd job {found['id']}"
