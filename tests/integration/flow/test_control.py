"""Pausing and resuming a connection: what stops, what goes on, and what nobody can stop."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from syncd.errors import NotFoundError
from syncd.flow.operate import control
from syncd.flow.operate.checkup import check_up
from syncd.flow.review.decide import withdraw
from syncd.ledger.tables.core import versions
from tests.support.world import World


async def state_in(world: World, asset: str, connection: str) -> str:
    return (await world.placed(asset)).get(connection, [""])[-1]


async def test_a_paused_source_is_not_read_until_it_is_resumed(world: World) -> None:
    await control.pause(world.services, "creators", "all", takedowns_pass=False, principal="tester")
    await world.clock.rest()  # a look that had begun ends
    world.submit("GL-0001.jpg")
    await world.clock.advance(60)
    assert await world.rows(sa.select(versions)) == []
    await control.resume(world.services, "creators", principal="tester")
    assert await world.until(lambda: world.version("GL-0001.jpg", 1))


async def test_paused_writes_hold_new_content_and_let_a_withdrawal_pass(world: World) -> None:
    live = await world.publish("GL-0001.jpg")
    await control.pause(world.services, "shop", "writes", takedowns_pass=False, principal="tester")
    world.submit("GL-0002.jpg", colour="green")
    waiting = await world.approve("GL-0002.jpg")

    async def archived() -> bool:
        return await state_in(world, waiting, "dam") == "live"

    await world.until(archived)
    await withdraw(world.services, live, by="tom@acme.example", because="asked")
    await world.until(lambda: world.all_gone(live))
    assert await state_in(world, waiting, "shop") == ""
    await control.resume(world.services, "shop", principal="tester")
    await world.until(lambda: world.all_live(waiting))


async def test_a_connection_shows_how_it_stands(world: World) -> None:
    await world.publish("GL-0001.jpg")
    await control.pause(world.services, "shop", "writes", takedowns_pass=True, principal="tester")
    [shop] = await control.list_accounts(world.services, "shop")
    assert (shop.paused, shop.takedowns_pass, shop.may_write, shop.exceptions) == ("writes", True, True, 0)
    assert shop.lease is not None
    assert shop.observed_at is not None
    assert [account.name for account in await control.list_accounts(world.services)] == [
        "catalog", "creators", "dam", "shop",
    ]  # fmt: skip
    with pytest.raises(NotFoundError):
        await control.pause(world.services, "nowhere", "all", takedowns_pass=False, principal="tester")


async def test_a_library_has_nothing_to_poll(world: World) -> None:
    with pytest.raises(control.NothingToRead):
        await control.poll_now(world.services, "dam")
    await control.poll_now(world.services, "shop")


async def test_a_checkup_tells_a_wrong_address_and_what_the_channel_knows(world: World) -> None:
    await world.publish("GL-0001.jpg")
    found = {finding.what: finding for finding in (await check_up(world.services, "shop")).findings}
    assert found["login as channel"].result == "ok"
    assert found["products"].said == "3 of 3 found"
    assert found["public media"].result == "ok"
    (world.root / "products.csv").unlink()
    [broken] = (await check_up(world.services, "catalog")).findings
    assert broken.result == "fault"
    assert broken.remedy
