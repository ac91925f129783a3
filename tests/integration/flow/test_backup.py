"""The drill: backup of a working daemon, all is lost, restored: nothing is missing, nothing is written unasked."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from syncd.flow.care import audit
from syncd.flow.care.backup import BackupDamaged, BackupExists, BadDirectory
from syncd.flow.care.housekeeping import GarbageHandler, sweep
from syncd.flow.care.restore import OtherStore, StoresNotEmpty, restore
from syncd.ledger.copying import LedgerNotEmpty
from syncd.ledger.lock import LedgerInUse
from syncd.ledger.tables.core import decisions, files, pins, placements, versions
from syncd.media.blobs import BlobStore
from syncd.settings import Settings
from tests.support.postgres import Postgres
from tests.support.terminal import type_in
from tests.support.world import World


@pytest.fixture
async def drilled(tmp_path: Path, ledger_url: str) -> AsyncIterator[World]:
    root = tmp_path / "w"
    root.mkdir()
    world = World(root, ledger_url)
    await world.start()
    await world.allow()
    yield world
    await world.stop()


def settings(world: World) -> Settings:
    values = {"root": world.root, "ledger": world.ledger_url, "port": world.port, "blobs_shared": True}
    return Settings.model_validate(values)


async def lose_everything(world: World, request: pytest.FixtureRequest) -> None:
    """The machine is gone; what other systems hold is not."""
    await world.stop()
    shutil.rmtree(world.root / "var")
    if world.ledger_url.startswith("sqlite"):
        file = Path(world.ledger_url.removeprefix("sqlite:///"))
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
    else:
        server: Postgres = request.getfixturevalue("postgres")
        database = f"t{uuid.uuid4().hex[:12]}"
        admin = await asyncpg.connect(server.url("postgres"))
        await admin.execute(f'CREATE DATABASE "{database}"')
        await admin.close()
        world.ledger_url = server.url(database)


async def known(world: World) -> dict[str, set[Any]]:
    """What must not be lost."""
    columns = (placements.c.id, placements.c.connection, placements.c.fingerprint)
    return {
        "versions": {(row.id, row.sha256) for row in await world.rows(sa.select(versions))},
        "decisions": {row.id for row in await world.rows(sa.select(decisions))},
        "events": {(row.id, row.content_hash) for row in await world.rows(sa.select(audit.events))},
        "placements": {tuple(row) for row in await world.rows(sa.select(*columns))},
    }


def outside(world: World) -> dict[str, bytes]:
    """What the other systems hold: DAM and catalogue."""
    files = [*(world.root / "dam").rglob("*"), world.root / "links.csv"]
    return {str(path.relative_to(world.root)): path.read_bytes() for path in files if path.is_file()}


async def test_everything_lost_comes_back_and_waits_for_a_plan(
    drilled: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    world, directory = drilled, drilled.root / "backups/monday"
    asset = await world.publish("GL-0001_beach.jpg")
    then = await known(world)
    world.submit("GL-0002_road.jpg", colour="blue")  # on its way while the backup is made
    making = asyncio.create_task(type_in(world, "backup", "monday", "--json"))
    waiting = await world.approve("GL-0002_road.jpg")
    made = (await making).json()
    assert made["blobs"] > 0
    assert not await world.rows(sa.select(pins).where(pins.c.holder.startswith("backup:")))
    await world.until(lambda: world.all_live(waiting))

    await lose_everything(world, request)
    printed = await restore(settings(world), world.clock, directory)
    assert printed.id == made["id"]
    await world.start()
    held = outside(world)
    now = await known(world)
    assert {name: rows - now[name] for name, rows in then.items() if rows - now[name]} == {}, "nothing is lost"
    assert await world.all_live(asset), "what was live when the backup was made is known as live"
    for row in await world.rows(sa.select(versions)):
        assert (await world.services.blobs.stat(row.sha256)) is not None
    assert all(each.intact for each in await audit.verify(world.services))

    await type_in(world, "withdraw", asset, "--as", "dana@acme.example", "--because", "asked")
    await world.until(lambda: world.open_exceptions("overdue"))
    assert outside(world) == held, "nothing is written before a plan is applied, not even what is urgent"
    await world.allow()
    await sweep(world.services, "acme")
    await world.until(lambda: world.all_gone(asset))
    assert outside(world) != held


async def test_work_under_way_goes_on_and_new_numbers_do_not_collide(
    drilled: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    world, directory = drilled, drilled.root / "backups/monday"
    world.submit("GL-0001_beach.jpg")
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    await type_in(world, "backup", "monday")
    await lose_everything(world, request)
    await restore(settings(world), world.clock, directory)
    await world.start()
    await world.allow()
    first = await world.approve("GL-0001_beach.jpg")
    second = await world.publish("GL-0002_after.jpg", colour="green")
    await world.until(lambda: world.all_live(first))
    assert first != second
    assert len(await world.rows(sa.select(files.c.id))) == 2


async def test_writes_on_waits_for_a_plan_as_well(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    root = tmp_path / "w"
    root.mkdir()
    world = World(root, f"sqlite:///{root}/var/ledger.db")
    text = (root / "connectors/shop.yaml").read_text().replace("writes: ask", "writes: on")
    world.write("connectors/shop.yaml", text)
    await world.start()
    try:
        world.submit("GL-0001_beach.jpg")
        asset = await world.approve("GL-0001_beach.jpg")
        await world.until(lambda: stands(world, asset))
        await type_in(world, "backup", "monday")
        await lose_everything(world, request)
        await restore(settings(world), world.clock, root / "backups/monday")
        await world.start()
        world.submit("GL-0002_later.jpg", colour="blue")
        later = await world.approve("GL-0002_later.jpg")
        page = await world.until(lambda: held(world, later))
        assert page["why"] == "its first plan was not applied"
        status = (await type_in(world, "status", "--json")).json()
        [shop] = [each for each in status["connections"] if each["name"] == "shop"]
        assert [trouble["what"] for trouble in shop["troubles"]] == ["unapplied"]
        await world.allow("shop")
        await sweep(world.services, "acme")
        await world.until(lambda: stands(world, later))
    finally:
        await world.stop()


async def stands(world: World, asset: str) -> bool:
    return (await world.placed(asset)).get("shop") == ["live"]


async def held(world: World, asset: str) -> dict[str, Any] | None:
    page = (await type_in(world, "explain", asset, "--json")).json()
    places = [place for place in page["assets"][0]["places"] if place["connection"] == "shop" and place["place"]]
    return places[0] if places and places[0]["state"] == "held" else None


async def test_bytes_let_go_while_a_backup_runs_are_still_in_it(world: World, tmp_path: Path) -> None:
    """The collector runs between the ledger's copy and its blobs; the backup's pin keeps them."""
    await world.publish("GL-0001_beach.jpg")
    store = world.services.blobs
    collector, collected = GarbageHandler(world.services), False
    original = store.stream

    async def stream(sha256: str, *span: Any) -> AsyncIterator[bytes]:
        nonlocal collected
        if not collected:
            collected = True
            async with world.services.ledger.write() as transaction:
                await transaction.execute(sa.delete(pins).where(~pins.c.holder.startswith("backup:")))
            await collector._collect(world.clock.now() + timedelta(days=1))
        async for piece in original(sha256, *span):
            yield piece

    store.stream = stream
    printed = await type_in(world, "backup", "monday")
    store.stream = original
    assert collected
    assert printed.code == 0, printed.text
    manifest = json.loads((world.root / "backups/monday/manifest.json").read_text())
    assert all((world.root / f"backups/monday/blobs/{h[:2]}/{h}").is_file() for h, _ in manifest["ledger"]["blobs"])


async def test_a_damaged_backup_is_refused_before_anything_is_touched(world: World, tmp_path: Path) -> None:
    await world.publish("GL-0001_beach.jpg")
    directory = world.root / "backups/monday"
    await type_in(world, "backup", "monday")
    other = World.__new__(World)
    other.root, other.ledger_url, other.port = tmp_path / "elsewhere", f"sqlite:///{tmp_path}/elsewhere/var/l.db", 1
    for damaged in (directory / "ledger/ledger.db", next(iter(sorted((directory / "blobs").rglob("?" * 64))))):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BackupDamaged):
            await restore(settings(other), world.clock, directory)
        damaged.write_bytes(whole)
    assert not (tmp_path / "elsewhere/var/l.db").exists()


async def test_where_the_daemon_may_not_write_no_backup_begins(world: World) -> None:
    (world.root / "backups").write_text("no folder")
    refused = await type_in(world, "backup")
    assert (refused.code, BadDirectory.code in refused.text) == (1, True)


async def test_what_is_not_empty_or_in_use_or_of_another_kind_is_left_alone(world: World, tmp_path: Path) -> None:
    directory = world.root / "backups/monday"
    await type_in(world, "backup", "monday")
    again = await type_in(world, "backup", "monday")
    assert (again.code, BackupExists.code in again.text) == (1, True)
    named = await type_in(world, "backup", "../elsewhere")
    assert (named.code, "name" in named.text) == (1, True), "a token cannot choose where the daemon writes"
    assert (await type_in(world, "backup", "--json")).json()["directory"].endswith("2026-11-22T120000Z")
    here = settings(world)
    empty = Settings.model_validate({"root": tmp_path / "else", "blobs": str(tmp_path / "else/blobs")})
    with pytest.raises(LedgerInUse):
        await restore(here.model_copy(update={"blobs": empty.blobs}), world.clock, directory)
    await world.stop()
    with pytest.raises(LedgerNotEmpty):
        await restore(here.model_copy(update={"blobs": empty.blobs}), world.clock, directory)
    await BlobStore.open(empty.blobs).put_bytes(b"somebody else's")
    with pytest.raises(StoresNotEmpty):
        await restore(empty, world.clock, directory)
    other = empty.model_copy(update={"ledger": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(OtherStore):
        await restore(other, world.clock, directory)
