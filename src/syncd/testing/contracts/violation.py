"""How a contract was broken: by which operation, where and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 500  # characters of one reason; a schema's message repeats the value it refuses


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that the contract does not allow.

    `place` is where it stands, such as `query.mode`, `body.patches[0].op`, `variables` or `answer.data.product.id`.
    """

    place: str
    why: str

    def __str__(self) -> str:
        why = self.why if len(self.why) <= LONGEST else f"{self.why[:LONGEST]}…"
        return f"{self.place}: {why}"


class ContractViolation(AssertionError):
    """A request or an answer that the vendor's contract does not allow; correct the connector or the fake."""

    def __init__(self, operation: str, breaches: Iterable[Breach]) -> None:
        """
        Args:
            operation: the vendor's name of it, or the method and the path.
            breaches: at least one.
        """
        self.operation = operation
        self.breaches = tuple(breaches)
        super().__init__("\n  ".join([f"{operation} breaks its contract:", *map(str, self.breaches)]))


def refuse_any(operation: str, breaches: Iterable[Breach]) -> None:
    """Raises ContractViolation if there is a breach."""
    if found := tuple(dict.fromkeys(breaches)):
        raise ContractViolation(operation, found)


def place(root: str, path: Iterable[str | int]) -> str:
    """A place below `root`, as people write it: `body.patches[0].op`."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
