"""What Directus posts when something changes, and what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.peers.handles import Directus
from tests.peers.pictures import jpeg
from tests.support.faults import Double, Refuse
from tests.support.proxy import FaultProxy
from tests.support.traffic import Exchange

pytestmark = pytest.mark.peers

RED, BLUE = jpeg("red"), jpeg("blue")
FILES = ("files.upload", "files.update", "files.delete")
ITEMS = ("items.create", "items.update", "items.delete")


def events(exchanges: list[Exchange]) -> list[Any]:
    return [json.loads(exchange.body) for exchange in exchanges]


async def heard(hooks: FaultProxy, count: int) -> list[Any]:
    return events(await hooks.traffic.until(lambda ended: len(ended) >= count))


@pytest.fixture
async def hooked(directus: Directus, directus_hooks: FaultProxy) -> FaultProxy:
    """A flow that posts whatever happens to files, products and links."""
    await directus.api.post_events(
        f"{directus_hooks.url}/hooks/dam", FILES + ITEMS, collections=("products", "products_files")
    )
    return directus_hooks


async def test_a_new_file_has_a_key_and_a_change_has_keys(directus: Directus, hooked: FaultProxy):
    file = await directus.api.upload("a.jpg", RED, title="told")
    await heard(hooked, 1)
    await directus.api.data("PATCH", f"/files/{file}", json={"title": "new"})
    await heard(hooked, 2)
    await directus.api.data("DELETE", f"/files/{file}")
    uploaded, updated, deleted = await heard(hooked, 3)
    assert (uploaded["event"], uploaded["key"], uploaded["collection"]) == ("files.upload", file, "directus_files")
    assert "keys" not in uploaded
    assert (updated["event"], updated["keys"], updated["payload"]) == ("files.update", [file], {"title": "new"})
    assert "key" not in updated
    assert (deleted["event"], deleted["keys"], deleted["payload"]) == ("files.delete", [file], [file])


async def test_the_size_is_a_number_in_a_hook(directus: Directus, hooked: FaultProxy):
    await directus.api.upload("a.jpg", RED)
    assert (await heard(hooked, 1))[0]["payload"]["filesize"] == len(RED)


async def test_a_field_that_was_dropped_is_told_all_the_same(directus: Directus, hooked: FaultProxy):
    product = await directus.api.add_product("GL-0001")
    await heard(hooked, 1)
    answer = await directus.api.send("PATCH", f"/items/products/{product}", json={"nonsense": "x"})
    assert answer.status_code == 200
    created, updated = await heard(hooked, 2)
    assert (created["event"], created["key"]) == ("products.items.create", product)
    assert (updated["event"], updated["keys"]) == ("products.items.update", [product])
    assert updated["payload"] == {"nonsense": "x"}
    assert "nonsense" not in await directus.api.product("GL-0001")


async def test_a_change_of_what_is_not_there_is_told(directus: Directus, hooked: FaultProxy):
    missing = "00000000-0000-4000-8000-000000000000"
    await directus.api.send("PATCH", f"/items/products/{missing}", json={"title": "x"})
    assert (await heard(hooked, 1))[0]["keys"] == [missing]


async def test_new_content_is_told_twice(directus: Directus, hooked: FaultProxy):
    file = await directus.api.upload("a.jpg", RED)
    await heard(hooked, 1)
    await directus.api.data("PATCH", f"/files/{file}", files={"file": ("b.jpg", BLUE, "image/jpeg")})
    told = {event["event"]: event for event in (await heard(hooked, 3))[1:]}
    assert (told["files.upload"]["key"], told["files.upload"]["payload"]["filesize"]) == (file, len(BLUE))
    assert (told["files.update"]["keys"], told["files.update"]["payload"]) == ([file], {})


async def test_several_at_once_are_told_in_one_event_or_in_many(directus: Directus, hooked: FaultProxy):
    products = [await directus.api.add_product(f"GL-000{n}") for n in range(2)]
    await heard(hooked, 2)
    await directus.api.data("PATCH", "/items/products", json={"keys": products, "data": {"title": "one"}})
    assert sorted((await heard(hooked, 3))[2]["keys"]) == sorted(products)
    await directus.api.data("PATCH", "/items/products", json=[{"id": key, "title": "many"} for key in products])
    assert sorted(event["keys"][0] for event in (await heard(hooked, 5))[3:]) == sorted(products)


async def test_a_hook_carries_a_header_and_no_signature(directus: Directus, hooked: FaultProxy):
    await directus.api.add_product("GL-0001")
    (exchange,) = await hooked.traffic.until(len)
    assert exchange.headers["x-syncd-key"] == "hook-key"
    own = {name.lower() for name in exchange.headers} - {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "user-agent",
    }
    assert own == {"x-syncd-key", "content-type", "content-length"}
    assert set(json.loads(exchange.body)) == {"event", "payload", "key", "collection"}  # no id, no time


async def test_equal_events_are_equal_to_the_byte(directus: Directus, hooked: FaultProxy):
    product = await directus.api.add_product("GL-0001")
    await heard(hooked, 1)
    for count, title in enumerate(["A", "B", "A"], start=2):
        await directus.api.data("PATCH", f"/items/products/{product}", json={"title": title})
        await heard(hooked, count)
    _, first, other, last = hooked.traffic.exchanges
    assert first.body == last.body != other.body


async def test_our_own_writes_come_back(directus: Directus, directus_hooks: FaultProxy):
    body = '{"trigger": {{$trigger}}, "user": "{{$accountability.user}}"}'
    await directus.api.post_events(f"{directus_hooks.url}/hooks/dam", FILES, body=body)
    me = (await directus.editor.data("GET", "/users/me?fields=id"))["id"]
    ours = await directus.editor.upload("ours.jpg", RED)
    theirs = await directus.api.upload("theirs.jpg", RED)
    told = {event["trigger"]["key"]: event["user"] for event in await heard(directus_hooks, 2)}
    assert told[ours] == me
    assert told[theirs] not in (me, "", "undefined")


async def test_a_template_that_quotes_breaks(directus: Directus, directus_hooks: FaultProxy):
    await directus.api.post_events(directus_hooks.url, FILES, body='{"title": "{{$trigger.payload.title}}"}')
    await directus.api.upload("a.jpg", RED, title='say "cheese"')
    (exchange,) = await directus_hooks.traffic.until(len)
    assert exchange.body == b'{"title": "say "cheese""}'
    assert exchange.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_hook_that_was_not_taken_is_lost(directus: Directus, hooked: FaultProxy):
    hooked.disturb(Refuse(500))
    product = await directus.api.add_product("GL-0001")  # the write is not held up
    await heard(hooked, 1)
    await directus.api.data("PATCH", f"/items/products/{product}", json={"title": "later"})
    assert [event["event"] for event in await heard(hooked, 2)] == ["products.items.create", "products.items.update"]
    assert [exchange.status for exchange in hooked.traffic.exchanges] == [500, 204]


async def test_what_the_database_unlinks_is_not_told(directus: Directus, hooked: FaultProxy):
    await directus.api.add_product("GL-0001")
    file = await directus.api.upload("a.jpg", RED)
    await directus.api.link("GL-0001", file)
    told = await heard(hooked, 4)
    assert sorted(event["event"] for event in told[2:]) == ["products.items.update", "products_files.items.create"]
    await directus.api.data("DELETE", f"/files/{file}")
    await directus.api.add_product("GL-0002")  # what comes after it
    assert [event["event"] for event in (await heard(hooked, 6))[4:]] == ["files.delete", "products.items.create"]


async def test_two_flows_double_every_event(directus: Directus, hooked: FaultProxy):
    await directus.api.post_events(f"{hooked.url}/hooks/dam", ITEMS)
    await directus.api.add_product("GL-0001")
    first, second = await heard(hooked, 2)
    assert first == second


async def test_doubled_hooks_reach_the_receiver_twice(directus: Directus, hooked: FaultProxy):
    async with FaultProxy().serving() as daemon:
        hooked.upstream = daemon.url
        hooked.disturb(Double())
        await directus.api.add_product("GL-0001")
        first, second = await heard(daemon, 2)
        assert first == second
        assert daemon.traffic.repeated() == [daemon.traffic.exchanges[1]]
        assert len(hooked.traffic.exchanges) == 1
