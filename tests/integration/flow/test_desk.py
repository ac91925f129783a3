"""What people do at the desk: decide on a version, replay what failed, close what is settled, write a case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from syncd.engine import inbox
from syncd.engine.inbox import Arrival
from syncd.engine.work import Claim, Urgency
from syncd.flow.review.decide import withdraw
from syncd.flow.review.rounds import ReviewHandler
from syncd.ledger.tables.core import asset_grants, submissions, versions
from syncd.mapping import cases
from syncd.mapping.rulebook import Rulebook
from syncd.sdk.source import RawItem
from tests.support.terminal import type_in
from tests.support.world import World

TOM, DANA = ("--as", "tom@acme.example"), ("--as", "dana@acme.example")


@pytest.fixture
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    token = (world.root / "var/token").read_text().strip()
    base = f"http://127.0.0.1:{world.port}/api/v1"
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


# --- decisions --------------------------------------------------------------------------------------------------------


async def test_a_decision_on_a_superseded_version_is_refused_and_names_the_current_one(
    world: World, api: httpx.AsyncClient
) -> None:
    world.submit("GL-0001_beach.jpg")
    old = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    world.submit("GL-0001_beach.jpg", colour="blue")
    new = await world.until(lambda: world.version("GL-0001_beach.jpg", 2, "in_review"))
    body = {"by": "tom@acme.example", "verdict": "approve"}
    for name in (old.id, f"{old.asset_id}:1"):
        late = await api.post(f"/versions/{name}/decisions", json=body)
        assert (late.status_code, late.json()["code"]) == (409, "review.superseded")
        assert late.json()["data"]["current"] == new.id
    made = await api.post(f"/versions/{old.asset_id}:2/decisions", json=body)
    assert (made.status_code, made.json()["version_id"]) == (201, new.id)
    found = (await api.get(f"/versions/{new.id}")).json()
    assert [each["verdict"] for each in found["decisions"]] == ["approve"]


async def test_only_people_of_the_configuration_decide_and_only_those_who_are_asked(world: World) -> None:
    world.submit("GL-0001_beach.jpg")
    row = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    stranger = await type_in(world, "approve", row.asset_id, "--as", "mia@example.com")
    assert (stranger.code, "[person.unknown]" in stranger.text) == (1, True)
    unasked = await type_in(world, "approve", row.asset_id, *DANA)
    assert (unasked.code, "[review.not-asked]" in unasked.text) == (1, True)
    assert await world.version("GL-0001_beach.jpg", 1, "in_review")


async def test_a_rejection_needs_a_declared_reason(world: World) -> None:
    world.submit("GL-0001_beach.jpg")
    row = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    wrong = await type_in(world, "reject", row.asset_id, *TOM, "--reason", "ugly")
    assert (wrong.code, "[review.unknown-reason]" in wrong.text) == (1, True)
    done = await type_in(world, "reject", row.asset_id, *TOM, "--reason", "blurred", "--comment", "please again")
    assert done.code == 0, done.text
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "rejected"))
    assert (
        "said      tom@acme.example" in (text := (await type_in(world, "explain", row.asset_id)).text) or "Tom" in text
    )


async def test_changes_ask_the_creator_for_another_version(world: World) -> None:
    world.submit("GL-0001_beach.jpg")
    row = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    assert (await type_in(world, "changes", row.asset_id, *TOM, "--reason", "blurred")).code == 0
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "changes"))


async def test_a_revoked_grant_takes_everything_down_that_rests_on_it_and_nothing_else(world: World) -> None:
    asset = await world.publish("GL-0001_beach.jpg")
    other = await world.publish("GL-0002_road.jpg", colour="blue")
    [shown] = (await type_in(world, "explain", asset, "--json")).json()["assets"]
    grant = shown["rights"][0]["id"]
    wrong = await type_in(world, "withdraw", other, *DANA, "--because", "x", "--grant", grant)
    assert (wrong.code, "[not-found]" in wrong.text) == (1, True)
    done = await type_in(world, "withdraw", asset, *DANA, "--because", "licensor", "--grant", grant, "--json")
    assert done.json() == {"assets": [asset]}
    await world.until(lambda: world.all_gone(asset))
    assert await world.all_live(other)


# --- exceptions and replay --------------------------------------------------------------------------------------------


async def test_mend_the_mapping_replay_all_green_no_duplicates(world: World) -> None:
    asset = await ambiguous(world)
    [opened] = await world.open_exceptions("ambiguous")
    listed = (await type_in(world, "exceptions", "--reason", "match.ambiguous", "--json")).json()
    assert [each["id"] for each in listed] == [opened.id]
    assert listed[0]["payload"]["suggest"] == ["GL-0001", "GL-0002"]
    world.write("mappings/overrides.csv", "file,sku\nboth.jpg,GL-0002\n")
    await world.services.configuration.activate(
        await world.services.configuration.store(world.services.configuration.read_disk()), by="test"
    )
    replayed = await type_in(world, "replay", "--kind", "ambiguous", "--json")
    assert replayed.json() == {"exceptions": 1, "keys": 1}
    await world.until(lambda: world.all_live(asset))
    assert await world.open_exceptions("ambiguous") == []
    assert await world.placed(asset) == {"catalog": ["live"], "dam": ["live"], "shop": ["live"]}
    assert (await type_in(world, "exceptions", "--closed", "--json")).json()[0]["closed_by"] == "match"


async def ambiguous(world: World) -> str:
    world.submit("both.jpg", brief="pair")
    asset = await world.approve("both.jpg")
    await world.until(lambda: world.open_exceptions("ambiguous"))
    return asset


async def test_closing_without_mending_opens_a_new_one_and_names_who_closed_it(world: World) -> None:
    await ambiguous(world)
    [opened] = await world.open_exceptions("ambiguous")
    nobody = await type_in(world, "exceptions", opened.id, "--resolve", "--as", "x@example.com", "--because", "y")
    assert (nobody.code, "[person.unknown]" in nobody.text) == (1, True)
    closed = await type_in(world, "exceptions", opened.id, "--resolve", *DANA, "--because", "looked at", "--json")
    assert (closed.json()["closed_by"], closed.json()["payload"]["resolution"]) == ("dana@acme.example", "looked at")
    again = await type_in(world, "exceptions", opened.id, "--resolve", *DANA, "--because", "again")
    assert (again.code, "[exception.closed]" in again.text) == (1, True)
    [renewed] = await world.until(lambda: world.open_exceptions("ambiguous"))
    assert renewed.id != opened.id


async def test_a_dead_letter_keeps_its_payload_and_is_read_anew_from_the_inbox(
    world: World, api: httpx.AsyncClient
) -> None:
    world.submit("GL-0001_beach.jpg")
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    [good] = await world.rows(sa.select(inbox.inbox.c.body))
    async with world.services.ledger.write() as transaction:
        await inbox.store(transaction, [Arrival("acme", "creators", RawItem(b"{not json"))])
    [dead] = await world.until(lambda: world.open_exceptions("dead-letter"))
    told = (await api.get(f"/exceptions/{dead.id}")).json()
    assert told["payload"]["body"] == "{not json"
    stored = inbox.inbox.c.id == told["payload"]["inbox"]
    async with world.services.ledger.write() as transaction:  # as if a newer syncd understood what this one did not
        await transaction.execute(sa.update(inbox.inbox).where(stored).values(body=good.body))
    answer = await api.post(f"/exceptions/{dead.id[:6]}/replay")
    assert (answer.status_code, answer.json()) == (202, {"exceptions": 1, "keys": 1})
    await world.until(lambda: all_taken(world))
    assert await world.open_exceptions("dead-letter") == []
    assert len(await world.rows(sa.select(submissions.c.id))) == 1


async def all_taken(world: World) -> bool:
    return not await world.rows(sa.select(inbox.inbox.c.id).where(inbox.inbox.c.taken_at.is_(None)))


async def test_a_range_of_time_selects_what_was_opened_in_it(world: World) -> None:
    world.submit("GL-0001_beach.jpg", terms="none")
    await world.until(lambda: world.open_exceptions("no-grant"))
    world.clock.leap(600)
    between = world.clock.now()
    world.submit("GL-0002_road.jpg", terms="none", colour="blue")
    await world.until(lambda: two(world))
    late = await type_in(world, "replay", "--since", between.isoformat(), "--json")
    early = await type_in(world, "replay", "--until", between.isoformat(), "--kind", "no-grant", "--json")
    none = await type_in(world, "replay", "--since", (between + timedelta(days=1)).isoformat(), "--json")
    assert [each.json()["exceptions"] for each in (late, early, none)] == [1, 1, 0]
    assert (await type_in(world, "replay", "--all", "--json")).json()["exceptions"] == 2
    nothing = await type_in(world, "replay")
    assert (nothing.code, "[cli.nothing-selected]" in nothing.text) == (1, True)
    unread = await type_in(world, "replay", "--since", "yesterday")
    assert (unread.code, "[cli.instant]" in unread.text) == (1, True)


async def two(world: World) -> bool:
    return len(await world.open_exceptions("no-grant")) == 2


async def test_a_review_that_began_before_its_file_was_probed_is_asked_anew(world: World) -> None:
    world.submit("GL-0001.jpg")
    row = await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))
    await world.clock.rest()
    ledger = world.services.ledger
    async with ledger.write() as transaction:
        await transaction.execute(sa.delete(asset_grants))
        await transaction.execute(sa.update(versions).values(facts=sa.null(), status="received"))
    claim = Claim(0, "acme", "local", "review", row.asset_id, Urgency.PUBLISH, 0, "", 0)
    begun = await ReviewHandler(world.services).one(claim)
    async with ledger.write() as transaction:
        await transaction.execute(sa.update(versions).values(facts=row.facts))
    assert begun.effects
    async with ledger.write() as transaction:
        await begun.effects(transaction)
    assert not await world.open_exceptions(), "terms that nobody could read yet are not missing"
    await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))


async def test_what_is_withdrawn_needs_no_grant_any_more(world: World) -> None:
    world.submit("GL-0001.jpg", terms="none")
    [told] = await world.until(lambda: world.open_exceptions("no-grant"))
    await withdraw(world.services, told.subject, by="dana@acme.example", because="creator asked")
    assert not await world.open_exceptions()


# --- lists ------------------------------------------------------------------------------------------------------------


async def test_lists_are_read_page_by_page_in_one_order(world: World, api: httpx.AsyncClient) -> None:
    for number, colour in enumerate(("red", "green", "blue"), start=1):
        world.submit(f"GL-000{number}_x.jpg", colour=colour)
        await world.until(lambda n=number: world.version(f"GL-000{n}_x.jpg", 1, "in_review"))
    for path in ("/submissions", "/assets", "/versions", "/events"):
        whole = (await api.get(path, params={"limit": 200})).json()
        assert whole["next"] is None
        seen, cursor = [], None
        while True:
            part = (await api.get(path, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
            assert 1 <= len(part["items"]) <= 2
            seen += part["items"]
            cursor = part["next"]
            if cursor is None:
                break
        assert seen == whole["items"], path
    foreign = (await api.get("/assets", params={"limit": 1})).json()["next"]
    assert (await api.get("/versions", params={"cursor": foreign})).status_code == 422


async def test_filters_select(world: World, api: httpx.AsyncClient) -> None:
    asset = await world.publish("GL-0001_beach.jpg")
    live = (await api.get("/placements", params={"asset": asset, "state": "live"})).json()["items"]
    assert [each["connection"] for each in live] == ["catalog", "dam", "shop"]
    told = (await api.get(f"/placements/{live[2]['id']}")).json()
    assert [receipt["kind"] for receipt in told["receipts"]] == ["accepted", "live"]
    assert (await api.get("/placements", params={"connection": "nowhere"})).json()["items"] == []
    [version] = (await api.get("/versions", params={"asset": asset, "current": "true"})).json()["items"]
    assert version["status"] == "approved"
    assert (await api.get("/versions", params={"status": "held"})).json()["items"] == []
    made = (await api.get("/decisions", params={"version": version["id"]})).json()["items"]
    assert [each["verdict"] for each in made] == ["approve"]
    kinds = [e["kind"] for e in (await api.get("/events", params={"subject": version["id"]})).json()["items"]]
    assert kinds[:1] == ["version.received"]
    assert "version.approved" in kinds
    found = (await api.get(f"/submissions/{(await api.get('/submissions')).json()['items'][0]['id']}")).json()
    assert [file["state"] for file in found["files"]] == ["stored"]
    assert (await api.get("/assets/0000")).status_code == 404


# --- cases ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["match", "matrix", "rights", "reviews"])
async def test_a_case_from_real_facts_passes_and_fails_once_the_rules_change(world: World, file: str) -> None:
    world.submit("GL-0001_beach.jpg")
    row = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    path: Path = world.root / f"mappings/{file}.cases.yaml"
    if file == "match":
        path.write_text("# ours\ncases:\n  - name: first\n    expect: {exception: unmatched}\n")
    done = await type_in(world, "case", row.asset_id, "--file", file)
    assert done.code == 0, done.text
    results = [each for each in cases.run(Rulebook.load_folder(world.root)) if row.asset_id in each.name]
    assert [each.passed for each in results] == [True]
    if file == "match":
        assert path.read_text().startswith("# ours\n")
        world.write("mappings/match.yaml", "match:\n  - {name: brief, sku: brief.skus}\n")
        results = [each for each in cases.run(Rulebook.load_folder(world.root)) if row.asset_id in each.name]
        assert [each.passed for each in results] == [False]
