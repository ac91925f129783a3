"""Examples beside the rules: run by `syncd check`, added to by `syncd case`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from syncd import errors
from syncd.config import nodes, problems, validation
from syncd.config.models.cases import Case, KnownProduct
from syncd.domain import match as decision
from syncd.domain.product import ProductRef
from syncd.mapping import records
from syncd.mapping.expressions import Facts
from syncd.mapping.rights import GrantTerms
from syncd.mapping.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went: `location` is `mappings/match.cases.yaml:2`; `got` holds at least the keys of `expected`."""

    name: str
    location: str
    passed: bool
    expected: Mapping[str, Any]
    got: Mapping[str, Any]

    def __str__(self) -> str:
        wrong = {key: self.got.get(key) for key, value in self.expected.items() if self.got.get(key) != value}
        told = "; ".join(f"{key}: expected {self.expected[key]!r}, got {value!r}" for key, value in wrong.items())
        return f"{self.location}: {self.name}: {'as expected' if self.passed else told}"


def run(rulebook: Rulebook) -> list[CaseResult]:
    """Run every case of every mapping file.

    Raises:
        problems.InvalidFiles: a case gives facts or expects things that do not exist.
    """
    results: list[CaseResult] = []
    faults: list[problems.Problem] = []
    for kind, file in rulebook.bundle.cases.items():
        document = rulebook.bundle.documents[f"mappings/{kind}.cases.yaml"]
        for index, case in enumerate(file.cases):
            try:
                results.append(_run(rulebook, kind, case, document, index))
            except problems.InvalidFiles as error:
                faults += error.problems
    if faults:
        raise problems.InvalidFiles(faults)
    return results


def _run(rulebook: Rulebook, kind: str, case: Case, document: nodes.Document, index: int) -> CaseResult:
    location: nodes.Location = ("cases", index)
    subject, faults = validation.validate(
        records.Subject, document, data=_completed(case.given, rulebook), below=(*location, "given")
    )
    unknown = set(case.expect) - set(EXPECTATIONS[kind])
    faults += [
        document.problem((*location, "expect", key), f"`{key}` cannot be expected of {kind}.yaml",
                         f"its answer has {', '.join(EXPECTATIONS[kind])}", "correct it", key=True)
        for key in sorted(unknown)
    ]  # fmt: skip
    if subject is None or faults:
        raise problems.InvalidFiles(faults)
    try:
        got = _ANSWERS[kind](rulebook, Facts(subject), case)
    except errors.RuleFailed as error:
        got = {"error": error.what}
    passed = all(got.get(key) == value for key, value in case.expect.items())
    return CaseResult(case.name, f"{document.file}:{document.position(location)[0]}", passed, case.expect, got)


def _completed(given: dict[str, Any], rulebook: Rulebook) -> dict[str, Any]:
    """The facts a case need not repeat: the only brand, and the parts of a file's name."""
    given = {**given}
    asset = given.get("asset", {})
    if isinstance(asset, dict) and len(rulebook.bundle.brands) == 1:
        given["asset"] = {"brand": next(iter(rulebook.bundle.brands)), **asset}
    file = given.get("file", {})
    if isinstance(file, dict) and isinstance(file.get("name"), str):
        stem, _, extension = file["name"].rpartition(".")
        given["file"] = {"stem": stem or extension, "extension": extension.lower() if stem else "", **file}
    return given


def _match(rulebook: Rulebook, facts: Facts, case: Case) -> dict[str, Any]:
    found = rulebook.candidates(facts)
    known: dict[decision.Lookup, tuple[ProductRef, ...]] = {
        (by, value): tuple(
            ProductRef(product.sku, product.name, product.gtin)
            for product in case.products
            if product.value(by) == value
        )
        for by, value in decision.lookups(found)
    }
    result = decision.decide(found, known)
    failed = result.status in (decision.MatchStatus.AMBIGUOUS, decision.MatchStatus.UNMATCHED)
    return {
        "sku": result.product.sku if result.product else "",
        "rule": result.rule,
        "exception": str(result.status) if failed else "",
        "suggest": [product.sku for product in result.suggestions],
    }


