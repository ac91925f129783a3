"""What a test says of the contract its system is under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

METHODS = frozenset({"*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class UnderContract:
    """All requests of a test are held against this contract; what is in none and not declared outside is refused.

    A pattern of requests is a method and a URL in which `*` is any text: `POST */auth/o2/token`.
    """

    name: str
    """A folder or file in the folder of contracts (`amazon`), or a path beside the test's own file."""
    outside: tuple[str, ...] = ()
    """Patterns of requests that the contract does not speak of: tokens, uploads to storage, media."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """Pattern of requests outside it → JSON Schema in the contract's folder that their JSON bodies must fit."""
    base: str | None = None
    """OpenAPI: URL or path before the contract's paths, instead of those of its servers."""
    closed: bool = True
    """OpenAPI: refuse names in bodies that an object's schema does not know."""
    endpoint: str = "*/graphql*"
    """GraphQL: pattern of the paths that are its own, such as `/admin/api/2026-10/graphql.json`."""
    deprecated: tuple[str, ...] = ()
    """GraphQL: coordinates (`Product.images`, `Mutation.productUpdate(input:)`) that may be used nevertheless."""
    nested: tuple[str, ...] = ()
    """GraphQL: coordinates of arguments whose texts are documents themselves."""

    def __post_init__(self) -> None:
        for pattern in (*self.outside, *self.documents):
            method, _, url = pattern.partition(" ")
            if method not in METHODS or not url.strip("*"):
                raise ValueError(
                    f"{pattern!r} is no method and URL, or takes every URL; write such as 'PUT */upload/*'."
                )

    def is_outside(self, method: str, url: str) -> bool:
        """Whether a request is one that the contract does not speak of."""
        return any(_matching((*self.outside, *self.documents), method, url))

    def schema_of(self, method: str, url: str) -> str | None:
        """The JSON Schema that the body of a request outside the contract must fit."""
        return next((self.documents[pattern] for pattern in _matching(self.documents, method, url)), None)


def _matching(patterns: Iterable[str], method: str, url: str) -> Iterable[str]:
    for pattern in patterns:
        methods, _, urls = pattern.partition(" ")
        if methods in ("*", method) and fnmatchcase(url, urls):
            yield pattern
