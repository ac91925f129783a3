"""Writes the parts of these pages that follow from the code: `python docs/generate.py` (`--check` only compares).

A page holds the place of each part as `<!-- generated: NAME -->` … `<!-- end -->`; what stands between is replaced.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import pkgutil
import re
import sys
import tempfile
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

import syncd
from syncd import errors
from syncd.app import App
from syncd.cli import app as cli
from syncd.cli.output import Exit
from syncd.config.models.connection import Connection
from syncd.config.reading import MAPPINGS, WITH_CASES
from syncd.config.schema import schemas
from syncd.mapping import match, records, syntax
from syncd.mapping.cases import EXPECTATIONS
from syncd.sdk import registry
from syncd.sdk.changes import Hears, Subscribes, Watches
from syncd.sdk.channel import Settles
from syncd.sdk.oauth.declaration import AuthorizationCode, ClientCredentials, Declared, Password, RefreshToken
from syncd.sdk.roles import PROTOCOLS, Role
from syncd.sdk.system import Claimable, System
from syncd.settings import Settings
from syncd.telemetry.metrics import METRICS
from syncd.web.endpoint import Endpoint
from syncd.web.problem import status_of
from syncd.web.routing import PlainRoute

DOCS = Path(__file__).parent
ABILITIES = (Settles, Hears, Watches, Subscribes, Claimable)
SOURCES = Path(syncd.__file__).parent
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
CODE = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*")

MEANING = {
    "Asset.title": "as the submission titles it",
    "Asset.brand": "its brand",
    "Asset.kind": "`image`, `video` or `text`",
    "Brand.name": "the name everything else refers to",
    "Brand.owner": "who owns what nobody else does",
    "Brand.brake": "what may vanish from one connection in 24 hours by removals nobody stated",
    "Brand.markets": "where it sells",
    "Brief.name": "the name submissions answer by",
    "Brief.title": "for people",
    "Brief.owner": "owns every asset that answers it",
    "Brief.campaign": "a label that selects its assets, in `resync` too",
    "Brief.skus": "the products asked for; a fact for rules",
    "Brief.use": "the use asked for; a fact for rules",
    "BrandsFile.brands": "every brand",
    "BriefsFile.briefs": "every brief",
    "CasesFile.cases": "every example",
    "Case.name": "what is shown when it fails",
    "Connection.brand": "whose account it is",
    "Connection.roles": "what the connection is to syncd; which ones a system takes is in systems.md",
    "Connection.markets": "markets of the brand that this connection serves: a grant must cover their territories",
    "Connection.products": "how this system names a SKU",
    "Connection.media": "where in its galleries our media may stand",
    "KnownProduct.sku": "its SKU",
    "KnownProduct.gtin": "its GTIN",
    "KnownProduct.name": "its name",
    "Licence.territory": "territories in which it holds",
    "Licence.medium": "media in which it holds, such as web",
    "Licence.use": "the use it allows",
    "Make.spec": "a name in specs.yaml",
    "Market.name": "the name connections refer to",
    "Market.territory": "the territory a grant must cover",
    "Market.language": "the language of its listings",
    "MatchFile.match": "the rules, in order",
    "MatchRule.name": "shown by explanations",
    "MatchRule.when": "a condition in CEL; without it the rule always holds",
    "MatrixEntry.name": "shown by explanations",
    "MatrixEntry.from": "the kind of content",
    "MatrixEntry.when": "a condition in CEL; without it the entry always holds",
    "MatrixEntry.make": "what is made of it",
    "MatrixFile.matrix": "the entries",
    "PeopleFile.people": "everybody who decides or is told",
    "Person.mail": "the address that names the person",
    "Person.name": "for people",
    "Person.roles": "words of your own, which reviews.yaml asks for",
    "Reason.say": "what the creator reads",
    "ReviewRule.name": "shown by explanations",
    "ReviewRule.when": "a condition in CEL; the last rule has none",
    "ReviewRule.approver": "the one person of people.yaml whose word is final",
    "ReviewsFile.reviews": "the rules, in order",
    "ReviewsFile.reasons": "why something can be rejected, by code",
    "RightsFile.rights": "the rules, in order",
    "RightsRule.name": "shown by explanations",
    "RightsRule.when": "a condition in CEL; without it the rule always holds",
    "RightsRule.grant": "`owned`, a basis without paper, or a licence",
    "SpecsFile.specs": "every spec",
    "ImageSpec.kind": "a picture",
    "VideoSpec.kind": "a video",
    "Spec.name": "the name matrix.yaml refers to",
    "Spec.width": "pixels of the canvas, or the widest",
    "Spec.height": "pixels of the canvas, or the highest",
    "Spec.fit": "contain: whole, own shape; pad: whole on a canvas of exactly this size; crop: canvas filled from the "
    "middle; nothing is enlarged",
    "Spec.background": "of a padded canvas, and under transparency",
    "Spec.max_bytes": "met by lowering the quality or the bit rate",
    "Spec.min_width": "pixels the source must be wide",
    "Spec.min_height": "pixels the source must be high",
    "Spec.format": "what is written",
    "Spec.quality": "where the encoder begins",
    "Spec.min_quality": "below this the rendition fails instead",
    "Spec.progressive": "JPEG in passes",
    "Spec.min_long_side": "pixels the source must have on its longest side",
    "Spec.max_long_side": "pixels the rendition may have on its longest side",
    "Spec.max_megapixels": "of the rendition",
    "Spec.video_codec": "of the picture",
    "Spec.audio_codec": "of the sound",
    "Spec.audio": "whether sound is kept",
    "Spec.min_seconds": "the source must last",
    "Spec.max_seconds": "a longer source is cut",
}
"""What keys mean whose models do not say so themselves, by model and key."""


# --- collecting -------------------------------------------------------------------------------------------------------


def modules() -> Iterator[str]:
    """Every module of syncd that may be imported without doing anything."""
    for found in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if not found.name.startswith("syncd.ledger.migrations."):
            yield found.name


def error_classes() -> list[type[errors.SyncdError]]:
    """Every class of error in syncd, parents first."""
    for name in modules():
        importlib.import_module(name)
    found: list[type[errors.SyncdError]] = []
    waiting: list[type[errors.SyncdError]] = [errors.SyncdError]
    while waiting:
        cls = waiting.pop(0)
        if cls not in found and cls.__module__.startswith("syncd"):
            found.append(cls)
            waiting += cls.__subclasses__()
    return found


def error_codes() -> dict[str, type[errors.SyncdError]]:
    """The class that stands for each code: the first that declares it itself."""
    declared = [cls for cls in error_classes() if "code" in vars(cls)]
    return {cls.code: cls for cls in reversed(declared)}


def exception_codes() -> dict[str, str]:
    """Codes that exceptions on the desk have without being errors, each with the module that opens it."""
    return {
        code: ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)
        for path in sorted(SOURCES.rglob("*.py"))
        for code in _codes_opened(path)
    }


def _codes_opened(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name) and _is_literal(node.value)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if getattr(call.func, "id", "") == "Opening":
            for keyword in call.keywords:
                if keyword.arg == "code":
                    yield from _codes_of(keyword.value, tree, constants)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _codes_of(value: ast.expr, tree: ast.Module, constants: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _codes_of(value.body, tree, constants)
        yield from _codes_of(value.orelse, tree, constants)
    elif isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        yield from (f"{value.values[0].value}{kind}" for kind in constants["OPEN_KINDS"])
    elif isinstance(value, ast.Name):  # handed on by a helper: the texts of its module that look like codes
        said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        yield from sorted(text for text in said if isinstance(text, str) and CODE.fullmatch(text))


def reasons(error: str) -> list[str]:
    """The stable names of reasons that a class of refusal is raised with, such as `HookRefused`."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name == error and call.args and isinstance(call.args[0], ast.Constant):
                found.add(str(call.args[0].value))
    return sorted(found)


