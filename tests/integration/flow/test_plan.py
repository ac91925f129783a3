"""Plans: what they say is what happens, and nothing happens before, or elsewhere."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from syncd.domain.plan import PlanAction
from syncd.flow.plan.activate import reload
from syncd.flow.plan.apply import NothingToApply, NotSeparable, Only, PlanDrift, apply_plan
from syncd.flow.plan.plans import Plan, make_plan
from syncd.ledger.tables.core import listings, matches, placements, products, states
from tests.support.world import STUDIO, World


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[World]:
    """A world in which no plan was applied yet."""
    world = World(tmp_path)
    await world.start()
    yield world
    await world.stop()


async def approved(world: World, *names: str) -> list[str]:
    """Approved assets whose products are known and located in the shop, and whose pictures are made."""
    found = []
    for name in names:
        world.submit(name, colour=("red", "green", "blue", "white")[len(found)])
        found.append(await world.approve(name))
    for asset in found:
        await world.until(lambda asset=asset: world.rows(sa.select(matches).where(matches.c.asset_id == asset)))
    await world.until(lambda: observed(world))
    await world.clock.advance(10)
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
    assert plan.body["renders"] == {"images": 0, "videos": 0, "copies": 0}, "what waits to be applied is made already"
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


async def test_a_plan_is_refused_where_another_one_would_be_made_now(asking: World) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    plan = await plan_of(asking)
    asking.products([("GL-0001", "discontinued", "v1"), ("GL-0002", "active", "v1")])
    await asking.until(lambda: is_gone(asking))
    with pytest.raises(PlanDrift) as refused:
        await apply_plan(asking.services, plan.id, [], "tester")
    assert any("shop GL-0001" in told and "held (product_gone)" in told for told in refused.value.data["differences"])
    await asking.clock.advance(60)
    assert await asking.placed(asset) == {}


async def is_gone(world: World) -> bool:
    return any(row.status != "active" for row in await world.rows(sa.select(products)))


async def test_a_part_of_the_first_plan_writes_that_place_and_nothing_else(asking: World) -> None:
    first, second = await approved(asking, "GL-0001.jpg", "GL-0002.jpg")
    plan = await plan_of(asking)
    partly = await apply_plan(asking.services, plan.id, [Only("shop", sku="GL-0001")], "tester")
    assert partly.applied_at is None
    await asking.until(lambda: live_in(asking, first, "shop"))
    await asking.clock.advance(300)
    assert set(await asking.placed(first)) == {"shop"}
    assert await asking.placed(second) == {}
    whole = await apply_plan(asking.services, plan.id, [], "tester")
    assert whole.applied_at is not None
    await asking.until(lambda: asking.all_live(first))
    await asking.until(lambda: asking.all_live(second))
    assert (await apply_plan(asking.services, plan.id, [], "somebody else")).applied_by == "tester"


async def live_in(world: World, asset: str, connection: str) -> bool:
    return (await world.placed(asset)).get(connection, [""])[-1] == "live"


async def test_a_part_without_writes_is_refused_with_what_holds_it(asking: World) -> None:
    await approved(asking, "GL-0001.jpg")
    plan = await plan_of(asking)
    with pytest.raises(NothingToApply):
        await apply_plan(asking.services, plan.id, [Only("shop", sku="GL-0003")], "tester")


async def test_with_ask_a_changed_matrix_waits_and_applying_its_plan_lets_planned_removals_pass_the_brake(
    asking: World,
) -> None:
    assets = await approved(asking, "GL-0001.jpg", "GL-0002.jpg", "GL-0003.jpg")
    await apply_plan(asking.services, (await plan_of(asking)).id, [], "tester")
    for asset in assets:
        await asking.until(lambda asset=asset: asking.all_live(asset))
    matrix = files(asking)["mappings/matrix.yaml"]
    asking.write("mappings/matrix.yaml", matrix.replace("from: image\n", "from: image\n    when: image.width > 9000\n"))
    plan = await plan_of(asking)
    removals = said(plan, "remove")
    assert removals == [("shop", f"listing:GL-000{n}", "remove") for n in (1, 2, 3)]
    [shop] = [each for each in plan.body["connections"] if each["name"] == "shop"]
    assert (shop["inferred"], shop["brake_allows"], shop["others"]) == (3, 1, 3)
    await reload(asking.services, None, "tester")
    await asking.clock.advance(120)
    assert all([await live_in(asking, asset, "shop") for asset in assets])
    await apply_plan(asking.services, plan.id, [], "tester")
    for asset in assets:
        await asking.until(lambda asset=asset: gone_from(asking, asset, "shop"))
    assert await asking.feed() == {f"GL-000{n}": [f"{STUDIO}GL-000{n}.jpg"] for n in (1, 2, 3)}


async def gone_from(world: World, asset: str, connection: str) -> bool:
    return set((await world.placed(asset)).get(connection, [])) == {"gone"}


async def test_a_changed_match_rule_is_planned_as_it_will_be_decided_and_only_applies_as_a_whole(
    asking: World,
) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    await apply_plan(asking.services, (await plan_of(asking)).id, [], "tester")
    await asking.until(lambda: asking.all_live(asset))
    asking.write("mappings/overrides.csv", "file,sku\nGL-0001.jpg,GL-0002\n")
    plan = await plan_of(asking)
    assert said(plan) == [
        ("catalog", "product:GL-0001", "remove"),
        ("catalog", "product:GL-0002", "add"),
        ("shop", "listing:GL-0001", "remove"),
        ("shop", "listing:GL-0002", "add"),
    ]
    with pytest.raises(NotSeparable):
        await apply_plan(asking.services, plan.id, [Only("shop", sku="GL-0002")], "tester")
    await apply_plan(asking.services, plan.id, [], "tester")
    await asking.until(lambda: moved(asking))
    feed = await asking.feed()
    assert [len(feed[f"GL-000{n}"]) for n in (1, 2)] == [1, 2]


async def moved(world: World) -> bool:
    rows = await world.rows(
        sa.select(placements.c.listing, placements.c.state).where(placements.c.connection == "shop")
    )
    return {(row.listing, row.state) for row in rows} == {("listing:GL-0001", "gone"), ("listing:GL-0002", "live")}


async def test_an_older_revision_can_be_planned_and_applied_again(asking: World) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    first = await apply_plan(asking.services, (await plan_of(asking)).id, [], "tester")
    await asking.until(lambda: asking.all_live(asset))
    specs = files(asking)["mappings/specs.yaml"]
    asking.write("mappings/specs.yaml", specs.replace("width: 200, height: 200", "width: 220, height: 220"))
    second = await plan_of(asking)
    assert said(second) == [("shop", "listing:GL-0001", "replace")]
    assert second.body["renders"] == {"images": 1, "videos": 0, "copies": 0}
    await apply_plan(asking.services, second.id, [], "tester")
    await asking.until(lambda: sizes(asking, (220, 220)))
    back = await make_plan(asking.services, None, "tester", revision=first.revision[:8])
    assert said(back) == [("shop", "listing:GL-0001", "replace")]
    await apply_plan(asking.services, back.id, [], "tester")
    await asking.until(lambda: sizes(asking, (200, 200)))
    assert asking.services.configuration.active.bundle.revision == first.revision


async def sizes(world: World, size: tuple[int, int]) -> bool:
    """Whether the only picture of ours in the feed has this size."""
    urls = [url for url in (await world.feed())["GL-0001"] if "/m/" in url]
    pictures = [await world.fetch(url) for url in urls]
    query = sa.select(placements.c.state).where(placements.c.connection == "shop")
    settled = {row.state for row in await world.rows(query)} <= {"live", "gone"}
    return settled and [Image.open(io.BytesIO(each.content)).size for each in pictures] == [size]


async def test_what_is_in_review_or_without_a_product_is_held_and_never_hidden(asking: World) -> None:
    await approved(asking, "GL-0001.jpg")
    asking.submit("GL-0002.jpg", colour="green")
    await asking.until(lambda: asking.version("GL-0002.jpg", 1, "in_review"))
    asking.submit("nothing.jpg", colour="blue")
    await asking.approve("nothing.jpg")
    await asking.until(lambda: asking.open_exceptions("unmatched"))
    plan = await plan_of(asking)
    lines = [line for line in plan.body["lines"] if line["action"] == PlanAction.HELD.value]
    held = {(line["connection"], line["cause"]) for line in lines}
    assert held == {("dam", "in_review"), ("shop", "in_review"), ("shop", "unmatched")}


async def test_a_new_connection_is_planned_before_it_exists_and_one_that_cannot_be_yet_is_left_out(
    asking: World,
) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    await apply_plan(asking.services, (await plan_of(asking)).id, [], "tester")
    await asking.until(lambda: asking.all_live(asset))
    dam, shop = files(asking)["connectors/dam.yaml"], files(asking)["connectors/shop.yaml"]
    asking.write("connectors/vault.yaml", dam.replace("path: dam", "path: vault"))
    asking.write("connectors/outlet.yaml", shop.replace("title: Acme", "title: Outlet"))
    matrix = files(asking)["mappings/matrix.yaml"]
    asking.write(
        "mappings/matrix.yaml", matrix.replace("[{for: shop", "[{for: outlet, spec: square, as: main}, {for: shop")
    )
    plan = await plan_of(asking)
    assert said(plan) == [("vault", f"asset:{asset}", "add")]
    unread = {each["name"] for each in plan.body["connections"] if each["unread"]}
    assert unread == {"outlet"}
    await apply_plan(asking.services, plan.id, [], "tester")
    await asking.until(lambda: live_in(asking, asset, "vault"))
    await asking.until(lambda: located(asking, "outlet"))
    assert "outlet" not in await asking.placed(asset)
    assert said(await plan_of(asking)) == [("outlet", "listing:GL-0001", "add")]


async def located(world: World, connection: str) -> bool:
    query = sa.select(listings.c.sku).where(listings.c.connection == connection, listings.c.sku != "")
    return bool(await world.rows(query))


async def test_a_connection_that_is_switched_off_or_dropped_is_told_about(asking: World) -> None:
    [asset] = await approved(asking, "GL-0001.jpg")
    await apply_plan(asking.services, (await plan_of(asking)).id, [], "tester")
    await asking.until(lambda: asking.all_live(asset))
    candidate = files(asking)
    del candidate["connectors/dam.yaml"]
    candidate["connectors/shop.yaml"] = candidate["connectors/shop.yaml"].replace("writes: ask", "writes: 'off'")
    candidate["mappings/specs.yaml"] = candidate["mappings/specs.yaml"].replace("width: 200", "width: 220")
    plan = await make_plan(asking.services, candidate, "tester")
    assert plan.body["dropped"] == {"dam": 1}
    assert said(plan) == [("shop", "listing:GL-0001", "held")]
    assert plan.body["lines"][0]["cause"] == "writes_off"
