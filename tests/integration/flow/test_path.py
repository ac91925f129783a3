"""The path, seen from outside: what is delivered becomes live, and what may not be is held, refused or waits."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from syncd.domain.review import Verdict
from syncd.flow.care.housekeeping import sweep
from syncd.flow.plan.activate import reload
from syncd.flow.review.decide import NotAsked, Ruling, Superseded, UnknownReason, decide
from syncd.ledger.tables.core import assets, decisions, files, findings, matches, placements, versions
from tests.support.world import STUDIO, World


async def test_a_photograph_goes_from_the_folder_to_dam_catalogue_and_feed(tmp_path: Path, ledger_url: str) -> None:
    root = tmp_path / "w"
    root.mkdir()
    world = World(root, ledger_url)
    await world.start()
    await world.allow()
    world.submit_photo("GL-0001_road.jpg", "hiking.jpg")
    asset = await world.approve("GL-0001_road.jpg")
    await world.until(lambda: world.all_live(asset))
    feed = await world.feed()
    assert feed["GL-0001"][0] == f"{STUDIO}GL-0001.jpg"
    assert feed["GL-0002"] == [f"{STUDIO}GL-0002.jpg"]
    picture = await world.fetch(feed["GL-0001"][1])
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (200, 200)
    [held] = (root / "dam").rglob("*.jpg")
    with (root / "links.csv").open() as file:
        [link] = list(csv.DictReader(file))
    assert (link["sku"], link["url"], link["managed_by"]) == (
        "GL-0001",
        held.as_uri(),
        "syncd",
    )
    assert link["sha256"] == hashlib.sha256(held.read_bytes()).hexdigest()
    await world.stop()


async def test_nothing_is_written_before_the_first_plan_is_applied(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    world.submit("GL-0001.jpg")
    asset = await world.approve("GL-0001.jpg")
    await world.until(lambda: world.rows(sa.select(matches).where(matches.c.asset_id == asset)))
    await world.clock.advance(60)
    assert await world.placed(asset) == {}
    assert not (tmp_path / "dam").exists() or not list((tmp_path / "dam").rglob("*.jpg"))
    await world.stop()


async def test_a_new_version_replaces_the_old_and_the_listing_is_never_without(world: World) -> None:
    asset = await world.publish("GL-0001.jpg", colour="red")
    before = (await world.feed())["GL-0001"][1]
    world.submit("GL-0001.jpg", colour="blue")
    await world.until(lambda: world.version("GL-0001.jpg", 2, "in_review"))
    assert (await world.feed())["GL-0001"][1] == before
    await world.approve("GL-0001.jpg", 2)

    async def replaced() -> bool:
        images = (await world.feed())["GL-0001"]
        assert len(images) >= 2, "the listing must never be without its picture"
        return len(images) == 2 and images[1] != before

    await world.until(replaced)
    await world.until(lambda: _old_gone(world, asset))
    pixel = Image.open(io.BytesIO((await world.fetch((await world.feed())["GL-0001"][1])).content)).getpixel((100, 100))
    assert isinstance(pixel, tuple)
    assert pixel[2] > 200 > pixel[0]
    assert (await world.fetch(before)).status_code == 410
    statuses = await world.rows(sa.select(versions.c.number, versions.c.status).order_by(versions.c.number))
    assert [tuple(row) for row in statuses] == [(1, "superseded"), (2, "approved")]


async def _old_gone(world: World, asset: str) -> bool:
    rows = await world.rows(
        sa.select(placements.c.state, placements.c.version_number).where(placements.c.asset_id == asset)
    )
    return all((row.state == "gone") == (row.version_number == 1) for row in rows) and len(rows) == 6


async def test_what_meets_no_spec_is_held_with_rule_value_and_limit(world: World) -> None:
    world.submit("GL-0001.jpg", size=(90, 80))
    row = await world.until(lambda: world.version("GL-0001.jpg", 1, "held"))
    [finding] = await world.rows(sa.select(findings).where(findings.c.version_id == row.id))
    assert (finding.rule, finding.measured, finding.limit) == ("min_width", "90 px", "100 px")
    status = world.root / "inbox"
    await world.until(lambda: _status_says(status, "needs 100 px"))


async def test_a_hostile_file_is_rejected_with_its_reason(world: World) -> None:
    world.submit_bytes("GL-0001.jpg", b"<html><script>alert(1)</script></html>")
    await world.until(lambda: world.version("GL-0001.jpg", 1, "rejected"))
    await world.until(lambda: _status_says(world.root / "inbox", "rejected"))


async def _status_says(inbox: Path, words: str) -> bool:
    return any(words in path.read_text() for path in inbox.rglob("*.status.yaml"))


async def test_without_a_grant_nothing_passes(world: World) -> None:
    world.submit("GL-0001.jpg", terms="unheard-of")
    await world.until(lambda: world.open_exceptions("no-grant"))
    assert (await world.version("GL-0001.jpg", 1)).status == "held"


async def test_studio_content_enters_owned_and_imported_approvals_count_where_allowed(tmp_path: Path) -> None:
    world = World(tmp_path)
    text = (tmp_path / "connectors/creators.yaml").read_text()
    world.write("connectors/creators.yaml", text + "approvals: import\n")
    await world.start()
    await world.allow()
    approval = {"by": "lea@agency.example", "at": "2026-11-01T10:00:00+00:00", "reference": "PM-7"}
    world.submit("GL-0001.jpg", origin="studio", terms="", approval=approval)
    await world.until(lambda: world.version("GL-0001.jpg", 1, "approved"))
    [decision] = await world.rows(sa.select(decisions))
    assert (decision.imported_from, decision.comment) == ("creators", "PM-7")
    asset = (await world.version("GL-0001.jpg", 1)).asset_id
    await world.until(lambda: world.all_live(asset))
    await world.stop()


async def test_an_approval_from_elsewhere_counts_for_nothing_where_it_is_not_imported(world: World) -> None:
    approval = {"by": "lea@agency.example", "at": "2026-11-01T10:00:00+00:00"}
    world.submit("GL-0001.jpg", origin="studio", approval=approval)
    await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))


async def test_the_same_picture_twice_is_one_asset(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    world.submit("GL-0001_again.jpg")
    await world.until(lambda: _stored(world, 2))
    linked = await world.rows(sa.select(files.c.asset_id))
    assert {row.asset_id for row in linked} == {asset}
    assert len(await world.rows(sa.select(assets))) == 1


async def _stored(world: World, number: int) -> bool:
    return len(await world.rows(sa.select(files).where(files.c.state == "stored"))) == number


async def test_an_ambiguous_match_waits_and_a_persons_word_resolves_it(world: World) -> None:
    world.submit("beach.jpg", brief="pair")
    asset = await world.approve("beach.jpg")
    [waiting] = await world.until(lambda: world.open_exceptions("ambiguous"))
    assert waiting.payload["suggest"] == ["GL-0001", "GL-0002"]
    assert await world.placed(asset) == {"dam": ["live"]} or await world.until(lambda: _dam_only(world, asset))
    world.write("mappings/overrides.csv", "file,sku\nbeach.jpg,GL-0002\n")
    configuration = world.services.configuration
    await configuration.activate(await configuration.store(configuration.read_disk()), by="test")
    await world.allow()
    await sweep(world.services, "acme")
    await world.until(lambda: world.all_live(asset))
    assert await world.open_exceptions("ambiguous") == []
    assert len((await world.feed())["GL-0002"]) == 2


async def _dam_only(world: World, asset: str) -> bool:
    return await world.placed(asset) == {"dam": ["live"]}


async def test_a_listing_that_turns_out_to_be_anothers_gives_the_picture_back(world: World) -> None:
    asset = await world.publish("GL-0001.jpg")
    text = (world.root / "connectors/shop.yaml").read_text()
    world.write("mappings/names.csv", "sku,name\nGL-0001,GL-0003\n")
    world.write("connectors/shop.yaml", text + "products: {by: [sku], table: names.csv}\n")
    await reload(world.services, None, "tester")
    await world.allow()
    await world.until(lambda: _stands_only_at(world, asset, "listing:GL-0003"))
    feed = await world.feed()
    assert [len(feed[f"GL-000{n}"]) for n in (1, 2, 3)] == [1, 1, 2]


async def _stands_only_at(world: World, asset: str, listing: str) -> bool:
    where = (placements.c.asset_id == asset, placements.c.connection == "shop", placements.c.state != "gone")
    rows = await world.rows(sa.select(placements.c.listing, placements.c.state).where(*where))
    return [tuple(row) for row in rows] == [(listing, "live")]


async def test_a_decision_on_a_superseded_version_is_refused_and_names_the_current(world: World) -> None:
    world.submit("GL-0001.jpg", colour="red")
    old = await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))
    world.submit("GL-0001.jpg", colour="blue")
    new = await world.until(lambda: world.version("GL-0001.jpg", 2, "in_review"))
    with pytest.raises(Superseded) as refused:
        await decide(world.services, old.id, Ruling("tom@acme.example", Verdict.APPROVE))
    assert refused.value.data["current"] == new.id


async def test_only_those_asked_decide_and_a_rejection_has_a_declared_reason(world: World) -> None:
    world.submit("GL-0001.jpg")
    row = await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))
    with pytest.raises(NotAsked):
        await decide(world.services, row.id, Ruling("dana@acme.example", Verdict.APPROVE))
    with pytest.raises(UnknownReason):
        await decide(world.services, row.id, Ruling("tom@acme.example", Verdict.REJECT, "ugly"))
    await decide(world.services, row.id, Ruling("tom@acme.example", Verdict.REJECT, "blurred", "try a tripod"))
    await world.until(lambda: world.version("GL-0001.jpg", 1, "rejected"))
    await world.until(lambda: _status_says(world.root / "inbox", "Not sharp try a tripod"))


async def test_the_submitter_never_approves_their_own(world: World) -> None:
    world.submit("GL-0001.jpg", creator={"reference": "tom", "mail": "tom@acme.example"})
    row = await world.until(lambda: world.version("GL-0001.jpg", 1, "in_review"))
    with pytest.raises(NotAsked):
        await decide(world.services, row.id, Ruling("tom@acme.example", Verdict.APPROVE))
