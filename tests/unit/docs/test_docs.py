"""The documents say all there is, and nothing that is not."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from syncd.config import reading
from syncd.config.bundle import Bundle
from syncd.config.schema import schemas
from syncd.errors import SyncdError
from syncd.mapping import cases, records
from syncd.mapping.rulebook import Rulebook
from syncd.sdk import manifest
from syncd.sdk.registry import Registry
from syncd.settings import Settings
from syncd.systems.folder.statement import Manifest
from syncd.telemetry.metrics import METRICS
from syncd.testing.contracts import home

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / "deploy").glob("*.md"), *ROOT.glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def code() -> ModuleType:
    """What the code has, as `docs/generate.py` finds it."""
    return load_generator()


def page(name: str) -> str:
    return (DOCS / name).read_text()


def prose() -> str:
    """Everything a reader reads, of all pages."""
    return "\n".join(path.read_text() for path in PAGES)


def written_commands() -> Iterator[str]:
    """Every `syncd WORD …` that a page shows as something to type."""
    text = prose()
    shown = [found[2] for found in FENCE.finditer(text)] + re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = (line.partition("#")[0] for typed in shown for line in typed.splitlines())
    for line in lines:
        yield from re.findall(r"(?<![\w./-])syncd (?!syncd)((?:[a-z]+(?:-[a-z]+)*)(?: [a-z]+)?)", line)


def rows_without_meaning(text: str) -> list[str]:
    """Rows of tables of keys whose last cell is empty."""
    return re.findall(r"^\| `\w+` \|[^|]*\|[^|]*\|\s*\|$", text, re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """What a link into a page may name."""
    text = FENCE.sub("", path.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return set(re.findall(r'<a id="([^"]+)">', text)) | set(slugs)


# --- nothing is missing ---------------------------------------------------------------------------------------------


def test_every_generated_part_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_part_that_can_be_generated_has_its_place(code: ModuleType) -> None:
    placed = re.findall(r"<!-- generated: ([a-z-]+) -->", prose())
    assert sorted(placed) == sorted(code.PARTS)


def test_every_setting_is_documented() -> None:
    text = page("operations.md")
    assert [name for name in Settings.model_fields if f"`SYNCD_{name.upper()}`" not in text] == []


def test_every_command_and_option_is_documented(code: ModuleType) -> None:
    text = page("operations.md")
    known = code.commands()
    assert len(known) > 10
    for command in known:
        start = text.index(f"#### `{command.name}`\n")
        section = text[start : text.find("\n#### ", start + 1)]
        for spelled, _, meaning in command.options:
            assert spelled.replace("|", "\\|") in section
            assert meaning, f"{command.name} {spelled} says nothing of itself"
        for name, _ in command.arguments:
            assert name in section


def test_every_metric_is_documented() -> None:
    text = page("operations.md")
    assert [metric.name for metric in METRICS if f"`{metric.name}`" not in text] == []


def test_every_route_is_documented(code: ModuleType) -> None:
    text = page("operations.md")
    assert [r for r in code.routes() if f"`{r.method} {r.path}`" not in text] == []


def test_every_error_code_has_its_section_in_the_runbook(code: ModuleType) -> None:
    text = page("runbook.md")
    codes = {cls.code for cls in code.error_classes()} | set(code.exception_codes())
    assert {"hook.refused", "match.ambiguous", SyncdError.code} <= codes
    for name in sorted(codes):
        section = re.search(
            rf'<a id="{re.escape(name)}"></a>\n### {re.escape(name)}\n(.*?)(?=<a id=|\Z)', text, re.DOTALL
        )
        assert section, f"docs/runbook.md has no section {name}"
        for word in ("Means", "See", "Do"):
            assert re.search(rf"\*\*{word}\.\*\* \S", section[1]), f"the section {name} lacks {word}"


def test_every_error_says_what_to_do(code: ModuleType) -> None:
    assert [cls.__name__ for cls in code.error_classes() if not (cls.__doc__ or "").strip()] == []


def test_every_option_of_every_system_is_documented() -> None:
    text = page("systems.md")
    systems = Registry.discover(ROOT / "nowhere").systems
    assert {"folder", "webhook", "mailbox", "table", "feed", "amazon"} <= set(systems)
    for name, system in systems.items():
        start = text.index(f"\n## {name}\n")
        section = text[start : text.find("\n## ", start + 1)]
        schema = system.options.model_json_schema()
        for model in (schema, *schema.get("$defs", {}).values()):
            for key in model.get("properties", {}):
                assert f"| `{key}` |" in section, f"{name}: {key}"
    assert rows_without_meaning(text) == []


def test_every_key_of_every_file_is_documented_with_its_meaning() -> None:
    text = page("mappings.md")
    for kind, schema in schemas().items():
        models = (schema, *schema.get("$defs", {}).values())
        for model in (way for each in models for way in (each, *each.get("anyOf", ()))):
            for key in model.get("properties", {}):
                assert f"| `{key}` |" in text, f"{kind}: {key}"
    assert rows_without_meaning(text) == []


def test_every_fact_that_conditions_see_is_documented() -> None:
    text = page("mappings.md")
    facts = [f"{root}.{name}" for root, model in records.ROOTS.items() for name in model.model_fields]
    assert [fact for fact in facts if f"| `{fact}` |" not in text] == []


# --- nothing is made up ---------------------------------------------------------------------------------------------


def test_settings_that_are_named_exist() -> None:
    known = {f"SYNCD_{name.upper()}" for name in Settings.model_fields} | {home.VARIABLE}
    deployed = [ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "deploy" / "syncd.service"]
    text = prose() + "".join(path.read_text() for path in deployed)
    assert set(re.findall(r"\bSYNCD_[A-Z_]*[A-Z]\b", text)) - known == set()


def test_commands_that_are_named_exist(code: ModuleType) -> None:
    known = {command.name.removeprefix("syncd ") for command in code.commands()}
    groups = {name.split()[0] for name in known if " " in name}
    wrong = {typed for typed in written_commands() if typed not in known and typed.split()[0] not in known - groups}
    assert wrong == set()


def test_options_that_are_named_exist(code: ModuleType) -> None:
    known = {word for command in code.commands() for spelled, _, _ in command.options for word in spelled.split()}
    known = {word.strip("`,") for word in known}
    shown = [
        typed for typed in re.findall(r"`(syncd [^`]+|--[a-z][^`]*)`", FENCE.sub("", prose())) if "docker" not in typed
    ]
    used = {option for typed in shown for option in re.findall(r"(?<=[ `])--[a-z-]+|^--[a-z-]+", typed)}
    assert used - known - {"--check"} == set()


def test_remedies_in_the_code_name_commands_and_options_that_exist(code: ModuleType) -> None:
    options = {command.name: {spelled for spelled, _, _ in command.options} for command in code.commands()}
    texts = [
        node.value
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    typed = [line for text in texts for line in re.findall(r"`(syncd [a-z][^`\n]*)`", text)]
    assert len(typed) > 20
    for line in typed:
        words = line.split()
        found = next((name for name in (" ".join(words[:3]), " ".join(words[:2])) if name in options), None)
        assert found, f"`{line}` is no command"
        for option in re.findall(r"--[a-z-]+", line):
            assert any(f"`{option}`" in spelled for spelled in options[found]), f"`{line}`: {found} has no {option}"


def test_metrics_that_are_named_exist() -> None:
    known = {metric.name for metric in METRICS}
    assert set(re.findall(r"\bsyncd_[a-z_]+(?:_total|_seconds|_bytes)\b", prose())) - known == set()


def test_routes_that_are_named_exist(code: ModuleType) -> None:
    known = {f"{route.method} {route.path}" for route in code.routes()}
    named = set(re.findall(r"`((?:GET|POST|PUT|DELETE|HEAD) /[^` ]+)`", prose()))
    assert {each for each in named if each.replace("CONNECTION", "{connection}") not in known} == set()


def test_sections_of_the_runbook_are_for_codes_that_exist(code: ModuleType) -> None:
    codes = {cls.code for cls in code.error_classes()} | set(code.exception_codes())
    assert set(re.findall(r'<a id="([^"]+)">', page("runbook.md"))) - codes == set()


def test_modules_that_the_architecture_names_exist() -> None:
    source = ROOT / "src" / "syncd"
    named = re.findall(r"`((?:domain|flow|engine|ledger|mapping|media|sdk|web|config)/[a-z_]+)(?:\.py)?`", prose())
    assert named
    missing = {name for name in named if not (source / f"{name}.py").exists() and not (source / name).is_dir()}
    assert missing == set()


def test_facts_that_are_named_exist() -> None:
    named = re.findall(r"\b((?:asset|file|image|video|submission|brief)\.[a-z_]+)\b(?!\()", page("mappings.md"))
    known = {f"{root}.{name}" for root, model in records.ROOTS.items() for name in model.model_fields}
    assert set(named) - known == set()


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), f"{path.name}: {target} is not there"
        if anchor:
            assert anchor in anchors(found), f"{path.name}: {target} names no heading"


def test_the_picture_is_a_picture() -> None:
    assert (DOCS / "syncd.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg"')


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_no_registry(path: Path) -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "proxy.golang" + ".org")
    assert [host for host in hosts if host in path.read_text()] == []


# --- examples -------------------------------------------------------------------------------------------------------


def examples() -> Iterator[tuple[str, str, str]]:
    """(page, path, text) of every YAML example; the path of a file of configuration stands in its first line."""
    for source in PAGES:
        for number, found in enumerate(FENCE.finditer(source.read_text())):
            if found[1] == "yaml":
                named = re.match(r"# ((?:connectors|mappings|inbox)/\S+)\n", found[2])
                yield f"{source.name}-{number}", named[1] if named else "", found[2]


EXAMPLES = list(examples())
STANDS_FOR = {
    "feed": "shop-feed",
    "shopify": "shop-feed",
    "amazon": "shop-feed",
    "walmart": "shop-feed",
    "table": "catalog",
    "akeneo": "catalog",
    "webhook": "creators-hook",
    "folder": "creators-folder",
    "mailbox": "creators-folder",
}


def test_there_are_examples() -> None:
    assert {path for _, path, _ in EXAMPLES} >= {f"mappings/{name}.yaml" for name in reading.MAPPINGS}


@pytest.mark.parametrize(("where", "path", "text"), EXAMPLES, ids=[where for where, _, _ in EXAMPLES])
def test_examples_load(where: str, path: str, text: str) -> None:
    """Each as the daemon would load it: in the place of the demo's file of that name, with all that it refers to."""
    if path.startswith("inbox/"):
        assert manifest.read(text, path, Manifest).creator is not None
        return
    if not path:
        path = f"connectors/{STANDS_FOR[yaml.safe_load(text)['connector']]}.yaml"
    files = reading.folder_files(ROOT)
    if path.endswith(".cases.yaml"):
        files = {name: each for name, each in files.items() if not name.endswith(".cases.yaml")}
    rulebook = Rulebook.from_files({**files, path: text})
    if path.startswith("connectors/"):
        check_options(rulebook.bundle, Path(path).stem)
    if path.endswith(".cases.yaml"):
        assert [str(result) for result in cases.run(rulebook) if not result.passed] == []


