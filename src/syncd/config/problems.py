"""What is wrong in the files, each fault with its place and remedy, and the error that carries all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncd import errors


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `line` and `column` count from 1; both are 0 where a fault has no place, such as a missing file."""

    file: str
    line: int
    column: int
    what: str
    why: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {', '.join(part for part in (self.what, self.why, self.remedy) if part)}"


class InvalidFiles(errors.ConfigError):
    """Correct each file at the place named, then run `syncd check`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """
        Args:
            problems: every fault found, at least one; kept in order of file and line.
        """
        self.problems = tuple(sorted(set(problems)))
        super().__init__(
            "\n".join(str(problem) for problem in self.problems) + "\n",
            problems=[str(problem) for problem in self.problems],
        )
