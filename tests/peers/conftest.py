"""Real Directus and Vendure for tests, each started once for the test run and as good as new for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.peers.directus.api import DirectusApi
from tests.peers.directus.server import EDITOR_TOKEN, TOKEN, DirectusServer
from tests.peers.handles import Directus, Vendure
from tests.peers.installation import Installation, Unavailable, install
from tests.peers.process import PeerProcess
from tests.peers.vendure.api import VendureApi
from tests.peers.vendure.server import VendureServer
from tests.support.postgres import Postgres, find_binaries
from tests.support.proxy import FaultProxy


@pytest.fixture(scope="session")
def peer_postgres() -> Iterator[Postgres]:
    """The databases of the peers; where it is missing their tests fail, since they were asked for."""
    binaries = find_binaries()
    if binaries is None:
        pytest.fail("The peers were not started: PostgreSQL is missing (no pg_ctl found). Install it.", pytrace=False)
    server = Postgres(binaries)
    server.start()
    yield server
    server.stop()


P = TypeVar("P", bound=PeerProcess)


@contextmanager
def started(
    kind: Callable[[Installation, Path, Postgres], P], name: str, folder: Path, postgres: Postgres
) -> Iterator[P]:
    """A peer while the test run lasts; where it cannot run its tests fail with what is missing."""
    missing = ""
    try:
        server = kind(install(name), folder, postgres)
        server.create()
    except Unavailable as unavailable:
        missing = str(unavailable)
    if missing:
        pytest.fail(missing, pytrace=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def directus_server(peer_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectusServer]:
    with started(DirectusServer, "directus", tmp_path_factory.mktemp("directus"), peer_postgres) as server:
        yield server


@pytest.fixture(scope="session")
def vendure_server(peer_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendureServer]:
    with started(VendureServer, "vendure", tmp_path_factory.mktemp("vendure"), peer_postgres) as server:
        yield server


@pytest.fixture(scope="session")
def vendure_key(vendure_server: VendureServer) -> str:
    return vendure_server.api_key()


@pytest.fixture
async def directus(directus_server: DirectusServer) -> AsyncIterator[Directus]:
    """Directus, running and empty but for its collections."""
    await asyncio.to_thread(directus_server.recover)
    users = [DirectusApi(directus_server.url, token) for token in (TOKEN, EDITOR_TOKEN, "")]
    await users[0].reset()
    yield Directus(directus_server, *users)
    for user in users:
        await user.close()


@pytest.fixture
async def vendure(vendure_server: VendureServer, vendure_key: str) -> AsyncIterator[Vendure]:
    """Vendure, running and with nothing to sell."""
    await asyncio.to_thread(vendure_server.recover)
    api = VendureApi(vendure_server.url, vendure_key)
    await api.reset()
    yield Vendure(vendure_server, api, vendure_key)
    await api.close()


@pytest.fixture
async def directus_proxy(directus: Directus) -> AsyncIterator[FaultProxy]:
    """A proxy before Directus."""
    async with FaultProxy(directus.url).serving() as proxy:
        yield proxy


@pytest.fixture
async def vendure_proxy(vendure: Vendure) -> AsyncIterator[FaultProxy]:
    """A proxy before Vendure."""
    async with FaultProxy(vendure.url).serving() as proxy:
        yield proxy


@pytest.fixture
async def directus_hooks() -> AsyncIterator[FaultProxy]:
    """Where flows may post to (`post_events`): records events, and hands them on once it has an `upstream`."""
    async with FaultProxy().serving() as hooks:
        yield hooks


@pytest.fixture
async def vendure_hooks(vendure: Vendure) -> AsyncIterator[FaultProxy]:
    """Where Vendure posts its events: records them, and hands them on once it has an `upstream`."""
    async with FaultProxy(port=vendure.server.hook_port).serving() as hooks:
        yield hooks