def check_options(bundle: Bundle, name: str) -> None:
    system = Registry.discover(ROOT / "nowhere").get(bundle.connections[name].connector)
    assert bundle.check_options(name, system.options) == []
    assert set(bundle.connections[name].roles) <= {role.value for role in system.roles}


def test_conditions_shown_alone_are_conditions() -> None:
    text = page("mappings.md")
    shown = re.search(r"functions below.*?```\n(.*?)```", text, re.DOTALL)
    assert shown
    for condition in shown[1].strip().splitlines():
        rights = yaml.safe_dump({"rights": [{"name": "shown", "when": condition, "grant": "owned"}]}, sort_keys=False)
        files = {name: each for name, each in reading.folder_files(ROOT).items() if ".cases." not in name}
        Rulebook.from_files({**files, "mappings/rights.yaml": rights})


def test_the_connector_of_the_ten_minutes_is_found(tmp_path: Path) -> None:
    shown = re.search(r"```python\n# connectors/lines.py\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert shown
    folder = tmp_path / "connectors"
    folder.mkdir()
    (folder / "lines.py").write_text(shown[1])
    found = Registry.discover(tmp_path)
    assert [str(problem) for problem in found.problems] == []
    assert found.get("lines").example.startswith("connector: lines\n")


def test_signing_as_shown_is_accepted() -> None:
    from datetime import UTC, datetime

    from pydantic import SecretStr

    from syncd.sdk.hooks import StandardAuth
    from syncd.sdk.source import HookRequest

    shown = re.search(r"```python\n(import base64.*?)```", page("systems.md"), re.DOTALL)
    assert shown
    made: dict[str, object] = {}
    exec(shown[1], made)
    key = re.search(r'b64decode\("([^"]+)"\)', shown[1])
    assert key
    headers, body = made["headers"], made["body"]
    assert isinstance(headers, dict)
    assert isinstance(body, bytes)
    request = HookRequest("POST", "/hooks/creators-hook", headers, body, datetime.now(UTC))
    assert StandardAuth(keys=(SecretStr(key[1]),)).verify(request) == "msg-1"


def test_the_ways_to_ask_for_tokens_are_declarations() -> None:
    from types import SimpleNamespace

    from pydantic import SecretStr, TypeAdapter

    from syncd.sdk.oauth import MAIN, Authorization

    text = page("systems.md")
    shown = re.search(r"```python\n(from syncd.sdk.oauth.*?)```", text, re.DOTALL)
    assert shown
    made: dict[str, object] = {}
    exec(shown[1], made)
    options = SimpleNamespace(
        shop="a.example", portal="b.example", url="https://c.example", endpoint="https://d.example", client_id="id",
        client_secret=SecretStr("s"), refresh_token=SecretStr("r"), username="u", password=SecretStr("p"),
    )  # fmt: skip
    ways = [made[name](options)[MAIN] for name in ("shop", "marketplace", "catalogue", "library")]  # type: ignore[operator]
    assert len({way.kind for way in ways}) == 4
    written = re.search(r"```\n(options:\n  authorization:.*?)```", text, re.DOTALL)
    assert written
    found = yaml.load(written[1], Loader=yaml.CBaseLoader)["options"]["authorization"]
    assert len(TypeAdapter(Authorization).validate_python(found).client_secret) == 2
