"""What files ask of one another: names that must exist, globs that must match, rules that must be reachable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from syncd.config import nodes
from syncd.config.models.brands import Brand, BrandsFile, BriefsFile, PeopleFile
from syncd.config.models.connection import Connection
from syncd.config.models.rules import (
    Licence,
    MatchFile,
    MatrixFile,
    ReviewRule,
    ReviewsFile,
    RightsFile,
    RightsRule,
    SpecsFile,
)
from syncd.config.problems import Problem
from syncd.config.reading import Reading
from syncd.config.scalars import matches

IDENTITY_COLUMNS = {"sku", "name"}


def check(reading: Reading) -> Iterator[Problem]:
    """Every problem between files, for as far as the files themselves could be read."""
    rules: tuple[Callable[[Reading], Iterator[Problem]], ...] = (
        _connections,
        _catalogs,
        _brands,
        _people,
        _briefs,
        _match,
        _matrix,
        _rights,
        _reviews,
    )
    for rule in rules:
        yield from rule(reading)


def _connections(reading: Reading) -> Iterator[Problem]:
    for name, connection in reading.connections.items():
        document = reading.connection_document(name)
        brand = _brand(reading, connection.brand)
        if brand is None:
            yield from _no_brand(reading, document, ("brand",), connection.brand)
            continue
        known = [market.name for market in brand.markets]
        for index, market in enumerate(connection.markets):
            if market not in known:
                yield document.problem(
                    ("markets", index),
                    f"the market `{market}` is not known",
                    f"{brand.name} sells in {_listed(known)}",
                    "add it to mappings/brands.yaml",
                )
        yield from _identity_table(reading, document, connection)


def _identity_table(reading: Reading, document: nodes.Document, connection: Connection) -> Iterator[Problem]:
    name, location = connection.products.table, ("products", "table")
    if name is None or f"mappings/{name}" in reading.broken:
        return
    table = reading.tables.get(name)
    if table is None:
        yield _no_table(reading, document, location, name)
    elif not set(table.columns) >= IDENTITY_COLUMNS:
        yield document.problem(
            location, f"`{name}` lacks a column", f"it has {_listed(table.columns)}", "give it the columns sku and name"
        )


def _catalogs(reading: Reading) -> Iterator[Problem]:
    if not reading.all_connections_read:
        return
    for brand in _known_brands(reading):
        own = {name: each for name, each in reading.connections.items() if each.brand == brand.name}
        catalogs = {name: each for name, each in own.items() if "catalog" in each.roles}
        chosen = [name for name, each in catalogs.items() if each.authoritative]
        if own and not catalogs:
            first = reading.connection_document(min(own))
            yield first.problem(
                ("brand",),
                f"{brand.name} has no catalog",
                "one must tell which products exist",
                "add a connection with roles: [catalog]",
            )
        elif len(chosen) > 1 or (len(catalogs) > 1 and not chosen):
            second = sorted(chosen or catalogs)[1]
            yield reading.connection_document(second).problem(
                ("authoritative",) if chosen else ("roles",),
                f"{brand.name} has {len(chosen or catalogs)} catalogs "
                f"that could be the authoritative one: {_listed(chosen or catalogs)}",
                "exactly one tells which products exist",
                "write `authoritative: true` in one of them",
            )


def _brands(reading: Reading) -> Iterator[Problem]:
    document, briefs = reading.document(BrandsFile), reading.mapping(BriefsFile)
    for index, brand in enumerate(_known_brands(reading)):
        if brand.standing_brief is None or reading.is_broken(BriefsFile):
            continue
        brief = next((each for each in briefs.briefs if each.name == brand.standing_brief), None) if briefs else None
        location = ("brands", index, "standing_brief")
        if brief is None:
            names = [each.name for each in briefs.briefs] if briefs else []
            yield document.problem(
                location,
                f"the brief `{brand.standing_brief}` is not known",
                f"known are {_listed(names)}",
                "add it to mappings/briefs.yaml",
            )
        elif brief.brand not in (None, brand.name):
            yield document.problem(
                location,
                f"the brief `{brief.name}` belongs to {brief.brand}",
                "brands share nothing",
                f"name a brief of {brand.name}",
            )


def _people(reading: Reading) -> Iterator[Problem]:
    people = reading.mapping(PeopleFile)
    for index, person in enumerate(people.people if people else ()):
        if person.brand and _brand(reading, person.brand) is None:
            yield from _no_brand(reading, reading.document(PeopleFile), ("people", index, "brand"), person.brand)


def _briefs(reading: Reading) -> Iterator[Problem]:
    briefs, document = reading.mapping(BriefsFile), reading.document(BriefsFile)
    several = len(_known_brands(reading)) > 1
    for index, brief in enumerate(briefs.briefs if briefs else ()):
        if brief.brand and _brand(reading, brief.brand) is None:
            yield from _no_brand(reading, document, ("briefs", index, "brand"), brief.brand)
        elif several and not brief.brand:
            yield document.problem(
                ("briefs", index), f"the brief `{brief.name}` names no brand", "there are several", "add `brand:`"
            )
        yield from _globs(reading, document, ("briefs", index, "channels"), brief.channels)


def _match(reading: Reading) -> Iterator[Problem]:
    match, document = reading.mapping(MatchFile), reading.document(MatchFile)
    for index, rule in enumerate(match.match if match else ()):
        if rule.table and rule.table not in reading.tables and f"mappings/{rule.table}" not in reading.broken:
            yield _no_table(reading, document, ("match", index, "table"), rule.table)


def _matrix(reading: Reading) -> Iterator[Problem]:
    matrix, document = reading.mapping(MatrixFile), reading.document(MatrixFile)
    file = reading.mapping(SpecsFile)
    specs = {spec.name: spec for spec in file.specs} if file else {}
    for index, entry in enumerate(matrix.matrix if matrix else ()):
        for number, make in enumerate(entry.make):
            location = ("matrix", index, "make", number)
            yield from _globs(reading, document, (*location, "for"), [make.for_])
            spec = specs.get(make.spec)
            if spec is None and not reading.is_broken(SpecsFile):
                yield document.problem(
                    (*location, "spec"),
                    f"the spec `{make.spec}` is not known",
                    f"known are {_listed(specs)}",
                    "add it to mappings/specs.yaml",
                )
            elif spec and spec.kind == "video" and entry.from_ == "image":
                yield document.problem(
                    (*location, "spec"),
                    f"`{make.spec}` is a video",
                    "this entry is from images",
                    "name the spec of a picture, or write `from: video`",
                )


def _rights(reading: Reading) -> Iterator[Problem]:
    rights, document = reading.mapping(RightsFile), reading.document(RightsFile)
    if rights is None:
        return
    yield from _unreachable(document, "rights", rights.rights)
    for index, rule in enumerate(rights.rights):
        if isinstance(rule.grant, Licence):
            yield from _globs(reading, document, ("rights", index, "grant", "channels"), rule.grant.channels)
    covered = False
    for glob in rights.stop_before:
        location = ("stop_before", glob)
        if covered:
            yield document.problem(
                location,
                f"`{glob}` is never reached",
                "the first glob that matches counts",
                "move it above '*'",
                key=True,
            )
        yield from _globs(reading, document, location, [glob], key=True)
        covered = covered or glob == "*"


def _reviews(reading: Reading) -> Iterator[Problem]:
    reviews, document = reading.mapping(ReviewsFile), reading.document(ReviewsFile)
    if reviews is None:
        return
    yield from _unreachable(document, "reviews", reviews.reviews)
    if _is_conditional(reviews.reviews[-1]):
        yield document.problem(
            ("reviews", len(reviews.reviews) - 1),
            "the last rule has a condition",
            "a version for which it does not hold would have no reviewers",
            "add a last rule without `when`",
        )
    if reading.is_broken(PeopleFile):
        return
    file = reading.mapping(PeopleFile)
    people = file.people if file else ()
    for index, rule in enumerate(reviews.reviews):
        if rule.approver not in [person.mail for person in people]:
            yield document.problem(
                ("reviews", index, "approver"),
                f"the approver {rule.approver} is not known",
                "only people of mappings/people.yaml decide",
                "add the person, or name another",
            )
        for number, role in enumerate(rule.ask):
            for brand in _known_brands(reading):
                if not any(role in person.roles and person.brand in (None, brand.name) for person in people):
                    yield document.problem(
                        ("reviews", index, "ask", number),
                        f"nobody has the role `{role}`",
                        f"{brand.name} would wait for ever",
                        "give it to a person in people.yaml",
                    )


def _unreachable(document: nodes.Document, key: str, rules: Sequence[RightsRule | ReviewRule]) -> Iterator[Problem]:
    always = next((index for index, rule in enumerate(rules) if not _is_conditional(rule)), len(rules))
    for index in range(always + 1, len(rules)):
        yield document.problem(
            (key, index),
            f"the rule `{rules[index].name}` is never reached",
            f"`{rules[always].name}` above it always holds",
            "move it up, or remove it",
        )


def _is_conditional(rule: RightsRule | ReviewRule) -> bool:
    return rule.when is not None and rule.when.strip() != "true"


def _globs(
    reading: Reading, document: nodes.Document, location: nodes.Location, globs: Iterable[str], *, key: bool = False
) -> Iterator[Problem]:
    if not reading.all_connections_read:
        return
    for index, glob in enumerate(globs):
        if glob != "*" and not any(matches(glob, name) for name in reading.connections):
            yield document.problem(
                (*location, index),
                f"`{glob}` matches no connection",
                f"there are {_listed(reading.connections)}",
                "correct or remove it",
                key=key,
            )


def _known_brands(reading: Reading) -> tuple[Brand, ...]:
    file = reading.mapping(BrandsFile)
    return file.brands if file else ()


def _brand(reading: Reading, name: str) -> Brand | None:
    return next((brand for brand in _known_brands(reading) if brand.name == name), None)


def _no_brand(reading: Reading, document: nodes.Document, location: nodes.Location, name: str) -> Iterator[Problem]:
    if not reading.is_broken(BrandsFile):
        known = _listed(brand.name for brand in _known_brands(reading))
        yield document.problem(
            location, f"the brand `{name}` is not known", f"known are {known}", "add it to mappings/brands.yaml"
        )


def _no_table(reading: Reading, document: nodes.Document, location: nodes.Location, name: str) -> Problem:
    return document.problem(
        location,
        f"the table `{name}` is not there",
        f"tables in mappings/ are {_listed(reading.tables)}",
        "add the file, or correct the name",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
