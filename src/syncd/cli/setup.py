"""`syncd init`, `check`, `schema`: writing a configuration, and knowing that it is right before anything follows it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.client import Client
from syncd.config import problems, reading, schema, secrets
from syncd.errors import ConfigError
from syncd.settings import Settings

_FIRST = ("folder", "table", "feed")
"""The systems `syncd init` starts with: a path from submission to channel that needs no server."""


class CheckFailed(ConfigError):
    """Correct each place named above, then run `syncd check` again."""

    code = "config.check-failed"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("schema")(write_schema)


# --- init -------------------------------------------------------------------------------------------------------------


def init(
    systems: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SYSTEM]...", help="Systems; default: folder table feed."),
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Write commented starters for connections and mappings, and the API token; what is there stays."""
    from syncd.app import read_or_write_token  # the daemon's modules are not needed by other commands
    from syncd.sdk.registry import Registry

    settings = Settings()
    registry = Registry.discover(settings.root)
    chosen = {name: registry.get(name) for name in systems or _FIRST}
    channel = next((name for name, system in chosen.items() if "channel" in system.roles), "'*'")
    wanted = {f"connectors/{name}.yaml": system.example for name, system in chosen.items()}
    wanted |= {f"mappings/{name}": text.replace("CHANNEL", channel) for name, text in _starters()}
    written: list[str] = []
    kept: list[str] = []
    for path, text in wanted.items():
        (written if _write_new(settings.root / path, text) else kept).append(path)
    token = settings.var / "token"
    (kept if token.exists() else written).append(str(token.relative_to(settings.root)))
    read_or_write_token(token)
    output.show({"written": written, "kept": kept}, as_json=as_json, lines=_initialised)


def _starters() -> Iterator[tuple[str, str]]:
    folder = resources.files("syncd.cli") / "starters"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        yield file.name, file.read_text("utf-8")


def _write_new(path: Path, text: str) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return True


def _initialised(found: dict[str, list[str]]) -> Iterator[str]:
    yield from (f"written  {path}" for path in found["written"])
    yield from (f"kept     {path}" for path in found["kept"])
    yield "Edit them, then: syncd check, syncd run; and when content is approved: syncd plan"


# --- check ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Report:
    """What a check found: `faults` are in the way, `notes` only where this machine differs from the daemon's."""

    revision: str = ""
    connections: list[str] = field(default_factory=list)
    cases: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    online: list[dict[str, Any]] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        tried = (finding["result"] for each in self.online for finding in each["findings"])
        return not self.faults and "fault" not in tried


def check(
    online: Annotated[bool, typer.Option("--online", help="Also try each connection, by the daemon.")] = False,
    as_json: output.Json = False,
) -> None:
    """Validate the files on disk: every value, rule, option, case and document."""
    report = check_files(Settings())
    if online:
        with Client() as client:
            names = [each["name"] for each in client.get("/connections")["items"]]
            report.online = [client.get(f"/connections/{name}/check") for name in names]
    shown = {name: getattr(report, name) for name in Report.__slots__}
    output.show({**shown, "healthy": report.healthy}, as_json=as_json, lines=lambda _: _checked(report))
    if not report.healthy:
        raise CheckFailed(f"{output.plural(len(report.faults), 'fault')} in the files." if report.faults else
                          "A connection does not work.")  # fmt: skip


def check_files(settings: Settings) -> Report:
    """Validate the files below the root."""
    from syncd.clock import SystemClock
    from syncd.flow.configuration import Configuration
    from syncd.ledger.store import Ledger
    from syncd.mapping import cases
    from syncd.sdk.registry import Registry

    registry, clock = Registry.discover(settings.root), SystemClock()
    report = Report(notes=[problem.what for problem in registry.problems])
    configuration = Configuration(Ledger(settings.ledger_url, clock), registry, clock, settings.root)
    try:
        rulebook = configuration.validate(reading.folder_files(settings.root))
        results = cases.run(rulebook)
    except problems.InvalidFiles as error:
        report.faults = [str(problem) for problem in error.problems]
        return report
    bundle = rulebook.bundle
    report.revision, report.connections, report.cases = bundle.revision, sorted(bundle.connections), len(results)
    report.faults += [str(result) for result in results if not result.passed]
    report.faults += _documents(settings.root, rulebook.rights)
    known = secrets.Secrets(_providers(settings))
    for name, connection in bundle.connections.items():
        try:
            bundle.options(name, registry.get(connection.connector).options, known)
        except problems.InvalidFiles as error:
            report.notes += [f"here only: {problem}" for problem in error.problems]
    return report


def _providers(settings: Settings) -> list[secrets.Provider]:
    found: list[secrets.Provider] = [secrets.Environment(dict(os.environ))]
    return [*found, secrets.Directory(settings.secrets_dir)] if settings.secrets_dir else found


def _documents(root: Path, rules: Iterable[Any]) -> Iterator[str]:
    """Every paper a rule grants by must be there: without it nothing is granted."""
    for rule in rules:
        document = rule.licence.document if rule.licence else ""
        if document and not (root / document).is_file():
            yield f"mappings/{rule.location}: {document} is not there, looked in {root.resolve()}, put it there"


def _checked(report: Report) -> Iterator[str]:
    yield from report.faults
    yield from (f"note: {note}" for note in report.notes)
    if not report.faults:
        names, count = ", ".join(report.connections), output.plural(len(report.connections), "connection")
        cases = output.plural(report.cases, "case")
        yield f"Revision {report.revision[:8]} is right: {count} ({names}), {cases} as expected."
    for each in report.online:
        rows = [(f["result"], f["what"], f["said"], f["remedy"]) for f in each["findings"]]
        yield each["connection"]
        yield from output.table(("", "", "", ""), rows, indent=2)[1:]


# --- schema -----------------------------------------------------------------------------------------------------------


def write_schema(
    write: Annotated[Path | None, typer.Option("--write", metavar="DIR", help="Write one file per kind.")] = None,
) -> None:
    """Print the JSON Schema of every kind of file and of each system's options, for editors."""
    from syncd.sdk.registry import Registry

    found = {**schema.schemas(), **_options(Registry.discover(Settings().root).schemas())}
    if write is None:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    write.mkdir(parents=True, exist_ok=True)
    for kind, content in found.items():
        path = write / f"{kind}.schema.json"
        path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
        typer.echo(f"written  {path}")


def _options(systems: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"options-{name}": content for name, content in systems.items()}