def systems() -> dict[str, Any]:
    """The systems that are shipped."""
    with tempfile.TemporaryDirectory() as empty:
        found = registry.Registry.discover(Path(empty))
    return {
        name: system for name, system in sorted(found.systems.items()) if system.__module__.startswith("syncd.systems")
    }


@dataclass(frozen=True, slots=True)
class Served:
    """One route as it is registered; `scope` is None where no token is asked for."""

    method: str
    path: str
    summary: str
    scope: str | None


def routes() -> list[Served]:
    """Every route the daemon registers."""
    with tempfile.TemporaryDirectory() as root:
        found = App(Settings(root=Path(root), _env_file=None))._application()  # type: ignore[call-arg]
    return sorted({_served(route) for route in found.router.routes()}, key=lambda each: (each.path, each.method))


def _served(route: Any) -> Served:
    endpoint = getattr(route.handler, "__self__", None)
    path = route.resource.canonical
    if isinstance(endpoint, Endpoint):
        described = endpoint._route
        return Served(route.method, path, described.summary, described.scope and described.scope.value)
    declared: tuple[PlainRoute, ...] = getattr(endpoint, "plain_routes", endpoint.routes)()
    summary = next(each.summary for each in declared if (each.method, each.path) == (route.method, path))
    return Served(route.method, path, summary, None)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the command line: what is typed, what it does, its arguments and options."""

    name: str
    summary: str
    arguments: Sequence[tuple[str, str]]
    options: Sequence[tuple[str, str, str]]


def commands() -> list[Command]:
    """Every command, groups opened."""
    return list(_commands(typer.main.get_command(cli), "syncd"))


def _commands(command: Any, name: str) -> Iterator[Command]:
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield _command(command, name)
    for word, each in inner.items():
        if not each.hidden:
            yield from _commands(each, f"{name} {word}")


def _command(command: Any, name: str) -> Command:
    arguments, options = [], []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            arguments.append((_argument(parameter), getattr(parameter, "help", None) or ""))
        else:
            options.append((_option(parameter), _plain(parameter.default), parameter.help or ""))
    return Command(name, _first_paragraph(command.help or ""), arguments, options)


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[].") or parameter.name.upper()
    name = f"{name}…" if parameter.nargs == -1 else name
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    spelled = ", ".join(f"`{each}`" for each in [*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return spelled
    choices = typing.get_args(_bare(parameter.type_descriptor.annotation))
    value = parameter.metavar or "|".join(map(str, choices)) or parameter.opts[0].strip("-").upper()
    return f"{spelled} {value}" + (", repeatable" if parameter.multiple else "")


def _bare(annotation: Any) -> Any:
    """The Literal an annotation is or offers; what offers no choice of texts is left out."""
    return annotation if typing.get_origin(annotation) is typing.Literal else str


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


# --- rendering --------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or value == () or value is False or "Sentinel" in type(value).__name__:
        return ""
    return str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def model_tables(schema: Mapping[str, Any], name: str, level: int, top: str) -> str:
    """A table of a model's keys, and one for each model inside it.

    Args:
        schema: JSON Schema with its `$defs`.
        name: of the model, for meanings.
        level: of the headings.
        top: what the first table is headed with; "" for none.
    """
    inner = schema.get("$defs", {})
    parts = [f"{'#' * level} {top}\n\n" if top else "", _keys(schema, name, inner)]
    for each, described in inner.items():
        described = next((way for way in described.get("anyOf", ()) if "properties" in way), described)
        if "properties" in described:
            first = _first_paragraph(described.get("description", ""))
            parts.append(f"\n{'#' * (level + 1)} {each}\n\n{first}\n\n{_keys(described, each, inner)}")
    return "".join(parts)


def _keys(schema: Mapping[str, Any], name: str, inner: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = []
    for key, field in schema["properties"].items():
        shown = "required" if key in required else _default(field)
        meaning = field.get("description") or MEANING.get(f"{name}.{key}")
        if meaning is None and name.endswith("Spec"):
            meaning = MEANING.get(f"Spec.{key}")
        if meaning is None and "$ref" in field:
            meaning = inner[field["$ref"].rsplit("/", 1)[-1]].get("description")
        rows.append((f"`{key}`", _type(field), shown, meaning or ""))
    return table(("key", "value", "default", "meaning"), rows)


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in field:
            return " or ".join(dict.fromkeys(_type(each) for each in field[union] if each.get("type") != "null"))
    if "allOf" in field:
        return _type(field["allOf"][0])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    return _plain_type(field)


def _plain_type(field: Mapping[str, Any]) -> str:
    kind = field.get("type")
    if kind == "array":
        inner = field.get("items") or next(iter(field.get("prefixItems", [{}])))
        return f"list of {_type(inner).removeprefix('such as ')}"
    if kind == "object":
        inner = next(iter(field.get("patternProperties", {}).values()), field.get("additionalProperties"))
        return f"map of {_type(inner).removeprefix('such as ')}" if isinstance(inner, dict) and inner else "map"
    if field.get("examples"):
        return "such as " + ", ".join(f"`{each}`" for each in field["examples"])
    if field.get("format") == "password":
        return "secret"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}
    return {"date": "day", "zoneinfo": "time zone"}.get(field.get("format", ""), words.get(str(kind), "any value"))


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    examples = " ".join(map(str, field.get("examples", ())))
    if value is None or value == "":
        return "none"
    if isinstance(value, dict):
        return "as below" if value else "none"
    if isinstance(value, list):
        return f"`[{', '.join(_duration(str(each)) for each in value)}]`" if value else "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if "%" in examples:
        return f"`{value:.0%}`"
    if "MB" in examples:
        return f"`{value // 10**6}MB`" if value >= 10**6 else f"`{value // 10**3}KB`"
    return f"`{_duration(str(value))}`"


def _duration(text: str) -> str:
    """A length of time as the files write it; any other text as it is."""
    iso = re.fullmatch(r"P(?:T(\d+)([SMH])|(\d+)D)", text)
    return text if iso is None else f"{iso[1]}{iso[2].lower()}" if iso[1] else f"{iso[3]}d"


def part_settings() -> str:
    """Every setting of the process."""
    rows = []
    for name, field in Settings.model_fields.items():
        shown = _default({"default": field.default if isinstance(field.default, bool) else _plain(field.default)})
        rows.append((f"`SYNCD_{name.upper()}`", shown, field.description or ""))
    return table(("variable", "default", "meaning"), rows)


def part_metrics() -> str:
    """Every metric of our own."""
    return table(
        ("metric", "kind", "labels", "meaning"),
        ((f"`{m.name}`", m.kind.value, ", ".join(f"`{each}`" for each in m.labels), m.help) for m in METRICS),
    )


def part_routes() -> str:
    """Every route."""
    rows = ((f"`{r.method} {r.path}`", r.scope or "none", _first_paragraph(r.summary)) for r in routes())
    return table(("route", "scope", "what it does"), rows)


def part_commands() -> str:
    """Every command with all it takes."""
    parts = []
    for command in commands():
        typed = " ".join([command.name, *(name for name, _ in command.arguments)])
        parts.append(f"#### `{command.name}`\n\n{command.summary}\n\n```\n{typed}\n```\n\n")
        rows = [(f"`{name.strip('[]')}`", "", text) for name, text in command.arguments]
        rows += [(spelled, f"`{default}`" if default else "", text) for spelled, default, text in command.options]
        if rows:
            parts.append(table(("argument or option", "default", "meaning"), rows) + "\n")
    return "".join(parts)


def part_exits() -> str:
    """The exit codes of the command line."""
    words = {
        Exit.REFUSED: "the daemon refused, or what was looked at is not in order; standard error says why",
        Exit.UNREACHABLE: "the daemon does not answer, or asks to try again later",
        Exit.INVALID: "the configuration or the settings are wrong",
    }
    rows = [("0", "done"), ("2", "the command line was not understood")]
    return table(("code", "meaning"), sorted([*rows, *((str(int(code)), words[code]) for code in Exit)]))


def part_errors() -> str:
    """An index of all codes."""
    rows = []
    for code, cls in sorted(error_codes().items()):
        raised = cls.__new__(cls)
        reaction = errors.REACTIONS[cls.kind].value
        remedy = _first_paragraph(inspect.getdoc(cls) or "")
        answered = (reaction, str(status_of(raised)))
        if cls.__module__.startswith("syncd.cli"):
            answered = ("-", "-")
        rows.append((f"[`{code}`](#{code})", cls.kind.value, *answered, remedy))
    return table(("code", "kind", "engine", "HTTP", "remedy in one line"), rows)


def part_exceptions() -> str:
    """An index of the codes of exceptions that are not errors."""
    rows = ((f"[`{code}`](#{code})", f"`{module}`") for code, module in sorted(exception_codes().items()))
    return table(("code", "opened by"), rows)


def part_systems() -> str:
    """Every system with its options."""
    parts = []
    for name, system in systems().items():
        schema = system.options.model_json_schema()
        about = _first_paragraph(inspect.getdoc(system) or "")
        facts = [
            ("roles", ", ".join(f"`{role.value}`" for role in Role if role in system.roles)),
            ("longest call", f"{system.call_deadline:g} s"),
            ("listings per call", str(system.max_batch)),
        ]
        parts.append(f"## {name}\n\n{about}\n\n{table(('', ''), facts)}\n")
        parts.append(f"```yaml\n{system.example}```\n\n")
        parts.append(model_tables(schema, system.options.__name__, 3, "Options") + "\n")
    return "".join(parts)


def part_roles() -> str:
    """The methods of each role."""
    return "".join(_methods(role.value, protocol) for role, protocol in PROTOCOLS.items())


def part_abilities() -> str:
    """The methods a system may have beside those of its roles."""
    return "".join(_methods(protocol.__name__, protocol) for protocol in ABILITIES)


def part_traits() -> str:
    """What a system states about itself, with what holds where it does not."""
    tree = ast.parse(inspect.getsource(System)).body[0]
    assert isinstance(tree, ast.ClassDef)
    rows = []
    for place, node in enumerate(tree.body):
        after = tree.body[place + 1] if place + 1 < len(tree.body) else None
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            default = f"`{ast.unparse(node.value)}`" if node.value else "none"
            rows.append((f"`{ast.unparse(node.target)}`", default, " ".join(str(after.value.value).split())))
    return table(("attribute", "default", "meaning"), rows)


def _methods(title: str, protocol: type) -> str:
    rows = [
        (f"`{_signature(name, method)}`", _first_paragraph(inspect.getdoc(method) or ""))
        for name, method in vars(protocol).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    return (
        f"**{title}** · {_first_paragraph(inspect.getdoc(protocol) or '')}\n\n{table(('method', 'contract'), rows)}\n"
    )


def _signature(name: str, method: Any) -> str:
    found = inspect.signature(method)
    arguments = ", ".join(
        each.name if each.annotation is inspect.Parameter.empty else f"{each.name}: {each.annotation}"
        for each in found.parameters.values()
        if each.name != "self"
    )
    kind = "async " if inspect.iscoroutinefunction(method) else ""
    return f"{kind}{name}({arguments}) → {found.return_annotation}"


def part_authorization() -> str:
    """What a system declares of its tokens: the keys all kinds have, then those of each."""
    common = Declared.model_json_schema()
    parts = [_keys(common, "Declared", {})]
    for model in (ClientCredentials, Password, RefreshToken, AuthorizationCode):
        schema = model.model_json_schema()
        kind = schema["properties"]["kind"]["const"]
        schema["properties"] = {
            key: field for key, field in schema["properties"].items() if key not in {"kind", *common["properties"]}
        }
        parts.append(f"\n**`kind: {kind}`** · {_first_paragraph(inspect.getdoc(model) or '')}\n")
        if schema["properties"]:
            parts.append(f"\n{_keys(schema, model.__name__, {})}")
    return "".join(parts)


def part_connection() -> str:
    """The keys of a connection file."""
    return model_tables(schemas()["connection"], Connection.__name__, 3, "")


def part_mapping(name: str) -> Callable[[], str]:
    """The keys of one mapping file."""
    return lambda: model_tables(schemas()[name], MAPPINGS[name].__name__, 3, "")


def part_cases() -> str:
    """The keys of a cases file, and what each may expect."""
    keys = model_tables(schemas()["cases"], "CasesFile", 3, "")
    rows = ((f"`{name}.cases.yaml`", ", ".join(f"`{each}`" for each in EXPECTATIONS[name])) for name in WITH_CASES)
    return f"{keys}\n{table(('file', 'what its `expect` may hold'), rows)}"


def part_records() -> str:
    """The facts conditions see."""
    parts = []
    for root, model in records.ROOTS.items():
        hints = typing.get_type_hints(model)
        rows = [(f"`{root}.{name}`", _fact(hints[name])) for name in model.model_fields]
        parts.append(
            f"**{root}** · {_first_paragraph(inspect.getdoc(model) or '')}\n\n{table(('fact', 'kind'), rows)}\n"
        )
    return "".join(parts)


def _fact(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`'{each}'`" for each in arguments)
    if origin is tuple:
        return f"list: {_fact(arguments[0])}"
    if origin is not None:
        return "texts by name: `submission.fields.NAME`, guarded by `has(…)`"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[annotation]


def part_functions() -> str:
    """What conditions may call."""
    macros = ", ".join(f"`{name}`" for name in sorted(syntax.MACROS))
    others = ", ".join(f"`{name}`" for name in sorted(syntax.FUNCTIONS - syntax.MACROS))
    return f"Over lists: {macros}. Others: {others}.\n"


def part_match_columns() -> str:
    """The columns of a match table."""
    rows = ((f"`{column}`", f"`{fact}`") for column, fact in match.KEY_COLUMNS.items())
    return table(("column", "is compared with"), rows)


def part_reasons(error: str) -> Callable[[], str]:
    """The reasons of one class of refusal."""
    return lambda: ", ".join(f"`{reason}`" for reason in reasons(error)) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "settings": part_settings,
    "metrics": part_metrics,
    "routes": part_routes,
    "commands": part_commands,
    "exits": part_exits,
    "errors": part_errors,
    "exceptions": part_exceptions,
    "hostile-reasons": part_reasons("HostileInput"),
    "hook-reasons": part_reasons("HookRefused"),
    "systems": part_systems,
    "roles": part_roles,
    "abilities": part_abilities,
    "traits": part_traits,
    "authorization": part_authorization,
    "connection": part_connection,
    **{f"mapping-{name}": part_mapping(name) for name in MAPPINGS},
    "cases": part_cases,
    "records": part_records,
    "functions": part_functions,
    "match-columns": part_match_columns,
}


def generated(text: str) -> str:
    """A page with all its parts made anew.

    Raises:
        KeyError: it asks for a part that is not there.
    """
    return PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]().strip()}\n{found[4]}", text)


def pages() -> list[Path]:
    """The pages that hold generated parts."""
    return [path for path in sorted(DOCS.rglob("*.md")) if PART.search(path.read_text())]


def main() -> int:
    """Write the pages, or with `--check` say which are stale."""
    stale = [path for path in pages() if generated(path.read_text()) != path.read_text()]
    for path in stale:
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{path} is stale: run python docs/generate.py\n")
        else:
            path.write_text(generated(path.read_text()))
            sys.stdout.write(f"{path} written\n")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
