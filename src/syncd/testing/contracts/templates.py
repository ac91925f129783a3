"""Which operation a URL means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from syncd.testing.contracts.operation import Operation

_VARIABLE = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Route:
    """A path, and the operations on it by method."""

    template: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    operations: Mapping[str, Operation]

    def values(self, path: str) -> dict[str, str] | None:
        """The decoded values of a path's variables; None if the path is another one."""
        found = self.pattern.fullmatch(path)
        return found and {name: unquote(value) for name, value in zip(self.names, found.groups(), strict=True)}


class Routes:
    """All paths of a contract; where several match, one that has the method, and has the fewest variables, is meant."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            for base in operation.bases:
                by_path.setdefault(base + operation.template, {})[operation.method] = operation
        routes = [_route(template, found) for template, found in by_path.items()]
        self._routes = sorted(routes, key=lambda route: len(route.names))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path as it stands in a URL, percent-encoded, and its variables' values.

        The route need not have the method, where none of those that match has.
        """
        found = [(route, values) for route in self._routes if (values := route.values(path)) is not None]
        return next((match for match in found if method in match[0].operations), found[0] if found else None)


def _route(template: str, operations: Mapping[str, Operation]) -> Route:
    parts = _VARIABLE.split(template)  # literal, name, literal, name, …
    pattern = "".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return Route(template, re.compile(pattern), tuple(parts[1::2]), operations)
