"""YAML text to plain data in one parse, with the position of every key and value.

Scalars stay text (`NO`, `0123` and `12:30` mean what they say) and are typed by pydantic; only an empty value and `~`
are null. Duplicate keys, tags and merge keys are refused, aliases may repeat a value but not multiply it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from syncd.config import problems

MAX_CHARACTERS = 4_000_000
"""Length of one file: room for some 20,000 rules."""
MAX_DEPTH = 40
MAX_VALUES = 400_000
"""Values of one file after aliases are expanded."""

PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: `data` is made of dict, list, str and None."""

    file: str
    data: Any
    root: yaml.Node | None

    def position(self, location: Sequence[str | int] = (), *, key: bool = False) -> tuple[int, int]:
        """
        Args:
            location: keys and indexes from the root, as pydantic gives them; what is not in the file is passed over.
            key: the place of the last key itself instead of its value's.

        Returns:
            line and column, both from 1, of the deepest part of `location` that is in the file.
        """
        node, found = self.root, self.root
        for step in location:
            if below := _child(node, step):
                found, node = (below[0] if key else below[1]), below[1]
        if found is None:
            return (1, 1)
        return (found.start_mark.line + 1, found.start_mark.column + 1)

    def known(self, location: Sequence[str | int]) -> Location:
        """`location` without the steps that are not in the file, such as the tags of unions."""
        node, steps = self.root, []
        for step in location:
            if below := _child(node, step):
                node = below[1]
                steps.append(step)
        return tuple(steps)

    def place(self, location: Sequence[str | int] = ()) -> str:
        """Where a rule stands, as explanations print it: `match.yaml:7`."""
        return f"{self.file.rsplit('/', 1)[-1]}:{self.position(location)[0]}"

    def problem(
        self, location: Sequence[str | int], what: str, why: str, remedy: str, *, key: bool = False
    ) -> problems.Problem:
        return problems.Problem(self.file, *self.position(location, key=key), what, why, remedy)

    def scalar_offset(self, location: Sequence[str | int], offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset` inside a one-line scalar; else of the scalar itself."""
        line, column = self.position(location)
        node = self.node(location)
        if not isinstance(node, yaml.ScalarNode) or node.start_mark.line != node.end_mark.line:
            return (line, column)
        return (line, column + offset + (1 if node.style in ("'", '"') else 0))

    def node(self, location: Sequence[str | int]) -> yaml.Node | None:
        """The node at a location, or None where the file has none."""
        node = self.root
        for step in location:
            below = _child(node, step)
            if below is None:
                return None
            node = below[1]
        return node


def parse(text: str, file: str) -> Document:
    """Read one YAML file.

    Args:
        text: the file's content.
        file: its path as messages name it.

    Raises:
        problems.InvalidFiles: not YAML, or YAML that syncd does not take; with every fault of the kind found.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refused(
            file,
            1,
            1,
            f"the file has {len(text):,} characters",
            f"the limit is {MAX_CHARACTERS:,}",
            "split what it says into smaller files or a CSV table",
        )
    try:
        _require_shallow(text, file)
        root = yaml.compose(text, yaml.CBaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _refused(
            file, line, column, "this is not YAML", _one_line(error), "check indentation, quotes, brackets"
        ) from error
    except yaml.reader.ReaderError as error:
        raise _refused(
            file, *_after(text, error.position), "this is not YAML", str(error.reason), "remove the character"
        ) from error
    except RecursionError as error:
        raise _refused(
            file, 1, 1, "values are nested too deeply", f"the limit is {MAX_DEPTH} levels", "flatten them"
        ) from error
    reader = _Reader(file)
    data = reader.value(root, 0) if root is not None else None
    if reader.problems:
        raise problems.InvalidFiles(reader.problems)
    return Document(file, data, root)


class _Reader:
    """Turns nodes to data and collects what is refused on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[problems.Problem] = []
        self.values = 0
        self.stopped = False

    def value(self, node: yaml.Node, depth: int) -> Any:
        self.values += 1
        if self.stopped or self._too_large(node, depth):
            return None
        if node.tag not in PLAIN_TAGS:
            self.refuse(node, f"the tag {node.tag!r} is not known", "values are text, lists and maps", "remove the tag")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        empty = isinstance(node, yaml.ScalarNode) and not node.style and node.value in ("", "~")
        return None if empty else node.value

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(key, "this key is not text", "keys are plain words", "write a word")
            elif key.value == "<<":
                self.refuse(key, "merge keys are not taken", "what a file says must stand in it", "write the keys out")
            elif key.value in mapping:
                self.refuse(key, f"the key `{key.value}` stands twice", "one of the two would be lost", "remove one")
            else:
                mapping[key.value] = self.value(value, depth + 1)
        return mapping

    def _too_large(self, node: yaml.Node, depth: int) -> bool:
        if depth > MAX_DEPTH:
            self.refuse(
                node,
                "values are nested too deeply",
                f"the limit is {MAX_DEPTH} levels",
                "flatten them, or remove an alias that holds itself",
            )
        elif self.values > MAX_VALUES:
            self.refuse(
                node,
                "the file has too many values",
                f"the limit is {MAX_VALUES:,} once aliases are expanded",
                "remove aliases",
            )
        else:
            return False
        self.stopped = True
        return True

    def refuse(self, node: yaml.Node, what: str, why: str, remedy: str) -> None:
        mark = node.start_mark
        self.problems.append(problems.Problem(self.file, mark.line + 1, mark.column + 1, what, why, remedy))


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs: Iterable[tuple[yaml.Node, yaml.Node]] = node.value
        return next(((key, value) for key, value in pairs if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return (node.value[step], node.value[step])
    return None


def _refused(file: str, line: int, column: int, what: str, why: str, remedy: str) -> problems.InvalidFiles:
    return problems.InvalidFiles([problems.Problem(file, line, column, what, why, remedy)])


def _one_line(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part) or "the parser gives no reason"


def _after(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return (before.count("\n") + 1, offset - before.rfind("\n"))


STACK_DEPTH = 500
"""Far above what is taken, far below what the composer's recursion can stand."""


def _require_shallow(text: str, file: str) -> None:
    """Refuse nesting that would exhaust the C stack of the composer, which has no limit of its own."""
    depth = 0
    for event in yaml.parse(text, yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > STACK_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _refused(
                file, line, 1, "values are nested too deeply", f"the limit is {MAX_DEPTH} levels", "flatten them"
            )
