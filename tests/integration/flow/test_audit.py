"""The trail is verifiable: whoever rewrites, removes or cuts it is found out; erasing a person leaves it whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from syncd.flow.care import audit
from syncd.flow.show import history
from syncd.ledger import trail
from syncd.ledger.tables.core import anchors, events, people
from tests.support.terminal import type_in
from tests.support.world import World


async def sealed(world: World) -> World:
    """With a submission in review whose events have their place in the chain."""
    world.submit("GL-0001_beach.jpg")
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    await world.until(lambda: is_sealed(world))
    return world


async def is_sealed(world: World) -> bool:
    return not await world.rows(sa.select(events.c.id).where(events.c.position.is_(None)).limit(1))


async def change(world: World, statement: Any, *more: Any) -> None:
    """What an intruder with a database client does."""
    async with world.services.ledger.write() as transaction:
        for each in (statement, *more):
            await transaction.connection.execute(each)


async def verified(world: World) -> audit.BrandAudit:
    [found] = await audit.verify(world.services)
    return found


async def test_an_untouched_trail_verifies_on_both_stores(tmp_path: Path, ledger_url: str) -> None:
    root = tmp_path / "w"
    root.mkdir()
    world = World(root, ledger_url)
    await world.start()
    await world.allow()
    try:
        found = await verified(await sealed(world))
        assert (found.faults, found.unproven, found.unsealed) == ([], 0, 0)
        assert found.sealed > 6
        assert found.anchors >= 1
        await change(world, sa.update(events).where(events.c.position == 4).values(subject="X"))
        assert "was changed after it was written" in (await verified(world)).faults[0]
    finally:
        await world.stop()


THIRD = sa.update(events).where(events.c.position == 3)
FORGERIES = {
    "data": THIRD.values(data={"forged": True}),
    "kind": THIRD.values(kind="version.approved"),
    "instant": THIRD.values(at=datetime(2020, 1, 1, tzinfo=UTC)),
    "content hash": THIRD.values(content_hash="f" * 64),
    "chain hash": THIRD.values(chain_hash="f" * 64),
    "position": THIRD.values(position=1003),
    "removal": sa.delete(events).where(events.c.position == 3),
    "cut tail": sa.delete(events).where(events.c.position > 5),
}


async def test_whatever_is_tampered_with_is_found(world: World) -> None:
    await sealed(world)
    whole = [dict(row._mapping) for row in await world.rows(sa.select(events).where(events.c.position.is_not(None)))]
    for name, forgery in FORGERIES.items():
        await change(world, forgery)
        assert (await verified(world)).faults, name
        await change(world, sa.delete(events).where(events.c.position.is_not(None)), sa.insert(events).values(whole))
        assert (await verified(world)).intact, f"after the {name} was put right"


async def test_a_tail_cut_with_its_anchors_shows_by_the_copy_outside_the_database(world: World) -> None:
    await sealed(world)
    await change(
        world,
        sa.delete(events).where(events.c.position > 5),
        sa.delete(anchors).where(anchors.c.position > 5),
        sa.delete(events).where(events.c.position.is_(None)),
    )
    found = await verified(world)
    assert any(fault.startswith("the trail ends before position") for fault in found.faults)


async def test_a_chain_made_anew_without_the_key_is_found(world: World) -> None:
    await sealed(world)
    await rewrite(world)
    found = await verified(world)
    assert any("differs from the head that was anchored" in fault for fault in found.faults)


async def rewrite(world: World) -> None:
    """Change one event and give it and all after it the hashes they would have."""
    rows = await world.rows(sa.select(events).where(events.c.position.is_not(None)).order_by(events.c.position))
    head, statements = trail.GENESIS, []
    for row in rows:
        told = {"forged": True} if row.position == 3 else row.data
        content = trail.content_hash(row.brand, row.at, row.kind, row.subject, row.revision, told)
        head = trail.chain(head, row.position, content)
        values = {"data": told, "content_hash": content, "chain_hash": head}
        statements.append(sa.update(events).where(events.c.id == row.id).values(**values))
    await change(world, *statements)


async def test_an_anchor_of_another_key_proves_nothing(world: World) -> None:
    await sealed(world)
    await change(world, sa.update(anchors).values(signature="00" * 64))
    for name in await world.services.blobs.names("anchors/acme"):
        head = json.loads(await world.services.blobs.read_named(name))
        await world.services.blobs.put_named(name, json.dumps({**head, "signature": "00" * 64}).encode())
    found = await verified(world)
    assert found.anchors == 0
    assert found.unproven > 0


async def test_erasing_a_person_leaves_the_trail_verifying(world: World) -> None:
    await sealed(world)
    erased = {"reference": "erased", "name": "", "mail": "", "handle": "", "salt": "", "erased_at": world.clock.now()}
    await change(world, sa.update(people).where(people.c.mail == "mia@example.com").values(**erased))
    assert (await verified(world)).intact
    told = json.dumps([dict(row.data) for row in await world.rows(sa.select(events.c.data))])
    assert "mia" not in told.lower()


async def test_the_command_says_so_and_exits_1_on_faults(world: World) -> None:
    await sealed(world)
    whole = await type_in(world, "audit", "verify")
    assert (whole.code, "acme: intact" in whole.text) == (0, True)
    await change(world, FORGERIES["data"])
    broken = await type_in(world, "audit", "verify")
    assert broken.code == 1
    assert "acme: FAULTY" in broken.text
    assert "was changed after it was written" in broken.text
    assert (await type_in(world, "audit", "verify", "--json")).json()["intact"] is False


# --- what stood where -------------------------------------------------------------------------------------------------


async def test_the_trail_tells_what_stood_where_by_whose_word_under_which_grant(world: World) -> None:
    before = world.clock.now()
    await world.clock.advance(1)
    asset = await world.publish("GL-0001_beach.jpg")
    during = world.clock.now()
    await world.clock.advance(1)
    row = await world.version("GL-0001_beach.jpg", 1)
    printed = await type_in(world, "withdraw", asset, "--as", "dana@acme.example", "--because", "asked")
    assert printed.code == 0, printed.text
    await world.until(lambda: world.all_gone(asset))
    [there] = await history.shown(world.services, "GL-0001", during, "shop")
    assert (there.asset, there.version, there.number, there.state) == (asset, row.id, 1, "live")
    assert there.approved_by == ["tom@acme.example"]
    assert len(there.grants) == 1
    assert await history.shown(world.services, "GL-0001", before) == []
    assert await history.shown(world.services, "GL-0001", world.clock.now() + timedelta(days=1)) == []
    printed = await type_in(world, "audit", "shown", "GL-0001", "--at", during.isoformat(), "--connection", "shop")
    assert "approved  tom@acme.example" in printed.text
