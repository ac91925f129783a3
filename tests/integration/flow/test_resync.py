"""Resync marks what is selected, once per request, and says how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncd.engine.work import Urgency
from syncd.errors import NotFoundError
from syncd.flow.resync.jobs import Progress, progress_of
from syncd.flow.resync.mark import KeyReused, NoSelection, Request, resync
from syncd.flow.resync.selection import Selection, selected
from syncd.ledger.tables.core import events, listings, operations, work
from tests.support.world import World

ME = Request("tester")


@pytest.fixture
async def anywhere(tmp_path: Path, ledger_url: str) -> AsyncIterator[World]:
    """A world on either store."""
    world = World(tmp_path, ledger_url)
    await world.start()
    await world.allow()
    yield world
    await world.stop()


async def finished(world: World, job: str) -> Progress | None:
    found = await progress_of(world.services, job)
    return found if found.state == "done" else None


async def keys(world: World, **chosen: object) -> set[tuple[str, str, str]]:
    selection = Selection(**chosen)  # type: ignore[arg-type]
    pages = [page async for page in selected(world.services, selection, 1000)]
    return {(due.lane, due.kind, due.key) for page in pages for due in page}


async def test_a_resync_of_what_is_right_is_done_without_writing_anything(anywhere: World) -> None:
    await anywhere.publish("GL-0001.jpg")
    await anywhere.until(lambda: at_rest(anywhere))
    before = await counts(anywhere)
    job = await resync(anywhere.services, Selection(sku=("GL-0001",)), ME)
    done = await anywhere.until(lambda: finished(anywhere, job))
    assert (done.total, done.left, done.failed, done.done) == (3, 0, 0, 3)
    assert await counts(anywhere) == (before[0] + 1, before[1])  # the request itself is an event


async def at_rest(world: World) -> bool:
    """Nothing but standing keys is due."""
    due = sa.select(work.c.kind).where(work.c.due_at <= world.clock.now(), work.c.lane != "local")
    return not await world.rows(due)


async def counts(world: World) -> tuple[int, int]:
    """Events (but those of housekeeping) and operations so far."""
    found = []
    for rows in (events, operations):
        [row] = await world.rows(sa.select(sa.func.count()).select_from(rows))
        found.append(row[0])
    return found[0], found[1]


async def test_the_same_request_under_one_key_is_one_job(world: World) -> None:
    request = Request("tester", "monday", "fingerprint-1")
    first = await resync(world.services, Selection(all=True), request)
    assert await resync(world.services, Selection(all=True), request) == first
    with pytest.raises(KeyReused):
        await resync(world.services, Selection(sku=("GL-0001",)), Request("tester", "monday", "fingerprint-2"))
    other = await resync(world.services, Selection(all=True), Request("somebody", "monday", "fingerprint-1"))
    assert other != first


async def test_nothing_selected_and_unknown_names_are_refused(world: World) -> None:
    with pytest.raises(NoSelection):
        await resync(world.services, Selection(), ME)
    with pytest.raises(NotFoundError):
        await resync(world.services, Selection(connection=("nowhere",)), ME)
    with pytest.raises(NotFoundError):
        await progress_of(world.services, "nothing")


async def test_selectors_of_different_kinds_narrow_each_other_down(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    await world.publish("GL-0002.jpg", colour="green")
    everywhere = {
        ("local", "locate", "GL-0001"), ("catalog", "link", "product:GL-0001"), ("shop", "publish", "listing:GL-0001"),
    }  # fmt: skip
    archived = {("local", "review", asset), ("dam", "archive", f"asset:{asset}")}
    assert await keys(world, sku=("GL-0001",)) == everywhere
    assert await keys(world, asset=(asset,)) == everywhere | archived
    assert await keys(world, asset=(asset,), connection=("shop",)) == {("shop", "publish", "listing:GL-0001")}
    assert await keys(world, connection=("dam",)) == {
        ("dam", "archive", row.listing)
        for row in await world.rows(sa.select(listings.c.listing).where(listings.c.connection == "dam"))
    }
    await world.clock.advance(1)
    assert await keys(world, since=world.clock.now()) == set()
    assert everywhere | archived <= await keys(world, all=True)


async def test_a_dry_run_marks_nothing_and_says_what_would_be_written(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    await world.until(lambda: at_rest(world))
    before = await world.rows(sa.select(work.c.id, work.c.generation).where(work.c.lane != "local"))
    job = await resync(world.services, Selection(asset=(asset,)), ME, dry_run=True)
    found = await progress_of(world.services, job)
    assert (found.state, found.report["keys"], found.report["lines"]) == ("done", 5, [])
    assert await world.rows(sa.select(work.c.id, work.c.generation).where(work.c.lane != "local")) == before


async def test_many_places_are_marked_in_pages_with_the_least_urgency(anywhere: World) -> None:
    await anywhere.until(lambda: at_rest(anywhere))
    rows = [
        {"brand": "acme", "connection": "shop", "listing": f"listing:X-{n:05}", "market": "", "sku": "", "exists": True,
         "gallery": [], "issues": [], "revision": "", "released": ""}
        for n in range(2500)
    ]  # fmt: skip
    async with anywhere.services.ledger.write() as transaction:
        await transaction.execute(sa.insert(listings), rows)
    pages = [page async for page in selected(anywhere.services, Selection(connection=("shop",)), 1000)]
    assert [len(page) for page in pages] == [1, 1000, 1000, 503]
    assert {due.urgency for page in pages[1:] for due in page} == {Urgency.BACKFILL}
    job = await resync(anywhere.services, Selection(connection=("shop",)), ME)
    done = await anywhere.until(lambda: finished(anywhere, job))
    assert (done.total, done.left) == (2504, 0)
