"""Everything that is asked of Shopify, and the fake that answers, held against Shopify's own schema."""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import graphql as gql
import pytest
from tests.support.shopify import CONTRACT
from tests.support.vendors.shopify import schema as spoken

from syncd.sdk.graphql import Document
from syncd.systems.shopify import documents

contract = CONTRACT
FOLDER = Path(os.environ.get("SYNCD_CONTRACTS", Path(__file__).parents[4] / "shared" / "specs"))
CONTRACT = FOLDER / "shopify" / "admin_2026-10.json.gz"
TEXTS = {
    name: value.text if isinstance(value, Document) else value
    for name, value in vars(documents).items()
    if isinstance(value, Document) or name.startswith("BULK_")
}
pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason=f"Shopify's contract is not here: {CONTRACT}")


@cache
def vendors() -> gql.GraphQLSchema:
    read = json.loads(gzip.decompress(CONTRACT.read_bytes()))
    return gql.build_client_schema(read["data"], assume_valid=True)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_document_is_valid_and_uses_nothing_deprecated(name: str):
    rules = [*gql.specified_rules, gql.NoDeprecatedCustomRule]
    assert gql.validate(vendors(), gql.parse(TEXTS[name]), rules) == []


def test_documents_are_told_apart_by_their_names():
    names = [value.name for value in vars(documents).values() if isinstance(value, Document)]
    assert len(names) == len(set(names))


def test_the_fake_speaks_a_part_of_the_contract():
    for name, kind in spoken().type_map.items():
        if not name.startswith("__"):
            _require_part(name, kind, vendors().type_map[name])


def _require_part(name: str, kind: Any, real: Any) -> None:
    assert type(kind) is type(real), name
    if isinstance(kind, gql.GraphQLEnumType):
        assert set(kind.values) <= set(real.values), name
    if isinstance(kind, gql.GraphQLInputObjectType):
        assert {field: str(one.type) for field, one in kind.fields.items()}.items() <= {
            field: str(one.type) for field, one in real.fields.items()
        }.items(), name
        missing = real.fields.keys() - kind.fields.keys()
        assert not [field for field in missing if gql.is_required_input_field(real.fields[field])], name
    if isinstance(kind, gql.GraphQLObjectType | gql.GraphQLInterfaceType):
        assert {one.name for one in kind.interfaces} <= {one.name for one in real.interfaces}
        for field, one in kind.fields.items():
            known = real.fields[field]
            assert str(one.type) == str(known.type), f"{name}.{field}"
            given = {argument: str(value.type) for argument, value in one.args.items()}
            assert given.items() <= {argument: str(value.type) for argument, value in known.args.items()}.items()
            assert not [
                argument for argument, value in known.args.items()
                if argument not in given and gql.is_required_argument(value)
            ], f"{name}.{field}"  # fmt: skip
