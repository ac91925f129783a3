"""The validated whole of all files: what every decision is taken by, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from syncd.config import nodes, problems, reading, references, tables, validation
from syncd.config import secrets as secret_references
from syncd.config.models.brands import Brand, BrandsFile, Brief, BriefsFile, Market, PeopleFile, Person
from syncd.config.models.cases import CasesFile
from syncd.config.models.connection import Connection
from syncd.config.models.rules import MatchFile, MatrixFile, ReviewsFile, RightsFile, SpecsFile
from syncd.config.scalars import matches
from syncd.domain.spec import ImageSpec, VideoSpec

M = TypeVar("M", bound=BaseModel)

SHORT = 8
"""Hex digits of a revision's short name."""


def canonical(files: Mapping[str, str]) -> dict[str, str]:
    """Files in the form that is stored and hashed: no byte-order mark, line ends as `\\n`, sorted by path."""
    return {
        path: text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        for path, text in sorted(files.items())
    }


def revision_id(files: Mapping[str, str]) -> str:
    """The SHA-256 of the files' canonical form, in hex."""
    stored = json.dumps(canonical(files), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(stored.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """One revision of the configuration."""

    files: Mapping[str, str]
    revision: str
    documents: Mapping[str, nodes.Document]
    brands: Mapping[str, Brand]
    connections: Mapping[str, Connection]
    people: Mapping[str, Person]
    """by mail address"""
    briefs: Mapping[str, Brief]
    specs: Mapping[str, ImageSpec | VideoSpec]
    tables: Mapping[str, tables.Table]
    """by file name, such as `match-overrides.csv`"""
    match: MatchFile
    matrix: MatrixFile
    rights: RightsFile
    reviews: ReviewsFile | None
    cases: Mapping[str, CasesFile]
    """by the file they belong to, such as `match`"""

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Bundle:
        """Validate a revision, conditions and rules excepted: `syncd.mapping.rulebook` does those as well.

        Args:
            files: text by path, such as `mappings/match.yaml`.

        Raises:
            problems.InvalidFiles: with all problems of all files.
        """
        stored = canonical(files)
        found = reading.read(stored)
        if faults := [*found.problems, *references.check(found)]:
            raise problems.InvalidFiles(faults)
        return cls.of(stored, found)

    @classmethod
    def of(cls, files: Mapping[str, str], found: reading.Reading) -> Bundle:
        """Put together what was read without a problem."""
        brands, people = found.mapping(BrandsFile), found.mapping(PeopleFile)
        briefs, specs = found.mapping(BriefsFile), found.mapping(SpecsFile)
        cases = {
            path.removeprefix("mappings/").removesuffix(".cases.yaml"): model
            for path, model in found.models.items()
            if isinstance(model, CasesFile)
        }
        return cls(
            files=files,
            revision=revision_id(files),
            documents=found.documents,
            brands={brand.name: brand for brand in brands.brands} if brands else {},
            connections=found.connections,
            people={person.mail: person for person in people.people} if people else {},
            briefs={brief.name: brief for brief in briefs.briefs} if briefs else {},
            specs={spec.name: spec for spec in specs.specs} if specs else {},
            tables=found.tables,
            match=found.mapping(MatchFile) or MatchFile(),
            matrix=found.mapping(MatrixFile) or MatrixFile(),
            rights=found.mapping(RightsFile) or RightsFile(),
            reviews=found.mapping(ReviewsFile),
            cases=cases,
        )

    @property
    def short_revision(self) -> str:
        return self.revision[:SHORT]

    def connections_like(self, glob: str, *, brand: str | None = None) -> tuple[str, ...]:
        """Names of connections that match, of one brand or of all, sorted."""
        return tuple(
            name
            for name, connection in sorted(self.connections.items())
            if matches(glob, name) and brand in (None, connection.brand)
        )

    def catalog_of(self, brand: str) -> str | None:
        """The connection whose catalog tells which products of the brand exist."""
        catalogs = {
            name: connection.authoritative
            for name, connection in self.connections.items()
            if connection.brand == brand and "catalog" in connection.roles
        }
        return next((name for name, chosen in catalogs.items() if chosen or len(catalogs) == 1), None)

    def brand_of_brief(self, brief: Brief) -> str:
        return brief.brand or next(iter(self.brands))

    def markets_of(self, connection: str) -> tuple[Market, ...]:
        """The markets a connection serves, in its own order."""
        found = self.connections[connection]
        known = {market.name: market for market in self.brands[found.brand].markets}
        return tuple(known[name] for name in found.markets)

    def names_of_skus(self, connection: str) -> dict[str, tuple[str, ...]]:
        """What a connection calls each SKU, by its `products.table`; two names for one SKU are two hits."""
        table = self.connections[connection].products.table
        names: dict[str, tuple[str, ...]] = {}
        for row in self.tables[table].rows if table else ():
            names[row.cells["sku"]] = (*names.get(row.cells["sku"], ()), row.cells["name"])
        return names

    def check_options(self, connection: str, model: type[BaseModel]) -> list[problems.Problem]:
        """Check a connection's options by its connector's model while references are still references.

        What depends on the value of a reference is left for `options`, which knows it.
        """
        document = self.documents[f"connectors/{connection}.yaml"]
        data = self.connections[connection].options
        unresolved = tuple(secret_references.places(data, ("options",)))
        return validation.validate(model, document, data=data, below=("options",), secrets={}, unresolved=unresolved)[1]

    def options(self, connection: str, model: type[M], secrets: secret_references.Secrets) -> M:
        """Build a connection's options: references resolved, validated, with positions in faults and no secret in them.

        Raises:
            problems.InvalidFiles: a reference without a value, or options the connector refuses.
        """
        document = self.documents[f"connectors/{connection}.yaml"]
        resolved = secrets.resolve(document)
        built, faults = validation.validate(
            model, document, data=resolved.options, below=("options",), secrets=resolved.shown
        )
        if built is None:
            raise problems.InvalidFiles(faults)
        return built


def load_folder(root: Path) -> Bundle:
    """Read and validate `connectors/*.yaml`, `mappings/*.yaml` and `mappings/*.csv` under `root`.

    Raises:
        problems.InvalidFiles: with all problems of all files.
    """
    return Bundle.from_files(reading.folder_files(root))
