"""Reloading: a bad file keeps the revision that was active and says why; a good one is followed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from syncd.config.problems import InvalidFiles
from syncd.errors import NotFoundError
from syncd.flow.plan.activate import reload
from syncd.flow.plan.revisions import compare, list_revisions, read_revision
from syncd.ledger.tables.core import matches, revisions
from tests.support.world import World


async def test_a_bad_file_keeps_the_old_revision_and_says_where_it_is_wrong(world: World) -> None:
    before = world.services.configuration.active.bundle.revision
    specs = (world.root / "mappings/specs.yaml").read_text()
    world.write("mappings/specs.yaml", specs.replace("fit: pad", "fit: stretch"))
    with pytest.raises(InvalidFiles) as refused:
        await reload(world.services, None, "tester")
    assert "mappings/specs.yaml:2:63: `fit` cannot be `stretch`" in refused.value.what
    assert world.services.configuration.active.bundle.revision == before
    assert len(await world.rows(sa.select(revisions.c.id))) == 1


async def test_files_that_are_sent_are_followed_whatever_lies_on_disk(world: World) -> None:
    files = dict(world.services.configuration.read_disk())
    files["mappings/overrides.csv"] = "file,sku\nodd.jpg,GL-0002\n"
    done = await reload(world.services, files, "tester")
    assert (done.changed, done.files) == (True, ("mappings/overrides.csv",))
    assert world.services.configuration.active.bundle.revision == done.revision
    assert (await reload(world.services, files, "tester")).changed is False


async def test_what_was_not_matched_is_matched_by_the_new_rules(world: World) -> None:
    world.submit("odd.jpg")
    asset = await world.approve("odd.jpg")
    await world.until(lambda: world.open_exceptions("unmatched"))
    world.write("mappings/overrides.csv", "file,sku\nodd.jpg,GL-0002\n")
    await reload(world.services, None, "tester")
    await world.until(lambda: world.rows(sa.select(matches).where(matches.c.asset_id == asset)))
    await world.until(lambda: world.all_live(asset))
    assert await world.open_exceptions("unmatched") == []


async def test_history_names_every_revision_and_how_two_differ(world: World) -> None:
    before = world.services.configuration.active.bundle.revision
    world.write("mappings/overrides.csv", "file,sku\nodd.jpg,GL-0002\n")
    after = (await reload(world.services, None, "tester")).revision
    assert [(row.id, row.active) for row in await list_revisions(world.services, None, 10)] == [
        (after, True), (before, False),
    ]  # fmt: skip
    assert (await compare(world.services, before[:8], after[:8])).splitlines() == [
        "--- mappings/overrides.csv", "+++ mappings/overrides.csv", "@@ -1 +1,2 @@", " file,sku", "+odd.jpg,GL-0002",
    ]  # fmt: skip
    with pytest.raises(NotFoundError):
        await read_revision(world.services, "")
