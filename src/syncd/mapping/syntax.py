"""A lexical look at a CEL condition: what its engine does not tell before a condition runs.

The engine swallows an error on one side of `&&` or `||`, and finds texts and numbers unequal without a word, so a
misspelt fact could make a rights rule quietly never hold. Names, literals and nesting are therefore read here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
FUNCTIONS = MACROS | {
    "bytes", "contains", "double", "duration", "endsWith", "getDate", "getDayOfMonth", "getDayOfWeek",
    "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "has", "int",
    "matches", "size", "startsWith", "string", "timestamp", "type", "uint",
}  # fmt: skip
KEYWORDS = frozenset({"true", "false", "null", "in"})
TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "string", "uint"})

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?''')
        |[bB]?[rR][bB]?(?:"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>(?:0x[0-9a-fA-F]+|\d+\.\d+(?:[eE][+-]?\d+)?|\d+(?:[eE][+-]?\d+)?|\.\d+)[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is text, number, name or sign; `offset` counts characters from the start of the source."""

    kind: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Names joined by dots, such as `asset.origin`; `called` if the last of them is a function's name."""

    names: tuple[str, ...]
    offset: int
    first: int
    last: int
    called: bool

    @property
    def path(self) -> tuple[str, ...]:
        return self.names[:-1] if self.called else self.names


def tokens(source: str) -> tuple[Token, ...]:
    return tuple(
        Token(found.lastgroup or "sign", found[0], found.start())
        for found in _TOKEN.finditer(source)
        if found.lastgroup != "space"
    )


def chains(stream: tuple[Token, ...]) -> Iterator[Chain]:
    """Every chain of names, keywords left out. Field keys of map literals count as names of their own."""
    index = 0
    while index < len(stream):
        token = stream[index]
        if token.kind != "name" or token.text in KEYWORDS or _follows_dot(stream, index):
            index += 1
            continue
        last = index
        while _is(stream, last + 1, ".") and last + 2 < len(stream) and stream[last + 2].kind == "name":
            last += 2
        names = tuple(stream[each].text for each in range(index, last + 1, 2))
        yield Chain(names, token.offset, index, last, _is(stream, last + 1, "("))
        index = last + 1


def calls(stream: tuple[Token, ...]) -> Iterator[Token]:
    """Every function's name, called alone or on a value."""
    return (
        token
        for index, token in enumerate(stream)
        if token.kind == "name" and token.text not in KEYWORDS and _is(stream, index + 1, "(")
    )


def bound_names(stream: tuple[Token, ...]) -> frozenset[str]:
    """Variables of comprehensions: the `x` in `tags.exists(x, x == 'a')`."""
    return frozenset(
        stream[index + 2].text
        for index, token in enumerate(stream)
        if token.text in MACROS and _is(stream, index + 1, "(") and index + 2 < len(stream)
    )


def nesting(stream: tuple[Token, ...]) -> int:
    """How deep comprehensions stand inside one another."""
    open_macros: list[bool] = []
    deepest = 0
    for index, token in enumerate(stream):
        if token.text == "(" and token.kind == "sign":
            open_macros.append(index > 0 and stream[index - 1].text in MACROS and _follows_dot(stream, index - 1))
            deepest = max(deepest, sum(open_macros))
        elif token.text == ")" and token.kind == "sign" and open_macros:
            open_macros.pop()
    return deepest


def operands(source: str, stream: tuple[Token, ...]) -> tuple[str, ...]:
    """The parts that `&&` and `||` join at the top, brackets opened; the source itself where there are none."""
    cuts = _cuts(stream)
    if cuts is None:
        return (source,)
    if not cuts:
        inner = _unwrapped(stream)
        return operands_of(source[inner[0].offset : _end(inner[-1])]) if inner else (source,)
    edges = [-1, *cuts, len(stream)]
    parts = [stream[low + 1 : high] for low, high in itertools.pairwise(edges)]
    return tuple(operand for part in parts if part for operand in operands_of(source[part[0].offset : _end(part[-1])]))


def operands_of(source: str) -> tuple[str, ...]:
    """`operands` of a source that is not yet in tokens."""
    return operands(source, tokens(source))


def _cuts(stream: tuple[Token, ...]) -> list[int] | None:
    """Places of `&&` and `||` outside brackets; None with a ternary, whose branches exclude one another."""
    depth, cuts = 0, []
    for index, token in enumerate(stream):
        if token.kind != "sign":
            continue
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
        elif depth == 0 and token.text == "?":
            return None
        elif depth == 0 and token.text in ("&&", "||"):
            cuts.append(index)
    return cuts


def _unwrapped(stream: tuple[Token, ...]) -> tuple[Token, ...]:
    """The inside of a pair of brackets, or of a negation, that holds the whole; empty where nothing does."""
    if len(stream) > 1 and stream[0].text == "!" and stream[1].text == "(":
        stream = stream[1:]
    if len(stream) < 3 or stream[0].text != "(" or stream[-1].text != ")":
        return ()
    depth = 0
    for token in stream[:-1]:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if depth == 0:
            return ()
    return stream[1:-1]


def _follows_dot(stream: tuple[Token, ...], index: int) -> bool:
    return _is(stream, index - 1, ".")


def _is(stream: tuple[Token, ...], index: int, sign: str) -> bool:
    return 0 <= index < len(stream) and stream[index].kind == "sign" and stream[index].text == sign


def _end(token: Token) -> int:
    return token.offset + len(token.text)
