"""The table of a run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: what was measured, the product's figure, the yardstick's, and how they compare.

    `value` is what the aim is about; None for a figure shown without one. `least`: the aim is a lower bound, else an
    upper one.
    """

    what: str
    product: str
    yardstick: str
    value: float | None = None
    aim: float = 0.0
    unit: str = "x"
    least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the aim holds; None if there is none."""
        if self.value is None:
            return None
        return self.value >= self.aim if self.least else self.value <= self.aim

    def cells(self) -> tuple[str, ...]:
        if self.value is None:
            return self.what, self.product, self.yardstick, "", "", ""
        sign = "≥" if self.least else "≤"
        reached = f"{_short(self.value)} {self.unit}"
        return self.what, self.product, self.yardstick, reached, f"{sign} {_short(self.aim)} {self.unit}", _word(self)


def _word(line: Line) -> str:
    return "yes" if line.met else "NO"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}".rstrip("0").rstrip(".")


def per_second(rates: Sequence[float]) -> str:
    """The median rate and the span of the rounds."""
    return f"{statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over rounds of the ratio within each round, so that what slows a whole round cancels out."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def table(lines: Sequence[Line]) -> str:
    """A table in Markdown."""
    head = ("measured", "syncd", "yardstick", "reached", "aim", "met")
    rows = [head, tuple("---" for _ in head), *(line.cells() for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
