"""What holds for every value: drawn at random, and judged by other means than the harness's own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30ReadValidator

from syncd.testing.contracts.dialect import Side
from syncd.testing.contracts.openapi import OpenApiContract
from syncd.testing.contracts.operation import Schema
from syncd.testing.contracts.references import Document
from syncd.testing.contracts.schemas import Schemas
from tests.unit.testing.contracts.calls import places, request

STYLES = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|", "multi": None}
SCHEMAS = [
    {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 5},
    {"type": "string", "nullable": True, "maxLength": 2},
    {"type": "array", "items": {"type": "number", "nullable": True}, "uniqueItems": True, "maxItems": 2},
    {"type": "object", "required": ["a", "b"], "properties": {
        "a": {"type": "integer", "writeOnly": True}, "b": {"type": "boolean"}, "c": {"type": "integer"},
    }},
    {"anyOf": [{"type": "integer", "maximum": 3}, {"type": "array", "minItems": 1}]},
    {"oneOf": [{"type": "integer", "maximum": 3}, {"type": "integer", "minimum": 2}, {"type": "boolean"}]},
    {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"enum": [1, "x", None]}}}]},
    {"not": {"type": "string"}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-3, 8) | st.sampled_from([1.5, "", "x", "xyz"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@cache
def slots(style: str) -> OpenApiContract:
    """A contract whose only parameters are a name in the path and a list of numbers in the query."""
    return loaded({
        "swagger": "2.0", "paths": {"/items/{name}/slots": {"get": {"responses": {}, "parameters": [
            {"name": "name", "in": "path", "type": "string", "required": True, "maxLength": 5},
            {"name": "slots", "in": "query", "type": "array", "collectionFormat": style,
             "items": {"type": "integer", "minimum": 1, "maximum": 9}},
        ]}}},
    })  # fmt: skip


def loaded(contract: dict[str, object]) -> OpenApiContract:
    with TemporaryDirectory() as folder:
        path = Path(folder, "contract.json")
        path.write_text(json.dumps(contract))
        return OpenApiContract.load(path)


@cache
def answers(index: int) -> tuple[Schemas, Schema]:
    """The schema with this index, for answers, not closed: closing is no part of OpenAPI."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "contract.json")
        path.write_text(json.dumps({"openapi": "3.0.3", "components": {"schemas": {"X": SCHEMAS[index]}}}))
        document = Document(path)
    return Schemas(document, Side.ANSWER, closed=False), document.root["components"]["schemas"]["X"]


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=40, deadline=None)
@given(numbers=st.lists(st.integers(0, 10), min_size=1, max_size=5), name=st.text(min_size=1, max_size=6))
def test_a_request_is_taken_exactly_if_each_of_its_values_is(style: str, numbers: list[int], name: str) -> None:
    assume(name.strip(".") and name.isprintable())  # a client removes dots from paths
    separator = STYLES[style]
    texts = list(map(str, numbers))
    query = (
        "&".join(f"slots={text}" for text in texts) if separator is None else f"slots={quote(separator.join(texts))}"
    )
    wrong = [f"query.slots[{index}]" for index, number in enumerate(numbers) if not 1 <= number <= 9]
    expected = ["path.name"] * (len(name) > 5) + wrong
    assert places(slots(style), request("GET", f"/items/{quote(name, safe='')}/slots?{query}")) == expected


@pytest.mark.parametrize("index", range(len(SCHEMAS)))
@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_schemas_of_version_3_0_mean_what_they_mean_to_another_validator(index: int, value: object) -> None:
    assume(not (isinstance(value, dict) and "writeOnly" in str(SCHEMAS[index]) and "a" in value))  # we let it pass
    schemas, schema = answers(index)
    assert schemas.fits(schema, value) is OAS30ReadValidator(SCHEMAS[index]).is_valid(value)
