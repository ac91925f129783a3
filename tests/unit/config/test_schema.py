from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from syncd.config import schema

ROOT = Path(__file__).parents[3]
FILES = sorted([*(ROOT / "connectors").glob("*.yaml"), *(ROOT / "mappings").glob("*.yaml")])


def kind_of(path: Path) -> str:
    if path.parent.name == "connectors":
        return "connection"
    return "cases" if path.name.endswith(".cases.yaml") else path.stem


def as_editors_read(path: Path) -> object:
    """The data as an editor's YAML has it, days as text."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_shipped_files_meet_their_schema(path: Path) -> None:
    jsonschema.Draft202012Validator(schema.schemas()[kind_of(path)]).validate(as_editors_read(path))


@pytest.mark.parametrize(("kind", "data"), [
    ("connection", {"connector": "feed", "brand": "a", "roles": ["boss"], "owner": "a@b"}),
    ("brands", {"brands": []}),
    ("match", {"match": [{"name": "a", "skus": "brief.skus"}]}),
    ("rights", {"rights": [], "warn": ["soon"]}),
    ("reviews", {"reviews": [{"name": "a"}]}),
])  # fmt: skip
def test_wrong_data_does_not(kind: str, data: object) -> None:
    assert list(jsonschema.Draft202012Validator(schema.schemas()[kind]).iter_errors(data))
