"""The rules of match.yaml: what each of them finds for one subject. `domain.match` decides on it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from syncd.config import nodes, problems, tables
from syncd.config.models.rules import FOUND_GROUPS, MatchFile, MatchRule
from syncd.domain.match import By, Candidate
from syncd.mapping import names, patterns
from syncd.mapping.expressions import Condition, Facts, compile_when

KEY_COLUMNS = {
    "file": "file.name",
    "sha256": "file.sha256",
    "submission": "submission.id",
    "handle": "submission.handle",
    "tag": "submission.tags",
    "hashtag": "submission.hashtags",
}
"""Columns by which a match table is searched, and their facts; all filled cells of a row must be met."""

MAX_COMBINATIONS = 10_000

Index = Mapping[tuple[str, ...], Mapping[tuple[str, ...], tuple[tables.Row, ...]]]


@dataclass(frozen=True, slots=True)
class FromTable:
    """Looks the subject up in a CSV file. `index` holds rows by which key columns they fill and by their cells."""

    file: str
    by: By
    index: Index

    def find(self, facts: Facts) -> tuple[tuple[str, ...], str]:
        rows = [row for columns in self.index for row in self._rows(columns, facts)]
        if not rows:
            return (), f"{self.file} has no row for it"
        lines = ", ".join(str(line) for line in sorted({row.line for row in rows}))
        return tuple(dict.fromkeys(row.cells[self.by] for row in rows)), f"{self.file}:{lines} says so"

    def _rows(self, columns: tuple[str, ...], facts: Facts) -> Iterator[tables.Row]:
        values = [facts.texts(KEY_COLUMNS[column]) for column in columns]
        for cells in itertools.islice(itertools.product(*values), MAX_COMBINATIONS):
            yield from self.index[columns].get(cells, ())


@dataclass(frozen=True, slots=True)
class FromText:
    """Searches a text by a pattern; every hit counts."""

    path: str
    pattern: re.Pattern[str]
    by: By

    def find(self, facts: Facts) -> tuple[tuple[str, ...], str]:
        searched = [text[: patterns.MAX_TEXT] for text in facts.texts(self.path)]
        hits = dict.fromkeys(hit[self.by] for text in searched for hit in self.pattern.finditer(text) if hit[self.by])
        shown = ", ".join(searched)[:80]
        if not hits:
            return (), f"{shown} does not match" if shown else f"{self.path} is empty"
        return tuple(hits), f"{shown} holds {', '.join(hits)}"


@dataclass(frozen=True, slots=True)
class FromFact:
    """Copies a fact."""

    path: str
    by: By

    def find(self, facts: Facts) -> tuple[tuple[str, ...], str]:
        values = tuple(dict.fromkeys(facts.texts(self.path)))
        return values, f"{self.path} is {', '.join(values)}" if values else f"{self.path} is empty"


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    name: str
    location: str
    when: Condition | None
    way: FromTable | FromText | FromFact
    then: Literal["confirm", "suggest"]


def candidates(rules: Sequence[Rule], facts: Facts) -> list[Candidate]:
    """What each rule finds, one candidate per rule in the rules' order, with no values where it found nothing.

    Raises:
        errors.RuleFailed: a condition has no answer for this subject.
    """
    return [_candidate(rule, facts) for rule in rules]


def _candidate(rule: Rule, facts: Facts) -> Candidate:
    values, why = (
        ((), "its condition does not hold") if rule.when and not rule.when.holds(facts) else (rule.way.find(facts))
    )
    return Candidate(rule.name, rule.location, rule.way.by, values, rule.then, why)


def compile_rules(
    file: MatchFile, document: nodes.Document, known_tables: Mapping[str, tables.Table]
) -> tuple[tuple[Rule, ...], list[problems.Problem]]:
    """Compile match.yaml.

    Args:
        known_tables: by file name; a rule whose table is not there is left out, its absence is reported elsewhere.

    Returns:
        the rules that are right, and what is wrong with the others.
    """
    rules: list[Rule] = []
    faults: list[problems.Problem] = []
    for index, rule in enumerate(file.match):
        location: nodes.Location = ("match", index)
        when, found = compile_when(rule.when, document, location)
        faults += found
        way = _way(rule, document, location, known_tables, faults)
        if way and not found:
            rules.append(Rule(rule.name, document.place(location), when, way, rule.then))
    return tuple(rules), faults


def _way(
    rule: MatchRule,
    document: nodes.Document,
    location: nodes.Location,
    known_tables: Mapping[str, tables.Table],
    faults: list[problems.Problem],
) -> FromTable | FromText | FromFact | None:
    if rule.table is not None:
        table = known_tables.get(rule.table)
        return _from_table(table, document, (*location, "table"), faults) if table else None
    key, path = next((key, path) for key, path in _paths(rule) if path)
    if wrong := names.check_path(path):
        faults.append(document.problem((*location, key), *wrong))
        return None
    if rule.find is None:
        return FromFact(path, _BY[key])
    try:
        pattern = patterns.compile_pattern(rule.find, FOUND_GROUPS)
    except ValueError as error:
        faults.append(
            document.problem(
                (*location, "find"),
                "the pattern is not taken",
                str(error),
                "simplify it, such as (?P<sku>[A-Z]{2}-\\d{4})",
            )
        )
        return None
    return FromText(path, pattern, next(by for by in FOUND_GROUPS if by in pattern.groupindex))


_BY: dict[str, By] = {"sku": "sku", "gtin": "gtin", "product": "name"}


def _paths(rule: MatchRule) -> tuple[tuple[str, str | None], ...]:
    return (("in", rule.in_), ("sku", rule.sku), ("gtin", rule.gtin), ("product", rule.product))


def _from_table(
    table: tables.Table, document: nodes.Document, location: nodes.Location, faults: list[problems.Problem]
) -> FromTable | None:
    keys = tuple(column for column in table.columns if column in KEY_COLUMNS)
    results = [by for by in FOUND_GROUPS if by in table.columns]
    unknown = set(table.columns) - set(keys) - set(FOUND_GROUPS) - {"note"}
    if len(results) != 1 or not keys or unknown:
        why = f"it has the columns {', '.join(table.columns)}"
        remedy = f"give it one of sku, gtin, name, and one or more of {', '.join(KEY_COLUMNS)}; note is free"
        faults.append(document.problem(location, "the table cannot be searched", why, remedy))
        return None
    by = results[0]
    index: dict[tuple[str, ...], dict[tuple[str, ...], tuple[tables.Row, ...]]] = {}
    for row in table.rows:
        columns = tuple(column for column in keys if row.cells[column])
        if not columns or not row.cells[by]:
            faults.append(
                problems.Problem(
                    table.file,
                    row.line,
                    1,
                    "this row says nothing",
                    f"it needs a {by} and one of {', '.join(keys)}",
                    "fill or remove it",
                )
            )
            continue
        cells = tuple(row.cells[column] for column in columns)
        rows = index.setdefault(columns, {})
        rows[cells] = (*rows.get(cells, ()), row)
    return FromTable(table.file.rsplit("/", 1)[-1], by, index)
