"""Conditions in CEL and dotted paths: checked when the files are loaded, evaluated on facts prepared once per subject.

The engine has no budget of its own, so sources, lists and nesting are limited here. Only this module imports it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

from syncd import errors
from syncd.config import nodes, problems
from syncd.mapping import names, records, syntax

# The package imports its own interactive shell, with prompt_toolkit and pygments: a sixth of the daemon's start.
_shell = sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
import cel  # noqa: E402

if not _shell.__spec__:
    del sys.modules["cel.cli"]

MAX_SOURCE = 1_000
"""Characters of one condition."""
MAX_NESTING = 2
"""Comprehensions inside one another."""
MAX_ITEMS = 1_000
"""Items of any list or map a condition sees: two nested comprehensions take a million steps at most."""

MUST_DECIDE = "it must be true or false"

_POSITION = re.compile(r"<input>:(\d+):(\d+): (.*)")
_CONVERSION = re.compile(r"Function '(?:int|uint|double|timestamp|duration)' error")


class Facts:
    """A subject made ready for any number of rules: the engine's context is built once, when first needed."""

    def __init__(self, subject: records.Subject) -> None:
        """
        Raises:
            errors.RuleFailed: a list or map is longer than rules may see.
        """
        for path in _LISTS:
            if len(found := _read(subject, path)) > MAX_ITEMS:
                raise errors.RuleFailed(
                    f"{path} holds {len(found):,} entries; rules see {MAX_ITEMS:,} at most.",
                    remedy="Ask the source for a shorter list, then replay.",
                )
        self.subject = subject

    @cached_property
    def context(self) -> cel.Context:
        return cel.Context(self.subject.model_dump())

    def texts(self, path: str) -> tuple[str, ...]:
        """The values at a path that `names.check_path` has passed; empty ones are left out."""
        found = _read(self.subject, path)
        return tuple(value for value in ((found,) if isinstance(found, str) else found) if value)


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled `when`."""

    source: str
    place: str
    program: cel.Program

    def holds(self, facts: Facts) -> bool:
        """
        Raises:
            errors.RuleFailed: the condition has no answer for these facts, such as a key that is not there.
        """
        try:
            answer = self.program.execute(facts.context)
        except Exception as error:  # the engine raises many builtin classes
            raise errors.RuleFailed(f"The condition at {self.place} has no answer: {_explained(error)}.") from error
        if type(answer) is not bool:
            kind = type(answer).__name__
            raise errors.RuleFailed(f"The condition at {self.place} answers {kind}, not true or false.")
        return answer


def compile_when(
    source: str | None, document: nodes.Document, location: nodes.Location
) -> tuple[Condition | None, list[problems.Problem]]:
    """Compile the `when` of the rule at `location`; no condition and no problem where it has none."""
    return compile_condition(source, document, (*location, "when")) if source is not None else (None, [])


def compile_condition(
    source: str, document: nodes.Document, location: nodes.Location
) -> tuple[Condition | None, list[problems.Problem]]:
    """Compile and check one condition.

    Args:
        source: the CEL text.
        document: the file it stands in.
        location: its place in the file, for positions in problems.

    Returns:
        the condition, or None and what is wrong with it.
    """
    report = _Report(document, location, source)
    if len(source) > MAX_SOURCE:
        report.add(0, f"the condition has {len(source):,} characters", f"the limit is {MAX_SOURCE:,}", "split the rule")
        return None, report.problems
    try:
        program = _program(source)
    except ValueError as error:
        report.syntax(str(error))
        return None, report.problems
    stream = syntax.tokens(source)
    if (depth := syntax.nesting(stream)) > MAX_NESTING:
        report.add(0, f"comprehensions stand {depth} deep", f"the limit is {MAX_NESTING}", "split the rule")
    for fault in names.check(stream):
        report.add(fault.offset, fault.what, fault.why, fault.remedy)
    if not report.problems:
        _dry_run(source, stream, report)
    place = document.place(location)
    return (None, report.problems) if report.problems else (Condition(source, place, program), [])


class _Report:
    """Problems of one condition, at their characters in the file where the condition stands on one line."""

    def __init__(self, document: nodes.Document, location: nodes.Location, source: str) -> None:
        self.document, self.location, self.source = document, location, source
        self.problems: list[problems.Problem] = []

    def add(self, offset: int, what: str, why: str, remedy: str) -> None:
        line, column = self.document.scalar_offset(self.location, offset)
        self.problems.append(problems.Problem(self.document.file, line, column, what, why, remedy))

    def syntax(self, message: str) -> None:
        """The engine's message holds lines such as `ERROR: <input>:1:7: Syntax error: no viable alternative`."""
        found = _POSITION.search(message)
        lines = self.source.split("\n")
        offset = 0
        if found and int(found[1]) <= len(lines):
            offset = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
        self.add(
            offset,
            "this is not a condition",
            found[3] if found else "the engine cannot read it",
            "see the examples in docs/mappings.md",
        )


def _dry_run(source: str, stream: tuple[syntax.Token, ...], report: _Report) -> None:
    """Evaluate on sample records: the whole on empty and filled ones, and each operand on filled ones, since a failing
    operand hides behind `false &&`.
    """
    free = names.free_keys(stream)
    parts = syntax.operands(source, stream)
    for part in parts if len(parts) > 1 else ():
        answer, offset = _answer(part, _sample(True, free)), max(0, source.find(part))
        if isinstance(answer, (TypeError, RuntimeError)) and not _depends_on_values(answer):
            report.add(offset, f"`{part}` fails", _explained(answer), "compare values of one kind")
        elif not isinstance(answer, (bool, Exception)):
            report.add(
                max(0, source.find(part)), f"`{part}` answers {type(answer).__name__}", MUST_DECIDE, "compare it"
            )
    for filled in (False, True) if not report.problems else ():
        answer = _answer(source, _sample(filled, free))
        if isinstance(answer, Exception) and not _depends_on_values(answer):
            what = f"the condition fails on {'filled' if filled else 'empty'} facts"
            report.add(0, what, _explained(answer), "compare values of one kind, guard with has(…) or size(…)")
            return
        if not isinstance(answer, (bool, Exception)):
            report.add(0, f"the condition answers {type(answer).__name__}", MUST_DECIDE, "compare it")
            return


def _answer(source: str, context: cel.Context) -> Any:
    try:
        return _program(source).execute(context)
    except Exception as error:  # the engine raises many builtin classes
        return error


def _depends_on_values(error: Exception) -> bool:
    """Whether other facts could do better: a conversion of text that is a number or a time only in real life."""
    return isinstance(error, RuntimeError) and bool(_CONVERSION.match(str(error)))


@lru_cache(maxsize=4096)
def _program(source: str) -> cel.Program:
    return cel.compile(source)


@lru_cache(maxsize=256)
def _sample(filled: bool, free: frozenset[str]) -> cel.Context:
    sample = records.sample(filled=filled)
    sample["submission"]["fields"] = dict.fromkeys(free, "x" if filled else "")
    return cel.Context(sample)


def _explained(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no `{error.args[0]}` in the facts"
    if isinstance(error, TypeError):
        return "it compares or joins values of different kinds"
    return " ".join(str(error).split("\n")[0].split())[:200].rstrip(".")


def _read(subject: records.Subject, path: str) -> Any:
    found: Any = subject
    for step in path.split("."):
        found = found.get(step, "") if isinstance(found, Mapping) else getattr(found, step)
    return found


_LISTS = tuple(
    f"{root}.{field}"
    for root, fields in records.sample(filled=False).items()
    for field, value in fields.items()
    if isinstance(value, (list, dict))
)
