"""The route table: the single source of what is registered with aiohttp and what `/api/openapi.json` says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from syncd.web.auth import Principal, Scope
from syncd.web.models import Body, NoQuery, Query

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body | None)

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
IDEMPOTENCY_KEY = r"^[\x21-\x7e]{1,200}$"
BODY_LIMIT = 64 * 1024
_NO_QUERY: Any = NoQuery
ANYONE = Principal("anyone", Scope.READ)
ALWAYS = frozenset({400, 404, 409, 422, 429, 500, 502, 503})
"""Statuses any route may answer with a problem: those of `problem.STATUS_OF_KIND`, and 400 for broken HTTP."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What the client calls this request: a key seen again with another fingerprint is a conflict.

    `fingerprint` is the SHA-256 of method, path, query and body, in hex.
    """

    key: str
    fingerprint: str

    @classmethod
    def of(cls, key: str, method: str, path: str, raw: bytes) -> IdempotencyKey:
        """The key with the fingerprint of what it came with; `path` includes the query."""
        return cls(key, hashlib.sha256(b"\0".join((method.encode(), path.encode(), raw))).hexdigest())


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """A request that was authenticated and understood; `path` holds the path parameters by name."""

    principal: Principal
    path: Mapping[str, str]
    query: Q
    body: B
    idempotency: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status is not the route's first, or that has headers such as Location (printable ASCII)."""

    status: int
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route(Generic[Q, B]):
    """One operation of the API.

    `handler` returns the model of the first of `responses`, or a Reply. `responses` maps each status to its model, or
    None for an empty body; problem statuses are added by themselves. `parameters` maps names in `path` to their
    patterns (IDENTIFIER unless given). `scope` None: no token is asked for. `body_limit` is in bytes.
    """

    method: str
    path: str
    handler: Callable[[Call[Q, B]], Awaitable[BaseModel | Reply]]
    summary: str
    scope: Scope | None
    responses: Mapping[int, type[BaseModel] | None]
    query: type[Q] = _NO_QUERY
    body: type[B] | None = None
    tags: Sequence[str] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    body_limit: int = BODY_LIMIT
    idempotent_key: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.parameters) - set(self.path_names)
        if unknown or not self.responses or not self.summary:
            raise ValueError(f"{self.method} {self.path}: needs a summary and responses; not in its path: {unknown}")

    @property
    def operation(self) -> str:
        """The operation's stable id: the handler's name."""
        return getattr(self.handler, "__name__", type(self.handler).__name__)

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @cached_property
    def path_patterns(self) -> Mapping[str, str]:
        """The pattern of each path parameter."""
        return {name: self.parameters.get(name, IDENTIFIER) for name in self.path_names}

    @cached_property
    def problem_statuses(self) -> frozenset[int]:
        """Statuses this route may answer with a problem."""
        gate = {401, 403} if self.scope else set()
        return ALWAYS | gate | ({408, 413, 415} if self.body else set())

    @cached_property
    def success(self) -> int:
        """The status of an answer that is a bare model."""
        return next(iter(self.responses))


@dataclass(frozen=True)
class PlainRoute:
    """A route outside the API, whose handler speaks HTTP itself: hooks, media, documents, metrics."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str


AnyRoute = Route[Any, Any]


def check(routes: Sequence[AnyRoute]) -> None:
    """
    Raises:
        ValueError: two routes have the same operation id, or the same method and path.
    """
    for what, names in (
        ("operation id", [route.operation for route in routes]),
        ("method and path", [f"{route.method} {route.path}" for route in routes]),
    ):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two routes have the same {what}: {', '.join(sorted(twice))}")
