"""Files of contracts, as parsed: JSON or YAML, gzipped or not."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import yaml

YAML = frozenset({".yaml", ".yml"})
GRAPHQL = frozenset({".graphql", ".graphqls", ".gql"})


class _Loader(yaml.CSafeLoader):
    """YAML as OpenAPI means it: 1.2 with the types of JSON, so that `NO`, `12:30` and dates stay texts."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (yaml's own name and type)


_NUMBERS = "-+0123456789"
for _name, _pattern, _begins in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ("n", "~", "")),
    ("int", r"[-+]?(0|[1-9]\d*)", _NUMBERS),
    ("float", r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", _NUMBERS),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_begins))


def kind(path: Path) -> str:
    """What a file's name says it holds: its extension, without that of a compression."""
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def text(path: Path) -> str:
    """A file's text, decompressed."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def parsed(path: Path) -> Any:
    """A JSON or YAML file's content.

    Raises:
        ValueError: it is neither.
    """
    try:
        if kind(path) in YAML:
            return yaml.load(text(path), Loader=_Loader)  # noqa: S506 (it is a safe loader)
        return json.loads(text(path))
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as {kind(path).lstrip('.') or 'JSON'}: {error}") from error


def holds_introspection(content: Any) -> bool:
    """Whether a file's content is the answer to a GraphQL introspection, with or without its `data`."""
    return isinstance(content, dict) and "__schema" in content.get("data", content)