def _matrix(rulebook: Rulebook, facts: Facts, case: Case) -> dict[str, Any]:
    wanted = rulebook.wanted(facts)
    return {"make": [{"for": each.connection, "spec": each.spec, "as": each.role} for each in wanted]}


def _rights(rulebook: Rulebook, facts: Facts, case: Case) -> dict[str, Any]:
    terms = rulebook.terms_for(facts)
    if terms is None:
        return {"rule": "", "without": rulebook.bundle.rights.without}
    return {"rule": terms.rule, "grant": "owned"} if terms.owned else {"rule": terms.rule, **_shown(terms)}


def _shown(terms: GrantTerms) -> dict[str, Any]:
    shown = {field.name: getattr(terms, field.name) for field in dataclasses.fields(terms)}
    return {
        key: list(value) if isinstance(value, tuple) else "" if value is None else str(value)
        for key, value in shown.items()
        if key in EXPECTATIONS["rights"]
    }


def _reviews(rulebook: Rulebook, facts: Facts, case: Case) -> dict[str, Any]:
    route = rulebook.route_for(facts)
    if route is None:
        return {"rule": "", "ask": [], "approver": ""}
    return {"rule": route.rule, "ask": list(route.ask), "approver": route.approver}


_ANSWERS: dict[str, Callable[[Rulebook, Facts, Case], dict[str, Any]]] = {
    "match": _match,
    "matrix": _matrix,
    "rights": _rights,
    "reviews": _reviews,
}


def answer(rulebook: Rulebook, kind: str, given: Facts, products: Iterable[ProductRef] = ()) -> dict[str, Any]:
    """What the rules of one file say of these facts, in the words a case expects.

    Args:
        kind: the file, such as `match`.
        products: those that exist, as far as `match` asks.

    Raises:
        errors.RuleFailed: a rule has no answer for these facts.
    """
    known = tuple(KnownProduct(sku=product.sku, gtin=product.gtin, name=product.title) for product in products)
    return _ANSWERS[kind](rulebook, given, Case(name=kind, products=known, expect={"rule": ""}))


EXPECTATIONS: dict[str, tuple[str, ...]] = {
    "match": ("sku", "rule", "exception", "suggest"),
    "matrix": ("make",),
    "rights": (
        "rule", "grant", "without", "document", "territory", "medium", "use", "channels", "lasts", "starts", "until",
    ),
    "reviews": ("rule", "ask", "approver"),
}  # fmt: skip
"""What a case of each mapping file may expect."""


def append_case(text: str, case: Mapping[str, Any]) -> str:
    """Add a case to the text of a cases file; comments and layout of what is there stay.

    Args:
        text: the file's present content, or nothing.
        case: `name`, `given`, `expect` and where needed `products`, made of maps, lists and texts.

    Raises:
        problems.InvalidFiles: the present content is no cases file, or is written in one line with brackets.
    """
    document = nodes.parse(text, "cases")
    present = document.data or {}
    if not isinstance(present, dict) or list(present) not in ([], ["cases"]):
        raise problems.InvalidFiles([document.problem((), "this is no cases file", "it needs one key, `cases`", "")])
    listed = document.node(("cases",))
    if isinstance(listed, yaml.SequenceNode) and listed.value:
        if listed.flow_style:
            why = "a case cannot be added to a list in brackets"
            fault = document.problem(("cases",), "the list is not open", why, "write one `-` per case")
            raise problems.InvalidFiles([fault])
        return f"{text.rstrip()}\n{_item(case, listed.start_mark.column)}"
    return f"{_with_open_key(text, document)}{_item(case, 2)}"


def _with_open_key(text: str, document: nodes.Document) -> str:
    """A file whose list is empty, comments and all, with the key written so that items can follow."""
    lines = text.splitlines()
    if document.data:
        lines[document.position(("cases",), key=True)[0] - 1] = "cases:"
    else:
        lines.append("cases:")
    return "\n".join(lines) + "\n"


def _item(case: Mapping[str, Any], indent: int) -> str:
    dumped = yaml.safe_dump([_texts(case)], sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return "".join(f"{' ' * indent}{line}" for line in dumped.splitlines(keepends=True))


def _texts(value: Any) -> Any:
    """Everything as text, as the files are read; what is None is left out."""
    if isinstance(value, Mapping):
        return {str(key): _texts(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_texts(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
