"""Calls that systems carry out later, that are refused for one listing, and what they hold and will not show."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from syncd.flow.review.decide import withdraw
from syncd.ledger.tables.core import operations, placements, receipts
from tests.support.world import STUDIO, World

SUPPORT = Path(__file__).parents[2] / "support"
DANA = "dana@acme.example"
COLOURS = {"GL-0001.jpg": "red", "GL-0002.jpg": "green", "GL-0003.jpg": "yellow"}


class Shop:
    """The liar's JSON file: what stands in its listings, and how it behaves."""

    def __init__(self, world: World) -> None:
        self.path = world.root / "liar.json"
        self.tell(listings={f"GL-000{n}": [{"id": f"s{n}", "url": f"{STUDIO}{n}.jpg"}] for n in (1, 2, 3)})

    def tell(self, **values: Any) -> dict[str, Any]:
        state = {**(json.loads(self.path.read_text()) if self.path.exists() else {}), **values}
        self.path.write_text(json.dumps(state))
        return state

    def listing(self, name: str) -> list[dict[str, str]]:
        return list(self.tell()["listings"][name])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    shutil.copy(SUPPORT / "liar.py", tmp_path / "connectors" / "liar.py")
    made.write(
        "connectors/shop.yaml",
        "connector: liar\nbrand: acme\nroles: [channel]\nmarkets: [US]\nowner: dana@acme.example\nwrites: ask\n"
        "poll: 1h\nmedia: {medium: web}\noptions: {path: liar.json}\n",
    )
    Shop(made)
    await made.start()
    await made.allow()
    yield made
    await made.stop()


@pytest.fixture
def shop(world: World) -> Shop:
    shop = Shop.__new__(Shop)
    shop.path = world.root / "liar.json"
    return shop


async def submitted(world: World, *names: str) -> list[str]:
    for name in names:
        world.submit(name, colour=COLOURS[name])
    return [await world.approve(name) for name in names]


def state_of(world: World, asset: str, *states: str) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return (await world.placed(asset)).get("shop") == list(states)

    return is_so


async def jobs(world: World, state: str) -> Sequence[Any]:
    return await world.rows(sa.select(operations).where(operations.c.lane == "shop", operations.c.state == state))


async def test_a_job_is_asked_about_until_it_is_done_and_then_read_back(world: World, shop: Shop) -> None:
    shop.tell(jobs=True, polls=3)
    [asset] = await submitted(world, "GL-0001.jpg")
    [job] = await world.until(lambda: jobs(world, "accepted"))
    assert job.external_id.startswith("job-")
    assert (await world.placed(asset))["shop"] == ["sent"]
    await world.until(state_of(world, asset, "live"))
    assert shop.listing("GL-0001")[0]["id"] == "s1"
    assert await jobs(world, "accepted") == []
    assert shop.tell()["calls"] == 1


async def test_a_listing_waits_for_its_job_and_so_does_a_takedown(world: World, shop: Shop) -> None:
    shop.tell(jobs=True, polls=-1)
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(lambda: jobs(world, "accepted"))
    await withdraw(world.services, asset, by=DANA, because="creator asked")
    for _ in range(30):
        await world.clock.advance(1)
    assert shop.tell()["calls"] == 1
    shop.tell(polls=1)
    await world.until(lambda: world.all_gone(asset))
    assert [item["id"] for item in shop.listing("GL-0001")] == ["s1"]


async def test_what_a_system_names_anew_once_its_job_is_done_stays_known(world: World, shop: Shop) -> None:
    shop.tell(copies=True, jobs=True, polls=1)
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "live"))
    rows = await world.rows(sa.select(placements.c.external_id).where(placements.c.connection == "shop"))
    assert [row.external_id.startswith("copy of ") for row in rows] == [True]
    assert shop.tell()["calls"] == 1
    await withdraw(world.services, asset, by=DANA, because="creator asked")
    await world.until(lambda: world.all_gone(asset))
    assert [item["id"] for item in shop.listing("GL-0001")] == ["s1"]


async def test_jobs_wait_for_their_turn(world: World, shop: Shop) -> None:
    shop.tell(jobs=True, polls=-1)
    [first] = await submitted(world, "GL-0001.jpg")
    await world.until(lambda: jobs(world, "accepted"))
    [second] = await submitted(world, "GL-0002.jpg")
    for _ in range(60):
        await world.clock.advance(1)
    assert len(await jobs(world, "accepted")) == 1, "the system works on one job at a time"
    shop.tell(polls=1)
    await world.until(state_of(world, first, "live"))
    shop.tell(polls=1)
    await world.until(state_of(world, second, "live"))


