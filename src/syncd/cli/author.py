"""`syncd try` and `syncd certify`: for whoever writes a connector, or mends one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.client import Client
from syncd.cli.output import Exit

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's name.")]
Names = list[str] | None
_EXCERPT = 800
"""Characters of a body that a terminal shows; `--json` and `--record` have all of it."""
_SHOWN_HEADERS = ("content-type", "retry-after", "etag", "location", "link", "x-request-id")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("try")(try_)
    app.command("certify")(certify)


def try_(
    connection: Name,
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="check, observe, products, linked, read, poll or changes.")
    ],
    sku: Annotated[Names, typer.Option("--sku", help="What it is about, by SKU; may be repeated.")] = None,
    listing: Annotated[Names, typer.Option("--listing", help="By the system's own name; may be repeated.")] = None,
    asset: Annotated[Names, typer.Option("--asset", help="By asset; may be repeated.")] = None,
    role: Annotated[str, typer.Option("--role", help="Where several roles have this call.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many results are shown.")] = 20,
    record: Annotated[
        Path | None, typer.Option("--record", help="Write what went over the wire to a file that tests can replay.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Make one reading call of a connection and show what goes over the wire. Exit 1 if it failed."""
    body = {
        "call": call, "role": role, "sku": sku or [], "listing": listing or [], "asset": asset or [], "most": most,
    }  # fmt: skip
    with Client() as client:
        found = client.post(f"/connections/{connection}/try", body)
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    output.show(found, as_json=as_json, lines=lambda tried: _tried(tried, record))
    if found["fault"]:
        raise typer.Exit(Exit.REFUSED)


def _tried(tried: Mapping[str, Any], record: Path | None) -> Iterator[str]:
    for number, exchange in enumerate(tried["exchanges"], 1):
        yield f"{number} > {exchange['method']} {exchange['url']}"
        yield from _part(">", exchange["request_headers"], exchange["request"])
        status = exchange["status"] or "no answer"
        yield f"{number} < {status} after {exchange['seconds']:g} s"
        yield from _part("<", exchange["answer_headers"], exchange["answer"])
    yield f"{tried['connection']} ({tried['system']} as {tried['role']}): {tried['call']} took {tried['seconds']:g} s"
    for each in tried["results"]:
        yield from (f"  {line}" for line in json.dumps(each, indent=2, ensure_ascii=False).splitlines())
    if tried["more"]:
        yield "  and more: raise --most"
    if fault := tried["fault"]:
        yield f"FAILED {fault['code']}: {fault['what']}"
        yield f"  {fault['remedy']}"
    if record is not None:
        written = output.plural(len(tried["exchanges"]), "exchange")
        yield f"{written} written to {record}; read them before you share them."


def _part(mark: str, headers: Mapping[str, str], body: str) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _SHOWN_HEADERS or "limit" in name.lower() or value == "***":
            yield f"  {mark} {name}: {value}"
    text = " ".join(body.split())
    if text:
        more = f" … ({len(text):,} characters)" if len(text) > _EXCERPT else ""
        yield f"  {mark} {text[:_EXCERPT]}{more}"


def certify(
    connection: Name,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Also write what stands in the listings named, unchanged.")
    ] = False,
    listing: Annotated[Names, typer.Option("--listing", help="A listing that may be written to.")] = None,
    as_json: output.Json = False,
) -> None:
    """Hold a connection's connector to the rules that can be tried on its account. Exit 1 if one does not hold."""
    if bool(listing) is not allow_writes:
        raise typer.BadParameter("--allow-writes and --listing go together", param_hint="--listing")
    with Client() as client:
        found = client.post(
            f"/connections/{connection}/certify", {"allow_writes": allow_writes, "listing": listing or []}
        )
    output.show(found, as_json=as_json, lines=_certificate)
    if any(ruling["result"] == "failed" for ruling in found["rulings"]):
        raise typer.Exit(Exit.REFUSED)


def _certificate(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [(each["result"], each["role"], each["rule"], each["said"]) for each in found["rulings"]]
    yield from output.table(("RESULT", "ROLE", "RULE", "FOUND"), rows)
    counted = {result: sum(row[0] == result for row in rows) for result in ("passed", "failed", "not applicable")}
    counts = ", ".join(f"{count} {result}" for result, count in counted.items())
    yield f"{found['connection']} ({found['system']}, SDK {found['sdk']}): {counts}; {found['calls']} calls."
    yield "Outages, refusals, lost and doubled answers are tried over a fake vendor: syncd.testing.conformance"
