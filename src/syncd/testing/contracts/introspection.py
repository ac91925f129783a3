"""A vendor's GraphQL schema, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syncd.testing.contracts import files
from syncd.testing.contracts.formats import SCALARS, Check
from syncd.testing.contracts.needed import needed

with needed("graphql-core"):
    import graphql as gql


def schema(path: Path) -> gql.GraphQLSchema:
    """The schema in an SDL file or in an introspection's JSON, gzipped or not.

    Raises:
        ValueError: it is neither.
    """
    found = gql.build_schema(files.text(path)) if files.kind(path) in files.GRAPHQL else _introspected(path)
    for name, check in SCALARS.items():
        scalar = found.get_type(name)
        if isinstance(scalar, gql.GraphQLScalarType):
            _guard(scalar, check)
    return found


def _introspected(path: Path) -> gql.GraphQLSchema:
    content = files.parsed(path)
    if not files.holds_introspection(content):
        raise ValueError(f"{path} is no GraphQL schema: it holds no introspection.")
    # A vendor's schema need not be valid by the newest rules, and 3,500 types take long to be looked at.
    return gql.build_client_schema(content.get("data", content), assume_valid=True)


def _guard(scalar: gql.GraphQLScalarType, check: Check) -> None:
    """An introspection only names scalars: without this any value would do."""

    def checked(value: Any) -> Any:
        if not check(value):
            raise ValueError(f"{value!r} is no {scalar.name}")
        return value

    for method in ("coerce_input_value", "coerce_output_value", "parse_value", "serialize"):
        setattr(scalar, method, checked)