async def test_a_job_that_never_ends_is_told_and_in_the_end_the_listing_is_believed(world: World, shop: Shop) -> None:
    shop.tell(jobs=True, polls=-1)
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(lambda: jobs(world, "accepted"))
    world.clock.leap(21 * 60)
    [told] = await world.until(lambda: world.open_exceptions("job"))
    assert told.payload["listings"] == ["GL-0001"]
    world.clock.leap(20 * 60)
    shop.tell(jobs=False)
    await world.until(state_of(world, asset, "live"))
    assert await world.open_exceptions("job") == []
    assert shop.listing("GL-0001")[0]["id"] == "s1"


async def test_a_call_that_is_refused_for_one_listing_reaches_the_others(world: World, shop: Shop) -> None:
    shop.tell(down=True)
    assets = await submitted(world, "GL-0001.jpg", "GL-0002.jpg", "GL-0003.jpg")
    shop.tell(down=False, poison="GL-0002")
    await world.until(state_of(world, assets[0], "live"))
    await world.until(state_of(world, assets[2], "live"))
    assert [item["id"] for item in shop.listing("GL-0002")] == ["s2"]
    [told] = await world.until(lambda: world.open_exceptions("dead-letter"))
    assert "poisoned" in told.reason


async def test_what_an_issue_names_is_refused_in_the_systems_words(world: World, shop: Shop) -> None:
    shop.tell(rejects="Image shows a watermark")
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "rejected"))
    [told] = await world.open_exceptions("rejected")
    assert told.payload["issues"][0]["code"] == "watermark"
    words = await world.rows(sa.select(receipts.c.evidence).where(receipts.c.kind == "rejected"))
    assert [row.evidence for row in words] == ["Image shows a watermark"]


async def test_media_in_processing_are_not_live_and_the_old_version_stays_meanwhile(world: World, shop: Shop) -> None:
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "live"))
    [before] = [item["id"] for item in shop.listing("GL-0001") if "name" in item]
    shop.tell(state="processing")
    world.submit("GL-0001.jpg", colour="blue")
    await world.approve("GL-0001.jpg", 2)
    await world.until(state_of(world, asset, "live", "accepted"))
    for _ in range(20):
        await world.clock.advance(1)
    assert before in [item["id"] for item in shop.listing("GL-0001")]
    shop.tell(state="ready")
    await world.until(state_of(world, asset, "gone", "live"))
    assert before not in [item["id"] for item in shop.listing("GL-0001")]


async def test_what_a_system_holds_and_will_never_show_is_rejected_and_taken_out(world: World, shop: Shop) -> None:
    shop.tell(state="failed")
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "rejected"))
    [told] = await world.until(lambda: world.open_exceptions("rejected"))
    assert "it is blurred" in told.reason

    async def taken_out() -> bool:
        return [item["id"] for item in shop.listing("GL-0001")] == ["s1"]

    await world.until(taken_out)


async def test_what_shoppers_see_is_followed_both_ways(world: World, shop: Shop) -> None:
    shop.tell(shown=True, hears="key")
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "shown"))
    shop.tell(shown=False)
    assert (await _hook(world, "wrong", "GL-0001")).status_code == 401
    assert (await _hook(world, "key", "GL-0001")).status_code == 202
    await world.until(state_of(world, asset, "live"))


async def test_a_change_that_is_heard_or_asked_for_is_looked_at(world: World, shop: Shop) -> None:
    [asset] = await submitted(world, "GL-0001.jpg")
    await world.until(state_of(world, asset, "live"))
    [ours] = [item for item in shop.listing("GL-0001") if "name" in item]
    listings = shop.tell()["listings"]
    shop.tell(listings={**listings, "GL-0001": [listings["GL-0001"][0]]}, changed=["GL-0001"])

    async def back() -> bool:
        return [item["id"] for item in shop.listing("GL-0001")] == ["s1", ours["id"]]

    await world.until(back)
    assert not await world.open_exceptions()


async def _hook(world: World, key: str, listing: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{world.port}/hooks/shop"
        return await client.post(url, json={"listing": listing}, headers={"x-key": key})
