"""The command line, run against a daemon that lives in the test's own loop."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import structlog
from typer.testing import CliRunner

from syncd.cli import app
from syncd.cli import output as printing
from syncd.errors import SyncdError
from tests.support.world import World


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


async def type_in(world: World, *words: str) -> Printed:
    """Run a command as somebody at the daemon's machine would."""
    place = {
        "SYNCD_ROOT": str(world.root),
        "SYNCD_PORT": str(world.port),
        "SYNCD_LEDGER": world.ledger_url,
        "SYNCD_BLOBS_SHARED": "true",
    }
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))  # the daemon's lines are not its
    try:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=place)
    finally:
        structlog.configure(**before)
    if isinstance(result.exception, SyncdError):
        error = result.exception
        return Printed(printing.exit_code(error), f"{error.what}\n→ {error.remedy}  [{error.code}]")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Printed(result.exit_code, result.output)
