"""Commands for those who decide: status, explain, exceptions, replay, approve, reject, changes, withdraw, case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from syncd.cli import instants, output, pages
from syncd.cli.client import Client, Refused
from syncd.cli.output import Json
from syncd.errors import RejectedError

As = Annotated[str, typer.Option("--as", metavar="MAIL", help="The person who says so, of mappings/people.yaml.")]
AssetArgument = Annotated[
    str, typer.Argument(metavar="ASSET", help="An asset's id, or four or more of its characters.")
]
Comment = Annotated[str, typer.Option(help="A word to the creator.")]
Reason = Annotated[str, typer.Option(help="A code under `reasons` in mappings/reviews.yaml.")]
_INSTANT = "An instant (2026-11-22T14:00+01:00; without offset: your zone)."


class NothingSelected(RejectedError):
    """Name an exception, or a filter such as `--kind` or `--since`, or `--all`."""

    code = "cli.nothing-selected"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (status, explain, exceptions, replay, approve, reject, changes, withdraw, case):
        app.command()(command)


def status(as_json: Json = False) -> None:
    """What the daemon is doing, and what keeps a connection from working."""
    with Client() as client:
        output.show(client.get("/status"), as_json=as_json, lines=pages.status_lines)


def explain(
    what: Annotated[str, typer.Argument(metavar="ASSET|SKU", help="An asset's id or its beginning, or a SKU.")],
    as_json: Json = False,
) -> None:
    """Why content stands where it does, or does not, and what to type about it."""
    with Client() as client:
        try:
            page = client.get("/explain", sku=what)
        except Refused as refused:
            if refused.code != "not-found":
                raise
            page = client.get("/explain", asset=what)
        output.show(page, as_json=as_json, lines=pages.explain_lines)


# --- exceptions -------------------------------------------------------------------------------------------------------


def exceptions(
    one: Annotated[str, typer.Argument(metavar="[ID]", help="Show this one with its payload.")] = "",
    kind: Annotated[str, typer.Option(help="Such as ambiguous, no-grant or dead-letter.")] = "",
    reason: Annotated[str, typer.Option(help="The runbook's code, such as match.ambiguous.")] = "",
    connection: Annotated[str, typer.Option(help="Those of one connection.")] = "",
    brand: Annotated[str, typer.Option(help="Those of one brand.")] = "",
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed.")] = False,
    resolve: Annotated[bool, typer.Option("--resolve", help="Close the one named; needs --as and --because.")] = False,
    as_: Annotated[str, typer.Option("--as", metavar="MAIL", help="Who closes it.")] = "",
    because: Annotated[str, typer.Option(help="Why it is closed.")] = "",
    most: Annotated[int, typer.Option(min=1, help="So many at most.")] = 200,
    as_json: Json = False,
) -> None:
    """What needs a person: list, show one, or close one."""
    with Client() as client:
        if one and resolve:
            found = client.post(f"/exceptions/{one}/resolve", {"by": as_, "why": because})
            output.show(found, as_json=as_json, lines=lambda e: [f"Closed {e['id']}: {e['reason']}"])
        elif one:
            output.show(client.get(f"/exceptions/{one}"), as_json=as_json, lines=_exception)
        else:
            query = {"kind": kind or None, "code": reason or None, "connection": connection or None}
            state = "closed" if closed else "open"
            rows = list(client.pages("/exceptions", most=most, brand=brand or None, state=state, **query))
            output.show(rows, as_json=as_json, lines=_exceptions)


def _exceptions(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "Nothing needs a person."
    for row in rows:
        again = f" · {row['times']:,} times" if row["times"] > 1 else ""
        where = f" · {row['connection']}" if row["connection"] else ""
        closed = f" · closed by {row['closed_by']}" if row["closed_at"] else ""
        opened = output.instant(row["opened_at"])
        yield f"{row['id']}  {row['kind']} [{row['code']}]{where} · {opened}{again} · owner {row['owner']}{closed}"
        yield f"    {row['reason']}"
        yield f"    → {_remedy(row)}"


def _remedy(row: Mapping[str, Any]) -> str:
    """The remedy with the names filled in, so that it can be typed as it stands."""
    text = str(row["remedy"]).replace("EXCEPTION", row["id"])
    return text.replace("ASSET", row["subject"]) if row["subject"].isalnum() else text


def _exception(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _exceptions([dict(row)])
    yield f"    subject {row['subject']}" + (f" · work {row['lane']}/{row['work_kind']}/{row['work_key']}")
    for name, value in row["payload"].items():
        for number, line in enumerate(value if isinstance(value, list) else [value]):
            yield f"    {name if not number else '':<12} {line}"
    if not row["closed_at"]:
        close = f"syncd exceptions {row['id']} --resolve --as MAIL --because WHY"
        yield f"    syncd replay {row['id']}    or close it: {close}"


def replay(
    one: Annotated[str, typer.Argument(metavar="[ID]", help="The exception whose work is tried again.")] = "",
    kind: Annotated[str, typer.Option(help="All open ones of a kind, such as dead-letter.")] = "",
    reason: Annotated[str, typer.Option(help="All with the runbook's code.")] = "",
    connection: Annotated[str, typer.Option(help="All of a connection.")] = "",
    brand: Annotated[str, typer.Option(help="All of a brand.")] = "",
    since: Annotated[str, typer.Option(help=f"Opened at or after it. {_INSTANT}")] = "",
    until: Annotated[str, typer.Option(help=f"Opened before it. {_INSTANT}")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every open exception.")] = False,
    as_json: Json = False,
) -> None:
    """Try the work behind exceptions again: one, those of a filter, or those of a range of time."""
    texts = {"kind": kind, "code": reason, "connection": connection, "brand": brand}
    body: dict[str, Any] = {name: value for name, value in texts.items() if value}
    body |= {name: instants.parse(value) for name, value in (("since", since), ("until", until)) if value}
    if not (one or body or everything):
        raise NothingSelected("Nothing says what to replay.")
    with Client() as client:
        selected = {**body, "all": everything}
        done = client.post(f"/exceptions/{one}/replay") if one else client.post("/replays", selected)
        output.show(done, as_json=as_json, lines=_replayed)


def _replayed(done: Mapping[str, Any]) -> Iterator[str]:
    count = output.plural(done["exceptions"], "exception")
    yield f"{count}: {output.plural(done['keys'], 'piece')} of work due now. What succeeds closes its exception."


# --- decisions --------------------------------------------------------------------------------------------------------


def approve(asset: AssetArgument, as_: As, comment: Comment = "", as_json: Json = False) -> None:
    """Approve the current version of an asset."""
    _decide(asset, as_, "approve", "", comment, as_json)


def reject(asset: AssetArgument, as_: As, reason: Reason, comment: Comment = "", as_json: Json = False) -> None:
    """Reject the current version of an asset."""
    _decide(asset, as_, "reject", reason, comment, as_json)


def changes(asset: AssetArgument, as_: As, reason: Reason, comment: Comment = "", as_json: Json = False) -> None:
    """Ask its creator for another version of an asset."""
    _decide(asset, as_, "changes", reason, comment, as_json)


def _decide(asset: str, by: str, verdict: str, reason: str, comment: str, as_json: bool) -> None:
    """The decision goes to the version that is current when the command is typed; a newer one is refused, not hit."""
    with Client() as client:
        found = client.get(f"/assets/{asset}")
        body = {"by": by, "verdict": verdict, "reason": reason, "comment": comment}
        made = client.post(f"/versions/{found['current']}/decisions", body)
        number = next(each["number"] for each in found["versions"] if each["id"] == found["current"])
        file = next(each["file_name"] for each in found["versions"] if each["id"] == found["current"])
    said = {"approve": "approves", "reject": "rejects", "changes": "asks for changes of"}[verdict]
    where = f"syncd explain {found['asset']['id']}"
    output.show(
        made, as_json=as_json, lines=lambda _: [f"{by} {said} version {number} of {file}.      {where}"]
    )  # fmt: skip


def withdraw(
    asset: AssetArgument,
    as_: As,
    because: Annotated[str, typer.Option(help="Why, in a few words.")],
    consent: Annotated[str, typer.Option(metavar="ID", help="A consent its person withdraws; all it covers.")] = "",
    grant: Annotated[str, typer.Option(metavar="ID", help="A grant that is revoked; all it covers.")] = "",
    as_json: Json = False,
) -> None:
    """Take an asset down everywhere, now; or a consent or grant it rests on, with all that rests on it."""
    with Client() as client:
        found = client.get(f"/assets/{asset}")
        body = {"by": as_, "because": because, "consent": consent, "grant": grant}
        done = client.post(f"/assets/{found['asset']['id']}/withdraw", body)
    output.show(done, as_json=as_json, lines=_withdrawn)


def _withdrawn(done: Mapping[str, Any]) -> Iterator[str]:
    yield f"{output.plural(len(done['assets']), 'asset')} coming down everywhere:"
    for asset in done["assets"]:
        yield f"  {asset}      syncd explain {asset}"


# --- cases ------------------------------------------------------------------------------------------------------------


def case(
    asset: AssetArgument,
    file: Annotated[Literal["match", "matrix", "rights", "reviews"], typer.Option(help="Whose case.")] = "match",
    as_json: Json = False,
) -> None:
    """Write a case from an asset's real facts into mappings/FILE.cases.yaml below SYNCD_ROOT."""
    from syncd.mapping.cases import append_case  # the rules' engine takes a second to load

    with Client() as client:
        made = client.get(f"/assets/{asset}/case", file=file)
        path = client.settings.root / "mappings" / f"{file}.cases.yaml"
    text = path.read_text() if path.exists() else ""
    _replace(path, append_case(text, made["case"]))
    output.show(
        {**made, "path": str(path)}, as_json=as_json,
        lines=lambda _: [
            f"{path}: added {made['case']['name']!r}, which expects what the rules answer now.",
            "Correct `expect` if that is wrong, mend the rules, then: syncd check",
        ],
    )  # fmt: skip


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
