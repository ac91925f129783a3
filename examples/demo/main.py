"""Runs the story from beginning to end, writes the report, and leaves nothing behind."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import httpx

from demo import desk, ending, intake, report, shelf, stage
from demo.books import Books
from demo.daemon import Daemon, DemoFailed
from demo.neighbours import Neighbours
from demo.run import Run
from demo.shopper import Shopper
from demo.tale import Tale
from demo.voice import Voice


def main() -> int:
    """Returns: 0 if everything happened, 1 if something did not, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(description="Runs the real daemon on example data and tells what happened.")
    parser.add_argument("--into", type=Path, default=stage.PROJECT / "demo", help="the folder to work in (demo/)")
    into = parser.parse_args().into
    signal.signal(signal.SIGTERM, _interrupt)
    voice, tale = Voice(), Tale(datetime.now(UTC))
    try:
        _play(into, voice, tale)
    except (DemoFailed, httpx.HTTPError) as error:
        tale.failure = str(error) or type(error).__name__
    except KeyboardInterrupt:
        voice.say("Interrupted: the daemon was stopped, nothing runs any more.")
        return 130
    tale.took = voice.seconds
    path = into.resolve() / "report.html"
    if stage.is_ours(path.parent):
        report.write(path, tale)
    _conclude(voice, tale, path)
    return 0 if tale.told else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(into: Path, voice: Voice, tale: Tale) -> None:
    with ExitStack() as closing:
        neighbours = Neighbours()
        closing.callback(neighbours.stop)
        set_up = stage.build(into, neighbours.url)
        neighbours.serve(set_up.world)
        daemon = Daemon(set_up.root)
        closing.callback(daemon.stop)
        voice.say("syncd, from a creator's file to the shop and out again: the real daemon, real photographs.")
        voice.command(f"SYNCD_ROOT={set_up.root} SYNCD_PORT={daemon.port} syncd run", "")
        daemon.start()
        voice.say(f"It runs as process {daemon.pid} and answers at {daemon.url}; its log is {daemon.log}.", indent=2)
        books, shopper = Books(daemon), Shopper(daemon.url)
        closing.callback(books.close)
        closing.callback(shopper.close)
        _acts(Run(set_up, daemon, books, shopper, voice, neighbours.url, tale))
        shopper.stop()
        code = daemon.stop()
        tale.check("The daemon drained and stopped when asked", code == 0, f"SIGTERM, exit code {code}")


def _acts(run: Run) -> None:
    acts: tuple[Callable[[Run], None], ...] = (
        intake.deliver, intake.check, desk.decide, desk.match, shelf.plan_and_apply,
    )  # fmt: skip
    for act in acts:
        act(run)
    ending.end_of_right(run, shelf.replace(run))
    ending.look_again(run)


def _conclude(voice: Voice, tale: Tale, path: Path) -> None:
    voice.chapter("Did all of it happen?")
    for check in tale.checks:
        if not check.held:
            voice.item("NOT SO", "", f"{check.what} ({check.evidence})")
    if tale.failure:
        first, *rest = tale.failure.splitlines()
        voice.item("STOPPED", "", first)
        voice.quote(rest)
    held = sum(check.held for check in tale.checks)
    verdict = "Yes" if tale.told else "No"
    voice.say(f"{verdict}: {held} of {len(tale.checks)} checks held, {tale.took:.0f} s. Report: {path}", indent=2)
