"""Plans: what they say is what happens, and nothing happens before, or elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from syncd.flow.apply import apply_plan
from syncd.flow.plan import Plan, make_plan
from syncd.flow.standing import states
from syncd.flow.touching import matches
from tests.support.world import World


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[World]:
    """A world in which no plan was applied yet."""
    world = World(tmp_path)
    await world.start()
    yield world
    await world.stop()


async def approved(world: World, *names: str) -> list[str]:
    """Approved assets whose products are known and located in the shop."""
    found = []
    for name in names:
        world.submit(name, colour=("red", "green", "blue", "white")[len(found)])
        found.append(await world.approve(name))
    for asset in found:
        await world.until(lambda asset=asset: world.rows(sa.select(matches).where(matches.c.asset_id == asset)))
    await world.until(lambda: observed(world))
    return found


async def observed(world: World) -> bool:
    [row] = await world.rows(sa.select(states).where(states.c.connection == "shop")) or [None]
    return row is not None and row.observed_at is not None


def files(world: World) -> dict[str, str]:
    return dict(world.services.configuration.read_disk())


def said(plan: Plan, *actions: str) -> list[tuple[str, str, str]]:
    """(connection, listing, action) of a plan's lines."""
    lines = [(line["connection"], line["listing"], line["action"]) for line in plan.body["lines"]]
    return sorted(line for line in lines if not actions or line[2] in actions)


async def plan_of(world: World) -> Plan:
    return await make_plan(world.services, files(world), "tester")


async def test_before_the_first_plan_nothing_is_written_and_the_plan_says_what_would_be(asking: World) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    plan = await plan_of(asking)
    assert said(plan) == [
        ("catalog", "product:GL-0001", "add"),
        ("dam", f"asset:{asset}", "add"),
        ("shop", "listing:GL-0001", "add"),
    ]
    assert all(connection["first"] for connection in plan.body["connections"])
    assert plan.body["renders"] == {"images": 1, "videos": 0, "copies": 1}
    await asking.clock.advance(120)
    assert await asking.placed(asset) == {}


async def test_what_the_plan_says_is_what_happens(asking: World) -> None:
    first, second = await approved(asking, "GL-0001.jpg", "GL-0002.jpg")
    plan = await plan_of(asking)
    await apply_plan(asking.services, plan.id, [], "tester")
    await asking.until(lambda: asking.all_live(first))
    await asking.until(lambda: asking.all_live(second))
    feed = await asking.feed()
    written = {(c, listing) for c, listing, _ in said(plan)}
    assert written == {
        *(("dam", f"asset:{asset}") for asset in (first, second)),
        *((c, f"{kind}:GL-000{n}") for n in (1, 2) for c, kind in (("catalog", "product"), ("shop", "listing"))),
    }
    assert [len(feed[f"GL-000{n}"]) for n in (1, 2, 3)] == [2, 2, 1]
    after = await plan_of(asking)
    assert said(after) == []
