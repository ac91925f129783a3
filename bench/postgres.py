"""A private PostgreSQL for a run, fsync on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from tests.support.postgres import Postgres, find_binaries


class Server:
    """A running server that hands out fresh databases."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def database(self) -> str:
        """The URL of a new empty database."""
        name = f"b{secrets.token_hex(6)}"
        asyncio.run(self._create(name))
        return self._postgres.url(name)

    async def _create(self, name: str) -> None:
        admin = await asyncpg.connect(self._postgres.url("postgres"))
        await admin.execute(f'CREATE DATABASE "{name}"')
        await admin.close()


@contextmanager
def server() -> Iterator[Server | None]:
    """The server, stopped afterwards; None where PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        yield None
        return
    postgres = Postgres(binaries)
    postgres.start()
    try:
        yield Server(postgres)
    finally:
        postgres.stop()
