"""`make bench`: every comparison side by side in one run, printed and written to bench/results.md.

python -m bench [NAME …]     all of them, or some: intake drain noop renditions resync
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import drain, intake, machine, noop, renditions, resync
from bench.postgres import server
from bench.report import Line, table
from syncd.cli.daemon import spare_collector

RESULTS = Path(__file__).with_name("results.md")


def main() -> int:
    """Measure; 0 if every aim was met. Both sides run with Python's collector as the daemon sets it."""
    spare_collector()
    if warning := machine.busy():
        print(warning, file=sys.stderr)
    with server() as postgres:
        measurements: dict[str, Callable[[], list[Line]]] = {
            "intake": intake.measure,
            "drain": lambda: drain.measure(postgres),
            "noop": lambda: noop.measure(postgres),
            "renditions": renditions.measure,
            "resync": resync.measure,
        }
        wanted = sys.argv[1:] or list(measurements)
        lines = []
        for name in wanted:
            lines += measurements[name]()
            print(f"{name} is done", file=sys.stderr)
    text = report(lines, warning)
    print(text)
    if not sys.argv[1:]:
        RESULTS.write_text(text)
    return 0 if all(line.met is not False for line in lines) else 1


def report(lines: list[Line], warning: str) -> str:
    """The whole page in Markdown."""
    facts = "\n".join(f"* {name}: {value}" for name, value in machine.describe().items())
    when = datetime.now(UTC)
    note = f"\n{warning}\n" if warning else ""
    return (
        f"# What `make bench` printed on {when:%Y-%m-%d}\n\nRates are medians over rounds with their span; what is "
        f"compared with an aim is the median of the ratios within each round.\n\n{facts}\n{note}\n{table(lines)}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
