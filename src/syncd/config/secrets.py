"""`${NAME}` in a connection's options: resolved from the environment or secret files when the connection is built.

The revision holds references only, so that no secret reaches the ledger, a plan or a log. An option that takes
several keys during rotation is a list of references: `keys: [${HOOK_KEY}, ${HOOK_KEY_BEFORE}]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from syncd.config import nodes, problems

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
MAX_BYTES = 64 * 1024


class Provider(Protocol):
    """One place where secrets are kept."""

    def get(self, name: str) -> SecretStr | None:
        """The secret, or None where this place has none of that name."""
        ...

    def tried(self, name: str) -> str:
        """Where it looked, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables of the process, handed in once."""

    variables: Mapping[str, str]

    def get(self, name: str) -> SecretStr | None:
        value = self.variables.get(name)
        return SecretStr(value) if value else None

    def tried(self, name: str) -> str:
        return f"the environment variable {name}"

    def __repr__(self) -> str:
        return f"Environment({len(self.variables)} variables)"


@dataclass(frozen=True, slots=True)
class Directory:
    """Files named like the secret, as Docker and Kubernetes mount them; a final newline is not part of it."""

    path: Path

    def get(self, name: str) -> SecretStr | None:
        for file in (self.path / name, self.path / name.lower()):
            if file.is_file():
                with file.open("rb") as opened:
                    value = opened.read(MAX_BYTES).decode("utf-8").rstrip("\r\n")
                return SecretStr(value) if value else None
        return None

    def tried(self, name: str) -> str:
        return f"the file {self.path / name}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Options with their references replaced. `shown` maps each secret to its reference, for redaction."""

    options: dict[str, Any]
    shown: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Resolved({', '.join(sorted(self.options))})"


class Secrets:
    """Looks a name up in each provider in order; the first that has it wins."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = tuple(providers)

    def get(self, name: str) -> SecretStr | None:
        found = (provider.get(name) for provider in self.providers)
        return next((secret for secret in found if secret is not None), None)

    def resolve(self, document: nodes.Document, below: nodes.Location = ("options",)) -> Resolved:
        """Replace every reference in a part of a document.

        Raises:
            problems.InvalidFiles: references that no provider knows, each with all places that were looked at.
        """
        missing: list[problems.Problem] = []
        shown: dict[str, str] = {}

        def replace(text: str, location: nodes.Location) -> str:
            for name in references(text):
                secret = self.get(name)
                if secret is None:
                    missing.append(self._missing(document, location, name))
                else:
                    shown[secret.get_secret_value()] = f"${{{name}}}"
            return _REFERENCE.sub(self._value, text)

        part = document.data
        for step in below:
            part = part.get(step) or {}
        options = _walk(part, below, replace)
        if missing:
            raise problems.InvalidFiles(missing)
        return Resolved(options, shown)

    def _value(self, found: re.Match[str]) -> str:
        if found[1]:
            return f"${{{found[2]}}}"
        secret = self.get(found[2])
        return secret.get_secret_value() if secret else ""

    def _missing(self, document: nodes.Document, location: nodes.Location, name: str) -> problems.Problem:
        tried = ", then ".join(provider.tried(name) for provider in self.providers) or "nowhere: no place is configured"
        return document.problem(location, f"${{{name}}} has no value", f"looked at {tried}", "set one of them")


def references(text: str) -> Iterator[str]:
    """Names referred to in a text; `$${…}` stands for a literal `${…}`."""
    return (found[2] for found in _REFERENCE.finditer(text) if not found[1])


def malformed(data: Any, location: nodes.Location) -> Iterator[tuple[nodes.Location, str]]:
    """Places of references whose name is not one, such as `${}` or `${A-B}`."""
    for place, text in _texts(data, location):
        yield from ((place, name) for name in references(text) if not _NAME.fullmatch(name))


def places(data: Any, location: nodes.Location) -> Iterator[nodes.Location]:
    """Places of texts that hold a reference."""
    return (place for place, text in _texts(data, location) if any(references(text)))


def _texts(data: Any, location: nodes.Location) -> Iterator[tuple[nodes.Location, str]]:
    below: Iterable[tuple[Any, Any]] = ()
    if isinstance(data, str):
        yield (location, data)
    elif isinstance(data, dict):
        below = data.items()
    elif isinstance(data, list):
        below = enumerate(data)
    for step, value in below:
        yield from _texts(value, (*location, step))


def _walk(data: Any, location: nodes.Location, change: Callable[[str, nodes.Location], str]) -> Any:
    if isinstance(data, str):
        return change(data, location)
    if isinstance(data, dict):
        return {key: _walk(value, (*location, key), change) for key, value in data.items()}
    if isinstance(data, list):
        return [_walk(value, (*location, index), change) for index, value in enumerate(data)]
    return data
