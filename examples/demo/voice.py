"""How the story is told in a terminal: plain text that needs no colour."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterable

_WIDTH = 100


class Voice:
    """Prints chapters, lines and commands, each at once."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._chapter = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def chapter(self, title: str) -> None:
        """A new chapter, with the time since the beginning."""
        self._chapter += 1
        head = f"{self._chapter}. {title}"
        _put(f"\n{head}{f'{self.seconds:.0f} s'.rjust(_WIDTH - len(head))}\n{'-' * _WIDTH}")

    def say(self, text: str, *, indent: int = 0) -> None:
        """A paragraph."""
        margin = " " * indent
        _put(
            textwrap.fill(
                text,
                _WIDTH,
                initial_indent=margin,
                subsequent_indent=margin,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )

    def item(self, mark: str, head: str, rest: str) -> None:
        """A line of a list: a word in a column, what it is about, and what there is to say."""
        lead, margin = f"  {mark:<10}{head:<26} ", " " * 39
        _put(
            textwrap.fill(
                rest,
                _WIDTH,
                initial_indent=lead,
                subsequent_indent=margin,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )

    def command(self, line: str, output: str = "") -> None:
        """A command as typed, and what it printed."""
        _put(f"  $ {line}")
        self.quote(output.rstrip().splitlines())

    def quote(self, lines: Iterable[str]) -> None:
        """Lines that a program wrote, as they are."""
        for line in lines:
            _put(f"    {line}".rstrip())


def _put(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{text}\n".encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
