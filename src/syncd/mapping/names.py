"""The names and literals of a condition against the records: what the engine would let pass in silence."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from syncd.mapping import records, syntax


@dataclass(frozen=True, slots=True)
class Fault:
    """`offset` counts characters from the start of the condition."""

    offset: int
    what: str
    why: str
    remedy: str


def check(stream: tuple[syntax.Token, ...]) -> Iterator[Fault]:
    """Every name that no record, function or comprehension knows, and every literal a fact can never equal."""
    bound = syntax.bound_names(stream)
    for token in syntax.calls(stream):
        if token.text not in syntax.FUNCTIONS:
            close = _near(token.text, syntax.FUNCTIONS)
            yield Fault(token.offset, f"there is no function `{token.text}`", "", close or "use another")
    for name in sorted(bound & set(records.ROOTS)):
        offset = next(token.offset for token in stream if token.text == name)
        yield Fault(offset, f"`{name}` already names a record", "it would be hidden", "name the variable x")
    for chain in syntax.chains(stream):
        if chain.path and chain.path[0] not in bound:
            yield from _check_chain(stream, chain)


def check_path(path: str) -> tuple[str, str, str] | None:
    """What is wrong with a dotted path that is to be copied, as (what, why, remedy); None if it names text."""
    try:
        annotation = records.type_of(path)
    except KeyError as error:
        return (f"there is no fact `{path}`", str(error.args[0]), _near(path, _paths()) or "name one of them")
    if annotation is str or typing.get_origin(annotation) is tuple:
        return None
    return (f"`{path}` is no text", f"it is {_kind(annotation)}", "name a text or a list of texts")


def free_keys(stream: tuple[syntax.Token, ...]) -> frozenset[str]:
    """Keys of `submission.fields` that a condition names, as `.key`, `['key']` or `'key' in`."""
    free = tuple(records.FREE.split("."))
    keys: set[str] = set()
    for chain in syntax.chains(stream):
        if chain.path[:2] != free:
            continue
        after = stream[chain.last + 1 : chain.last + 3]
        before = stream[max(0, chain.first - 2) : chain.first]
        if len(chain.path) == 3:
            keys.add(chain.path[2])
        elif len(after) == 2 and after[0].text == "[" and after[1].kind == "text":
            keys.add(str(_literal(after[1])))
        elif len(before) == 2 and before[0].kind == "text" and before[1].text == "in":
            keys.add(str(_literal(before[0])))
    return frozenset(keys)


def _check_chain(stream: tuple[syntax.Token, ...], chain: syntax.Chain) -> Iterator[Fault]:
    path = ".".join(chain.path)
    if len(chain.path) == 1 and path in syntax.TYPES and path not in records.ROOTS:
        return
    if path in records.ROOTS:
        fields = ", ".join(records.ROOTS[path].model_fields)
        yield Fault(chain.offset, f"`{path}` is a record", f"it has {fields}", "name one of its facts")
        return
    try:
        annotation = records.type_of(path)
    except KeyError as error:
        known = _near(path, _paths()) or "name one of them"
        yield Fault(chain.offset, f"there is no fact `{path}`", str(error.args[0]), known)
        return
    if not chain.called:
        yield from _check_literals(stream, chain, annotation)


def _check_literals(stream: tuple[syntax.Token, ...], chain: syntax.Chain, annotation: Any) -> Iterator[Fault]:
    """`fact == 'x'`, `'x' == fact`, `fact in ['x', 'y']`, `'x' in facts`."""
    path = ".".join(chain.path)
    item = typing.get_args(annotation)[0] if typing.get_origin(annotation) is tuple else None
    for literal, among in _compared(stream, chain):
        wanted = item if among and item is not None else annotation
        value = _literal(literal)
        if among and item is None and typing.get_origin(annotation) is not Literal and annotation is not str:
            continue
        allowed = typing.get_args(wanted) if typing.get_origin(wanted) is Literal else None
        if allowed is not None and value not in allowed:
            choices = ", ".join(repr(choice) for choice in allowed)
            yield Fault(literal.offset, f"`{path}` is never {literal.text}", f"it is one of {choices}", "correct it")
        elif allowed is None and not _same_kind(wanted, value):
            why = f"one is {_kind(wanted)}, the other {_kind(type(value))}"
            yield Fault(literal.offset, f"`{path}` never equals {literal.text}", why, "write a value of its kind")


def _compared(stream: tuple[syntax.Token, ...], chain: syntax.Chain) -> Iterator[tuple[syntax.Token, bool]]:
    """Literals set against a fact, each with whether it is by `in`."""
    after, before = stream[chain.last + 1 : chain.last + 3], stream[max(0, chain.first - 2) : chain.first]
    if len(after) == 2 and after[0].text in ("==", "!=") and _is_literal(after[1]):
        yield after[1], False
    if len(before) == 2 and before[1].text in ("==", "!=") and _is_literal(before[0]):
        yield before[0], False
    of_keys = ".".join(chain.path) == records.FREE
    if len(before) == 2 and before[1].text == "in" and _is_literal(before[0]) and not of_keys:
        yield before[0], True
    if len(after) == 2 and after[0].text == "in" and after[1].text == "[":
        for token in stream[chain.last + 3 :]:
            if token.text == "]" or not (_is_literal(token) or token.text == ","):
                break
            if token.text != ",":
                yield token, False


def _is_literal(token: syntax.Token) -> bool:
    return token.kind in ("text", "number") or (token.kind == "name" and token.text in ("true", "false"))


def _literal(token: syntax.Token) -> str | bytes | float | bool:
    """A literal's value; escapes in texts stay as written, which no name or choice of ours has."""
    if token.kind == "name":
        return token.text == "true"
    if token.kind == "number":
        digits = token.text.rstrip("uU")
        return int(digits, 16) if digits.startswith("0x") else int(digits) if digits.isdigit() else float(digits)
    prefix = token.text[: len(token.text) - len(token.text.lstrip("rRbB"))]
    quoted = token.text.removeprefix(prefix)
    width = 3 if quoted.startswith(("'''", '"""')) else 1
    body = quoted[width:-width]
    return body.encode() if "b" in prefix.lower() else body


def _same_kind(annotation: Any, value: object) -> bool:
    if annotation in (int, float):
        return type(value) in (int, float)
    return typing.get_origin(annotation) is None and type(value) is annotation


def _kind(annotation: Any) -> str:
    words = {str: "text", int: "a number", float: "a number", bool: "true or false"}
    return words.get(annotation, "a list of texts" if typing.get_origin(annotation) is tuple else "something else")


def _near(name: str, known: typing.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean `{close[0]}`" if close else ""


def _paths() -> list[str]:
    return [f"{root}.{field}" for root, model in records.ROOTS.items() for field in model.model_fields]
