"""The servers the intake measurement compares, each in a process of its own with the same four writers beside it.

`product`: the daemon's web application with the webhook route, the source's signature check and the inbox on SQLite.
`bare`: an aiohttp handler that reads the body and stores nothing. `single`: the same signature check, then one transaction
for each request on a raw sqlite3 connection, which its writers share, so that nobody waits for a lock of the database.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from bench.intake_client import KEY
from syncd.app import App
from syncd.cli.daemon import spare_collector
from syncd.ledger import trail
from syncd.ledger.store import Transaction
from syncd.sdk.hooks import StandardAuth, accept
from syncd.sdk.source import HookRequest, RawItem
from syncd.settings import Settings
from syncd.web.server import WebServer

WRITERS, PER_SECOND = 4, 50
FILES = {
    "connectors/creators.yaml": (
        "connector: webhook\nbrand: acme\nroles: [source]\nowner: dana@acme.example\noptions:\n"
        "  auth: {scheme: standard, keys: ['${BENCH_HOOK_KEY}']}\n"
    ),
    "connectors/catalog.yaml": (
        "connector: table\nbrand: acme\nroles: [catalog]\nowner: dana@acme.example\noptions: {source: products.csv}\n"
    ),
    "mappings/brands.yaml": (
        "brands:\n  - name: acme\n    zone: Europe/Berlin\n    owner: dana@acme.example\n"
        "    markets: [{name: US, territory: US, language: en-US}]\n"
    ),
    "mappings/people.yaml": "people: [{mail: tom@acme.example, name: Tom, roles: [brand]}]\n",
}
Commit = Callable[[], Awaitable[None]]


async def serve(kind: str, root: Path) -> None:
    """Serve until the input ends; prints the port first and how many events the writers committed last."""
    os.environ["BENCH_HOOK_KEY"] = KEY
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    app = App(Settings(_env_file=None, root=root, min_free_mb=1))
    app.settings.var.mkdir(exist_ok=True)
    await app.ledger.open()
    await app.configuration.start()
    app.inbox.start()
    application, commit = await _KINDS[kind](app)
    spare_collector()
    server = WebServer(application)
    print(await server.start("127.0.0.1", 0), flush=True)
    committed = [0] * WRITERS
    ended = asyncio.Event()
    writers = [asyncio.create_task(_write(commit, ended, committed, number)) for number in range(WRITERS)]
    await asyncio.to_thread(sys.stdin.read)
    ended.set()
    await asyncio.gather(*writers)
    print(sum(committed), flush=True)
    os._exit(0)


async def _write(commit: Commit, ended: asyncio.Event, committed: list[int], number: int) -> None:
    """Commit one event PER_SECOND times a second; a late one is not made up for."""
    while not ended.is_set():
        pause = asyncio.create_task(asyncio.sleep(1 / PER_SECOND))
        await commit()
        committed[number] += 1
        await pause


def _by_ledger(app: App) -> Commit:
    async def write(transaction: Transaction) -> None:
        transaction.record("acme", "bench.written", "one", value="some words")

    async def commit() -> None:
        await app.ledger.transact(write)

    return commit


async def _product(app: App) -> tuple[web.Application, Commit]:
    return app._application(), _by_ledger(app)


async def _bare(app: App) -> tuple[web.Application, Commit]:
    async def receive(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202, body=b"{}", content_type="application/json")

    application = web.Application()
    application.router.add_post("/hooks/{connection}", receive)
    return application, _by_ledger(app)


_INBOX = "INSERT INTO inbox (brand, connection, vendor_id, body, headers, received_at) VALUES (?, ?, ?, ?, ?, ?)"
_EVENT = "INSERT INTO event (brand, at, kind, subject, data, revision, content_hash) VALUES (?, ?, ?, ?, ?, '', ?)"


async def _single(app: App) -> tuple[web.Application, Commit]:
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    auth = StandardAuth(keys=(SecretStr(KEY),))
    database = await loop.run_in_executor(thread, _connect, app.settings.var / "ledger.db")

    async def receive(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        hook = HookRequest("POST", request.path, headers, await request.read(), datetime.now(UTC))
        await loop.run_in_executor(thread, _store, database, accept(auth, hook))
        return web.Response(status=202, body=b"{}", content_type="application/json")

    async def commit() -> None:
        await loop.run_in_executor(thread, _event, database)

    application = web.Application()
    application.router.add_post("/hooks/{connection}", receive)
    return application, commit


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        database.execute(f"PRAGMA {pragma}")
    return database


def _store(database: sqlite3.Connection, item: RawItem) -> None:
    database.execute("BEGIN IMMEDIATE")
    database.execute(_INBOX, ("acme", "creators", item.vendor_id, item.body, "{}", str(datetime.now(UTC))[:26]))
    database.execute("COMMIT")


def _event(database: sqlite3.Connection) -> None:
    at, data = datetime.now(UTC), {"value": "some words"}
    content = trail.content_hash("acme", at, "bench.written", "one", "", data)
    database.execute("BEGIN IMMEDIATE")
    database.execute(_EVENT, ("acme", str(at)[:26], "bench.written", "one", '{"value": "some words"}', content))
    database.execute("COMMIT")


_KINDS: dict[str, Callable[[App], Awaitable[tuple[web.Application, Commit]]]] = {
    "product": _product,
    "bare": _bare,
    "single": _single,
}


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
