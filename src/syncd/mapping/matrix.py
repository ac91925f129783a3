"""The entries of matrix.yaml: which derivatives a version is to become, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.config import nodes, problems
from syncd.config.models.connection import Connection
from syncd.config.models.rules import MatrixFile
from syncd.config.scalars import matches
from syncd.mapping.expressions import Condition, Facts, compile_when


@dataclass(frozen=True, slots=True)
class Wanted:
    """One derivative: for which connection, by which spec, in which role, and the entry that asks for it."""

    connection: str
    spec: str
    role: str
    entry: str
    location: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One compiled entry. `make` holds glob, spec and role."""

    name: str
    location: str
    kind: str
    when: Condition | None
    make: tuple[tuple[str, str, str], ...]


def wanted(matrix: Sequence[Entry], facts: Facts, connections: Mapping[str, Connection]) -> list[Wanted]:
    """What every entry that holds asks for, in the entries' order, each (connection, spec, role) once.

    Args:
        connections: by name; only channels of the asset's brand are considered: a library holds the version itself.

    Raises:
        errors.RuleFailed: a condition has no answer for this subject.
    """
    asset = facts.subject.asset
    own = sorted(name for name, each in connections.items() if each.brand == asset.brand and "channel" in each.roles)
    found: dict[tuple[str, str, str], Wanted] = {}
    for entry in matrix:
        if entry.kind != asset.kind or (entry.when and not entry.when.holds(facts)):
            continue
        for glob, spec, role in entry.make:
            for name in own:
                if matches(glob, name):
                    found.setdefault((name, spec, role), Wanted(name, spec, role, entry.name, entry.location))
    return list(found.values())


def compile_entries(file: MatrixFile, document: nodes.Document) -> tuple[tuple[Entry, ...], list[problems.Problem]]:
    """Compile matrix.yaml.

    Returns:
        the entries that are right, and what is wrong with the others.
    """
    entries: list[Entry] = []
    faults: list[problems.Problem] = []
    for index, entry in enumerate(file.matrix):
        when, found = compile_when(entry.when, document, ("matrix", index))
        faults += found
        if not found:
            make = tuple((each.for_, each.spec, each.as_) for each in entry.make)
            entries.append(Entry(entry.name, document.place(("matrix", index)), entry.from_, when, make))
    return tuple(entries), faults
