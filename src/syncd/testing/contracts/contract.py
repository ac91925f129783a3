"""The contract a test is under, opened: one file, or all files of a folder that speak of requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from syncd.testing.contracts import files
from syncd.testing.contracts.declaration import UnderContract
from syncd.testing.contracts.exchange import Answer, Request


class Contract(Protocol):
    """What requests and answers are held against."""

    def covers(self, request: Request) -> bool:
        """Whether the contract speaks of requests to this URL."""
        ...

    def check_request(self, request: Request) -> str:
        """The operation's name. Raises ContractViolation."""
        ...

    def states(self, request: Request, status: int) -> bool:
        """Whether the contract says what an answer with this status holds."""
        ...

    def check_response(self, request: Request, answer: Answer) -> None:
        """Raises ContractViolation."""
        ...


@dataclass(frozen=True)
class Opened:
    """What a test declares, with the contracts found for it (none where they are not on this machine), and where."""

    declared: UnderContract
    contracts: Sequence[Contract] = ()
    folder: Path | None = None

    def covering(self, request: Request) -> Contract | None:
        """The contract that speaks of requests to this URL."""
        return next((contract for contract in self.contracts if contract.covers(request)), None)

    @classmethod
    def at(cls, path: Path, declared: UnderContract) -> Opened:
        """The contracts at a path. Raises FileNotFoundError, ValueError."""
        return cls(declared, open_contracts(path, declared), path if path.is_dir() else path.parent)


def open_contracts(path: Path, declared: UnderContract) -> Sequence[Contract]:
    """The contracts in a file, or in the files of a folder; opened once per process.

    Raises:
        FileNotFoundError: there is no such path. ValueError: nothing there speaks of requests.
    """
    if not path.exists():
        raise FileNotFoundError(f"{declared.name} is under contract, but there is no {path}.")
    kinds = [(file, kind) for file in _files(path) if (kind := _kind(file))]
    if not kinds:
        raise ValueError(f"{path} holds neither OpenAPI nor GraphQL.")
    return [_opened(file, kind, declared) for file, kind in kinds]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    known = {".json"} | files.YAML | files.GRAPHQL
    yield from sorted(file for file in path.iterdir() if file.is_file() and files.kind(file) in known)


@lru_cache(maxsize=256)
def _kind(file: Path) -> str:
    """`openapi`, `graphql`, or nothing for files that speak of no requests, such as JSON Schemas."""
    if files.kind(file) in files.GRAPHQL:
        return "graphql"
    if '"__schema"' in files.text(file)[:1000]:
        return "graphql"  # large, and soon to be parsed anyway
    content = files.parsed(file)
    if files.holds_introspection(content):
        return "graphql"
    return "openapi" if isinstance(content, dict) and ("swagger" in content or "openapi" in content) else ""


def _opened(file: Path, kind: str, declared: UnderContract) -> Contract:
    if kind == "openapi":
        from syncd.testing.contracts.openapi import OpenApiContract

        return OpenApiContract.load(file, base=declared.base, closed=declared.closed)
    from syncd.testing.contracts.graphql import GraphqlContract

    return GraphqlContract.load(
        file, endpoint=declared.endpoint, deprecated=declared.deprecated, documents=declared.nested
    )
