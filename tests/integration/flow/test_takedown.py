"""What may no longer be shown comes down everywhere, verified; what nobody stated is braked; what is others' stays."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncd.flow.care.housekeeping import sweep
from syncd.flow.review.decide import withdraw
from syncd.flow.standing import set_standing
from syncd.ledger.tables.core import consents, placements, receipts, work
from syncd.testing.rest import RestingClock
from tests.support.world import STUDIO, World

DANA = "dana@acme.example"


async def test_the_end_of_a_grant_takes_it_down_everywhere_with_receipts(world: World) -> None:
    ends = world.clock.now() + timedelta(hours=3)
    asset = await world.publish("GL-0001.jpg", fields={"until": ends.isoformat()})
    url = (await world.feed())["GL-0001"][1]
    assert (await world.fetch(url)).status_code == 200
    world.clock.leap(3 * 3600)
    await world.until(lambda: world.all_gone(asset))
    assert (await world.feed())["GL-0001"] == [f"{STUDIO}GL-0001.jpg"]
    assert (await world.fetch(url)).status_code == 410
    gone = await world.rows(
        sa.select(placements.c.connection, receipts.c.evidence)
        .join(receipts, receipts.c.placement_id == placements.c.id)
        .where(receipts.c.kind == "gone")
    )
    assert sorted(row.connection for row in gone) == ["catalog", "dam", "shop"]
    assert any(url in row.evidence for row in gone)
    assert not [path for path in (world.root / "dam").rglob("*.jpg") if "archive" not in path.parts]


async def test_it_leaves_as_long_before_the_end_as_the_channel_needs(tmp_path: Path) -> None:
    world = World(tmp_path)
    text = (tmp_path / "mappings/rights.yaml").read_text()
    world.write("mappings/rights.yaml", text + "stop_before: {shop: 2h}\n")
    await world.start()
    await world.allow()
    ends = world.clock.now() + timedelta(hours=3)
    asset = await world.publish("GL-0001.jpg", fields={"until": ends.isoformat()})
    world.clock.leap(3600)
    await world.until(lambda: _states(world, asset, shop=["gone"], dam=["live"]))
    await world.stop()


async def _states(world: World, asset: str, **expected: list[str]) -> bool:
    placed = await world.placed(asset)
    return all(placed.get(name) == states for name, states in expected.items())


async def test_a_withdrawn_consent_takes_it_down(world: World) -> None:
    given = [{"person": "Ana", "document": "consent-ana.pdf"}]
    asset = await world.publish("GL-0001.jpg", people_shown=True, consents=given)
    [consent] = await world.rows(sa.select(consents.c.id))
    await withdraw(world.services, asset, by=DANA, because="Ana asked", consent=consent.id)
    await world.until(lambda: world.all_gone(asset))


async def test_people_shown_without_consent_are_not_published(world: World) -> None:
    world.submit("GL-0001.jpg", people_shown=True)
    asset = await world.approve("GL-0001.jpg")
    await world.clock.advance(120)
    assert await world.placed(asset) == {}


async def test_a_withdrawn_submission_comes_down_and_delivered_again_comes_back(world: World) -> None:
    asset = await world.publish("GL-0001.jpg", revision=1)
    url = (await world.feed())["GL-0001"][1]
    await withdraw(world.services, asset, by=DANA, because="creator asked")
    await world.until(lambda: world.all_gone(asset))
    assert (await world.fetch(url)).status_code == 410


@pytest.mark.parametrize("hindrance", ["brake", "pause"])
async def test_dated_ends_pass_brake_and_pause(world: World, hindrance: str) -> None:
    ends = world.clock.now() + timedelta(hours=1)
    asset = await world.publish("GL-0001.jpg", fields={"until": ends.isoformat()})
    if hindrance == "pause":
        async with world.services.ledger.write() as transaction:
            for name in ("catalog", "dam", "shop"):
                await set_standing(transaction, "acme", name, {"paused": "all", "takedowns_pass": False})
    world.clock.leap(3600)
    await world.until(lambda: world.all_gone(asset))


async def test_before_the_first_plan_a_dated_end_waits_and_is_named_overdue(world: World) -> None:
    ends = world.clock.now() + timedelta(hours=1)
    asset = await world.publish("GL-0001.jpg", fields={"until": ends.isoformat()})
    async with world.services.ledger.write() as transaction:
        await set_standing(transaction, "acme", "shop", {"applied_at": None})
    world.clock.leap(3600)
    [told] = await world.until(lambda: world.open_exceptions("overdue"))
    assert "Legally overdue on shop" in told.reason
    assert (await world.placed(asset))["shop"] == ["live"]
    await world.allow("shop")
    await sweep(world.services, "acme")
    await world.until(lambda: world.all_gone(asset))
    await world.until(lambda: _no_exceptions(world))


async def _no_exceptions(world: World) -> bool:
    return not await world.open_exceptions()


async def test_inferred_removals_beyond_the_share_stop_and_ask(tmp_path: Path) -> None:
    world = World(tmp_path, skus=4)
    await world.start()
    await world.allow()
    found = [await world.publish(f"GL-000{n}.jpg", colour=c) for n, c in ((1, "red"), (2, "blue"), (3, "green"))]
    only_videos = "matrix:\n  - {name: none, from: video, make: [{for: shop, spec: clip, as: video}]}\n"
    world.write("mappings/matrix.yaml", only_videos)
    specs = (tmp_path / "mappings/specs.yaml").read_text()
    world.write("mappings/specs.yaml", specs + "  - {name: clip, kind: video, source: a page, dated: 2026-11-03}\n")
    configuration = world.services.configuration
    await configuration.activate(await configuration.store(configuration.read_disk()), by="test")
    await world.allow()
    await sweep(world.services, "acme")
    [told] = await world.until(lambda: world.open_exceptions("brake"))
    assert told.connection == "shop"
    await world.until(lambda: _gone_count(world, 1))
    world.clock.leap(600)
    states = [(await world.placed(asset))["shop"][-1] for asset in found]
    assert sorted(states) == ["gone", "live", "live"], "one of three may go (at_least: 1), two wait for a person"
    world.clock.leap(86_400)
    await sweep(world.services, "acme")
    await world.until(lambda: _gone_count(world, 2))
    await world.stop()


async def _gone_count(world: World, number: int) -> bool:
    query = sa.select(placements.c.id).where(placements.c.connection == "shop", placements.c.state == "gone")
    return len(await world.rows(query)) == number


async def test_a_sweep_heals_what_every_trigger_missed(world: World) -> None:
    world.submit("GL-0001.jpg")
    asset = await world.approve("GL-0001.jpg")
    async with world.services.ledger.write() as transaction:
        await transaction.execute(
            sa.delete(work).where(work.c.kind.in_(("match", "locate", "publish", "archive", "link")))
        )
    await sweep(world.services, "acme")
    await world.until(lambda: world.all_live(asset))


async def test_a_discontinued_product_leaves_the_shop(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    world.products([("GL-0001", "discontinued", "v1"), ("GL-0002", "active", "v1"), ("GL-0003", "active", "v1")])
    await world.until(lambda: _states(world, asset, shop=["gone"], dam=["live"]))


async def test_a_product_missing_once_is_not_gone_and_missing_twice_is(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    world.products([("GL-0002", "active", "v1"), ("GL-0003", "active", "v1")])
    await world.until(lambda: _states(world, asset, shop=["gone"]))
    world.products([("GL-0001", "active", "v1"), ("GL-0002", "active", "v1"), ("GL-0003", "active", "v1")])
    await world.until(lambda: world.all_live(asset))


async def test_an_empty_catalogue_removes_nothing(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    world.write("products.csv", "sku,gtin,title,status,version\n")
    await world.until(lambda: world.open_exceptions("dead-letter"))
    world.clock.leap(3600)
    assert await world.all_live(asset)


async def test_a_clock_that_jumps_is_not_believed(world: World) -> None:
    ends = world.clock.now() + timedelta(days=30)
    asset = await world.publish("GL-0001.jpg", fields={"until": ends.isoformat()})
    world.clock.step_wall(86_400 * 60)
    [told] = await world.until(lambda: world.open_exceptions("clock"))
    assert told.code == "clock.jumped"
    world.clock.leap(60)
    assert await world.all_live(asset), "a jump of the clock ends no right"
    world.clock.step_wall(-86_400 * 60)
    await world.until(lambda: _no_exceptions(world))


class _ApartClock(RestingClock):
    """A machine whose database keeps another time."""

    apart = timedelta()

    def database_now(self) -> datetime:
        return self.now() - self.apart


async def test_a_time_that_is_not_the_databases_is_not_believed(tmp_path: Path, postgres_url: str) -> None:
    clock = _ApartClock()
    world = World(tmp_path, postgres_url, clock)
    await world.start()
    await world.allow()
    asset = await world.publish("GL-0001.jpg")
    clock.apart = timedelta(minutes=20)
    [told] = await world.until(lambda: world.open_exceptions("clock"))
    assert told.reason == "The machine's clock is 1,200 s ahead of the database's time."
    await withdraw(world.services, asset, by=DANA, because="creator asked")
    await world.until(lambda: world.all_gone(asset))
    clock.apart = timedelta()
    await world.until(lambda: _no_exceptions(world))
    await world.stop()


@pytest.fixture
def liar(tmp_path: Path) -> World:
    """A world whose shop misbehaves as `liar.json` says."""
    world = World(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "support" / "liar.py", tmp_path / "connectors" / "liar.py")
    (tmp_path / "connectors" / "shop.yaml").write_text(
        "connector: liar\nbrand: acme\nroles: [channel]\nmarkets: [US]\nowner: dana@acme.example\nwrites: ask\n"
        "poll: 1h\nmedia: {medium: web}\noptions: {path: liar.json}\n"
    )
    tell(world, listings={f"GL-000{n}": [{"id": f"s{n}", "url": f"{STUDIO}{n}.jpg"}] for n in (1, 2, 3)})
    return world


def tell(world: World, **values: object) -> dict[str, object]:
    """Change how the liar behaves; returns its state."""
    path = world.root / "liar.json"
    state = {**(json.loads(path.read_text()) if path.exists() else {}), **values}
    path.write_text(json.dumps(state))
    return state


async def test_a_channel_that_answers_yes_and_lies_ends_as_an_exception_with_evidence(liar: World) -> None:
    await liar.start()
    await liar.allow()
    asset = await liar.publish("GL-0001.jpg")
    tell(liar, lies=True)
    await withdraw(liar.services, asset, by=DANA, because="creator asked")
    await liar.until(lambda: _states(liar, asset, shop=["withdrawing"]))
    liar.clock.leap(660)
    [told] = await liar.until(lambda: liar.open_exceptions("takedown-unverified"))
    assert told.payload["evidence"]
    assert (await liar.placed(asset))["shop"] == ["withdrawing"]
    tell(liar, lies=False)
    await liar.until(lambda: liar.all_gone(asset))
    await liar.until(lambda: _no_exceptions(liar))
    await liar.stop()


async def test_a_rejection_becomes_a_reason_in_the_systems_words(liar: World) -> None:
    await liar.start()
    await liar.allow()
    tell(liar, rejects="Image shows a watermark")
    liar.submit("GL-0001.jpg")
    asset = await liar.approve("GL-0001.jpg")
    [told] = await liar.until(lambda: liar.open_exceptions("rejected"))
    assert "Image shows a watermark" in told.reason
    assert (await liar.placed(asset))["shop"] == ["rejected"]
    await liar.stop()


async def test_a_failure_after_the_write_leaves_one_and_is_resolved_by_looking(liar: World) -> None:
    await liar.start()
    await liar.allow()
    tell(liar, fails_after=1)
    asset = await liar.publish("GL-0001.jpg")
    state = tell(liar)
    assert len(state["listings"]["GL-0001"]) == 2  # type: ignore[index]
    assert state["calls"] == 1
    assert await liar.all_live(asset)
    await liar.stop()


async def test_ten_minutes_of_outage_lose_nothing_and_need_no_hand(liar: World) -> None:
    await liar.start()
    await liar.allow()
    tell(liar, down=True)
    liar.submit("GL-0001.jpg")
    asset = await liar.approve("GL-0001.jpg")
    await liar.until(lambda: _states(liar, asset, dam=["live"]))
    for _ in range(60):
        await liar.clock.advance(10)
    tell(liar, down=False)
    await liar.until(lambda: liar.all_live(asset))
    assert await liar.open_exceptions() == []
    await liar.stop()


async def test_others_media_survive_everything(liar: World) -> None:
    await liar.start()
    await liar.allow()
    asset = await liar.publish("GL-0001.jpg", colour="red")
    state = tell(liar)
    listing = state["listings"]["GL-0001"]  # type: ignore[index]
    listing.append({"id": "late", "url": f"{STUDIO}late.jpg"})
    tell(liar, listings=state["listings"])
    liar.submit("GL-0001.jpg", colour="blue")
    await liar.approve("GL-0001.jpg", 2)
    await liar.until(lambda: _states(liar, asset, shop=["gone", "live"]))
    await withdraw(liar.services, asset, by=DANA, because="enough")
    await liar.until(lambda: liar.all_gone(asset))
    left = [media["id"] for media in tell(liar)["listings"]["GL-0001"]]  # type: ignore[index]
    assert left == ["s1", "late"]
    await liar.stop()


async def test_a_second_ledger_on_the_same_account_is_refused_until_it_takes_over(world: World, tmp_path: Path) -> None:
    from syncd.flow import ownership

    await world.publish("GL-0001.jpg")
    await world.stop()
    world.ledger_url = f"sqlite:///{tmp_path}/other.db"
    await world.start()
    await world.allow()
    told = await world.until(lambda: world.open_exceptions("connection"))
    assert {row.code for row in told} == {"ledger.foreign"}
    await ownership.take_over(world.services, "creators")
    world.submit("GL-0002.jpg", colour="green")
    async with world.services.ledger.write() as transaction:
        from syncd.engine.work import Due, touch

        await touch(transaction, [Due("acme", "creators", "poll", "", replay=True)])
    await world.until(lambda: world.version("GL-0002.jpg", 1, "in_review"))
