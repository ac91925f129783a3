"""Fixtures shared by all tests: a clock that tests move, a ledger on each store, a mail server."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from syncd.ledger.store import Ledger
from syncd.testing.clock import ManualClock
from tests.support.dovecot import Dovecot, find_dovecot
from tests.support.mail import Mailbox
from tests.support.postgres import Postgres, find_binaries

pytest_plugins = ["syncd.testing.contracts.plugin", "pytester"]

for name in [name for name in os.environ if name.startswith("SYNCD_")]:
    if name != "SYNCD_CONTRACTS":
        del os.environ[name]

settings.register_profile("unhurried", deadline=None, max_examples=60)  # a busy machine is slow, which proves nothing
settings.load_profile("unhurried")

LONG = 400
"""Seconds of a test's time limit from which on it counts as long."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is granted more time than others begins first, dealt out to the processes: what begins last ends last."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    longest = sorted((item for item in items if _granted(item) >= LONG), key=_granted, reverse=True)
    others = [item for item in items if item not in longest]
    share = len(items) // processes
    for turn, item in enumerate(longest):
        others.insert(turn % processes * share + turn // processes, item)
    items[:] = others


def _granted(item: pytest.Item) -> float:
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit else 0.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (no pg_ctl found): its tests were not run")
    server = Postgres(binaries)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def postgres_url(postgres: Postgres) -> str:
    """A database of its own."""
    database = f"t{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute(f'CREATE DATABASE "{database}"')
    await admin.close()
    return postgres.url(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def ledger(ledger_url: str, clock: ManualClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(ledger_url, clock)
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    program = find_dovecot()
    if program is None:
        pytest.skip("Dovecot 2.3 is not installed here: the mailbox was not tested against a server")
    server = Dovecot(program)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[Mailbox]:
    """A mailbox of its own."""
    opened = Mailbox(dovecot.port, dovecot.user())
    yield opened
    opened.close()
