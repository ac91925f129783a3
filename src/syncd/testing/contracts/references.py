"""A contract's file with those it refers to: whatever a `$ref` names is found, however the files name one another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from syncd.testing.contracts import files

Node = Mapping[str, Any]


class Document:
    """One contract; every `$ref` in it holds an absolute address."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError if the file is neither JSON nor YAML, or holds no mapping."""
        self.path = path.resolve()
        self.address = self.path.as_uri()
        self._files: dict[str, Any] = {}
        self.root: Node = self._file(self.address)
        if not isinstance(self.root, Mapping):
            raise ValueError(f"{path} is no contract: it holds no mapping.")

    def resolve(self, node: Any) -> Any:
        """The node itself, or what it refers to where it is a reference."""
        seen: set[str] = set()
        while isinstance(node, Mapping) and isinstance(address := node.get("$ref"), str):
            if address in seen:
                raise ValueError(f"{address} refers to itself.")
            seen.add(address)
            node = self.at(address)
        return node

    def schemas(self) -> dict[str, Any]:
        """The contract's named schemas, by their addresses."""
        if "swagger" in self.root:
            named, where = self.root.get("definitions", {}), "definitions"
        else:
            named, where = self.root.get("components", {}).get("schemas", {}), "components/schemas"
        return {f"{self.address}#/{where}/{name}": schema for name, schema in named.items()}

    def at(self, address: str) -> Any:
        """What an absolute address names. Raises ValueError if there is nothing."""
        file, pointer = urldefrag(address)
        node = self._file(file)
        for step in filter(None, unquote(pointer).split("/")):
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(step)] if isinstance(node, list) else node[step]
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise ValueError(f"{self.path} refers to {address}, where there is nothing.") from error
        return node

    def _file(self, address: str) -> Any:
        if address not in self._files:
            parts = urlsplit(address)
            if parts.scheme != "file":
                raise ValueError(f"{self.path} refers to {address}: only files beside a contract are read.")
            self._files[address] = _absolute(files.parsed(Path(unquote(parts.path))), address)
        return self._files[address]


def _absolute(node: Any, base: str) -> Any:
    """A copy of the node in which every reference is absolute."""
    if isinstance(node, list):
        return [_absolute(item, base) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {str(name): _absolute(value, base) for name, value in node.items()}  # YAML reads status codes as numbers
    if isinstance(copy.get("$ref"), str):
        copy["$ref"] = urljoin(base, copy["$ref"])
    if isinstance(copy.get("propertyName"), str) and isinstance(copy.get("mapping"), dict):
        copy["mapping"] = {value: _target(target, base) for value, target in copy["mapping"].items()}
    return copy


def _target(target: str, base: str) -> str:
    """What a discriminator's mapping names: a reference, or the bare name of a schema."""
    is_reference = "#" in target or "/" in target or "." in target
    return urljoin(base, target if is_reference else f"#/components/schemas/{target}")
