"""All files of a revision to models, each file by itself; what one file asks of another is in `references`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from syncd.config import nodes, problems, secrets, tables, validation
from syncd.config.models.brands import BrandsFile, BriefsFile, PeopleFile
from syncd.config.models.cases import CasesFile
from syncd.config.models.connection import Connection
from syncd.config.models.rules import MatchFile, MatrixFile, ReviewsFile, RightsFile, SpecsFile

M = TypeVar("M", bound=BaseModel)

MAPPINGS: dict[str, type[BaseModel]] = {
    "brands": BrandsFile,
    "people": PeopleFile,
    "briefs": BriefsFile,
    "specs": SpecsFile,
    "match": MatchFile,
    "matrix": MatrixFile,
    "rights": RightsFile,
    "reviews": ReviewsFile,
}
"""Mapping files by name, which is also their first key."""
WITH_CASES = ("match", "matrix", "rights", "reviews")
FOLDERS = {"connectors": (".yaml",), "mappings": (".yaml", ".csv")}

_CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(slots=True)
class Reading:
    """What could be read of the files. A file that is there but wrong is in `broken`, so that what refers to it is
    not blamed for it.
    """

    documents: dict[str, nodes.Document] = field(default_factory=dict)
    models: dict[str, BaseModel] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    tables: dict[str, tables.Table] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    problems: list[problems.Problem] = field(default_factory=list)

    def mapping(self, model: type[M]) -> M | None:
        """The mapping file of this model; None where it is missing or broken."""
        found = self.models.get(path_of(model))
        return found if isinstance(found, model) else None

    def document(self, model: type[BaseModel]) -> nodes.Document:
        path = path_of(model)
        return self.documents.get(path) or nodes.Document(path, {}, None)

    def is_broken(self, model: type[BaseModel]) -> bool:
        return path_of(model) in self.broken

    def connection_document(self, name: str) -> nodes.Document:
        return self.documents[f"connectors/{name}.yaml"]

    @property
    def all_connections_read(self) -> bool:
        return not any(path.startswith("connectors/") for path in self.broken)


def path_of(model: type[BaseModel]) -> str:
    """Where the mapping file of a model lies."""
    return next(f"mappings/{name}.yaml" for name, candidate in MAPPINGS.items() if candidate is model)


def folder_files(root: Path) -> dict[str, str]:
    """The text of all configuration files under `root`, by path relative to it.

    Raises:
        problems.InvalidFiles: a folder is missing, or a file cannot be read as text or has another ending.
    """
    files: dict[str, str] = {}
    faults: list[problems.Problem] = []
    for folder, endings in FOLDERS.items():
        if not (root / folder).is_dir():
            faults.append(
                problems.Problem(
                    f"{folder}/",
                    0,
                    0,
                    "the folder is missing",
                    f"looked in {root.resolve()}",
                    "set SYNCD_ROOT, or run `syncd init`",
                )
            )
            continue
        for path in sorted((root / folder).iterdir()):
            name = f"{folder}/{path.name}"
            if path.name.startswith(".") or not path.is_file():
                continue
            if path.suffix == ".yml":
                faults.append(
                    problems.Problem(
                        name, 0, 0, "the file would not be read", "its name ends in .yml", "rename it to .yaml"
                    )
                )
            elif path.suffix in endings:
                try:
                    files[name] = path.read_text("utf-8-sig")
                except (OSError, UnicodeDecodeError) as error:
                    faults.append(
                        problems.Problem(
                            name,
                            0,
                            0,
                            "the file cannot be read",
                            str(error),
                            "save it as UTF-8 and let syncd's user read it",
                        )
                    )
    if faults:
        raise problems.InvalidFiles(faults)
    return files


def read(files: Mapping[str, str]) -> Reading:
    """Parse and validate every file by itself.

    Args:
        files: text by path, such as `mappings/match.yaml`.
    """
    reading = Reading()
    for path, text in sorted(files.items()):
        before = len(reading.problems)
        if path.startswith("mappings/") and path.endswith(".csv"):
            _table(reading, path, text)
        elif path.endswith(".yaml"):
            _yaml(reading, path, text)
        else:
            reading.problems.append(_unknown(path, "it is neither YAML nor CSV"))
        if len(reading.problems) > before:
            reading.broken.add(path)
    return reading


def _table(reading: Reading, path: str, text: str) -> None:
    table, faults = tables.parse(text, path)
    reading.tables[path.removeprefix("mappings/")] = table
    reading.problems += faults


def _yaml(reading: Reading, path: str, text: str) -> None:
    try:
        document = nodes.parse(text, path)
    except problems.InvalidFiles as error:
        reading.problems += error.problems
        return
    reading.documents[path] = document
    folder, _, name = path.removesuffix(".yaml").partition("/")
    if folder == "connectors":
        reading.problems += _connection(reading, document, name)
    elif folder == "mappings":
        reading.problems += _mapping(reading, document, name)
    else:
        reading.problems.append(_unknown(path, "it lies in no folder of the configuration"))


def _connection(reading: Reading, document: nodes.Document, name: str) -> Iterator[problems.Problem]:
    if not _CONNECTION_NAME.fullmatch(name):
        yield problems.Problem(
            document.file,
            1,
            1,
            f"`{name}` cannot name a connection",
            "it stands in addresses",
            "rename the file: small letters, digits and hyphens",
        )
        return
    connection, faults = validation.validate(Connection, document)
    yield from faults
    if connection:
        reading.connections[name] = connection
        for location, reference in secrets.malformed(connection.options, ("options",)):
            yield document.problem(
                location,
                f"${{{reference}}} is not a reference",
                "a name has letters, digits and _",
                "write ${NAME}, or $${…} for the text itself",
            )


def _mapping(reading: Reading, document: nodes.Document, name: str) -> Iterator[problems.Problem]:
    kind, _, cases = name.partition(".")
    model = MAPPINGS.get(kind)
    if cases == "cases" and kind in WITH_CASES:
        model, kind = CasesFile, "cases"
    elif model is None or cases:
        known = ", ".join([*MAPPINGS, *(f"{each}.cases" for each in WITH_CASES)])
        yield problems.Problem(
            document.file, 1, 1, "this mapping file is not known", f"known are {known}", "rename or remove it"
        )
        return
    first = next(iter(document.data), None) if isinstance(document.data, dict) else None
    if first != kind:
        shown = f"the first key is `{first}`" if first else "the file is empty or not a map"
        yield document.problem(
            () if first is None else (first,),
            shown,
            "a mapping file's first key is its name",
            f"begin the file with `{kind}:`",
            key=True,
        )
        return
    found, faults = validation.validate(model, document)
    yield from faults
    if found:
        reading.models[document.file] = found


def _unknown(path: str, why: str) -> problems.Problem:
    return problems.Problem(path, 0, 0, "this file is no configuration", why, "move it to another folder")
