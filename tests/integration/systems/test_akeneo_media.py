"""Akeneo's media: links from products in collections that are replaced whole, and an asset family as the library."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import BodyPartReader, web
from tests.support import systems
from tests.support.akeneo import ASSETS, BYTES, LINKS, PRODUCTS, V1, V2, V3, media, opened, run
from tests.support.vendors.akeneo import AkeneoVendor
from tests.support.vendors.akeneo import values as akeneo_values
from tests.support.vendors.akeneo.catalogue import BLUE, COLLECTION, FILE, ON_MODEL, ON_ROOT, RED, RED_MODEL, SIMPLE
from tests.support.vendors.akeneo.family import FOREIGN

from syncd.errors import AuthError, ConfigError, NotFoundError, RejectedError, TransientError
from syncd.sdk.changes import Change, ChangePage, StatusWrite, Subject
from syncd.sdk.http import open_client
from syncd.sdk.library import LibraryItem
from syncd.sdk.media import Media, ObservedMedia
from syncd.sdk.roles import Role
from syncd.systems.akeneo import AkeneoSystem
from syncd.systems.akeneo.api import Api
from syncd.systems.akeneo.sending import form
from syncd.testing.clock import ManualClock
from syncd.testing.vendor import Mischief

of = akeneo_values.of
UNTIL = datetime(2028, 11, 13, tzinfo=UTC)
OWN = "syncd_A1"


@pytest.fixture
def vendor(clock: ManualClock) -> AkeneoVendor:
    """A PIM that nobody changed for an hour."""
    pim = AkeneoVendor(clock)
    clock.leap(3600)
    return pim


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def rendition(content: bytes, asset: str = "A1") -> str:
    return f"syncd_{asset}_r{digest(content)[:12]}"


def item(content: bytes = V1, version: int = 1, *, status: str = "approved", **more: str) -> LibraryItem:
    return LibraryItem(media(content, version=version), "Beach at dawn", status, UNTIL, {"creator": "Mia K.", **more})


async def seen(system: AkeneoSystem, clock: ManualClock, sku: str) -> Sequence[ObservedMedia]:
    (found,) = await run(clock, system.linked([sku]))
    return found.observed


def linked(observed: Sequence[ObservedMedia]) -> list[str]:
    return [one.external_id for one in observed]


# --- links ----------------------------------------------------------------------------------------------------------


async def test_ours_is_added_behind_what_others_linked_and_twice_is_as_once(vendor, clock, tmp_path):
    vendor.family.put("studio_back", of("media", vendor.files.add("back.jpg", b"back"), key="channel"))
    vendor.catalogue.edit(SIMPLE, of(COLLECTION, ["studio_back", FOREIGN]))
    async with opened(vendor, clock, tmp_path) as system:
        (added,) = await run(clock, system.attach(SIMPLE, [media()]))
        assert added.external_id == f"{COLLECTION}/{rendition(V1)}"
        before = vendor.written
        assert await run(clock, system.attach(SIMPLE, [media()])) == [added]
        assert vendor.written == before
        assert vendor.catalogue.data(SIMPLE, COLLECTION) == ["studio_back", FOREIGN, rendition(V1)]
        observed = await seen(system, clock, SIMPLE)
        assert linked(observed) == [f"{COLLECTION}/{code}" for code in ("studio_back", FOREIGN, rendition(V1))]
        assert [one.fetched for one in observed] == ["", "", digest(V1)]
        for _ in range(2):
            await run(clock, system.detach(SIMPLE, [media()]))
            assert vendor.catalogue.data(SIMPLE, COLLECTION) == ["studio_back", FOREIGN]
    assert vendor.family.bytes_of(rendition(V1)) == V1
    assert vendor.violations == []


async def test_several_media_go_in_one_write_and_are_answered_in_their_order(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        those = [media(V2, placement="P2", asset="A2"), media(V1), media(V3, placement="P3", asset="A3")]
        answers = await run(clock, system.attach(SIMPLE, those))
    assert [one.fetched for one in answers] == [digest(V2), digest(V1), digest(V3)]
    assert vendor.catalogue.data(SIMPLE, COLLECTION)[1:] == [
        rendition(V2, "A2"),
        rendition(V1),
        rendition(V3, "A3"),
    ]
    products = [call for call in vendor.calls if call.write and "products" in call.url]
    assert len(products) == 1


async def test_an_asset_that_the_library_holds_is_linked_itself(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as library:
        await run(clock, library.put(item()))
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.attach(SIMPLE, [media()]))
        assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN, OWN]
        assert (await seen(system, clock, SIMPLE))[1].url.startswith("https://acme.asset.akeneo.com/")


async def test_a_link_whose_asset_holds_a_newer_version_is_not_that_of_the_older(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as library:
        await run(clock, library.put(item(V1, 1)))
        async with opened(vendor, clock, tmp_path) as system:
            await run(clock, system.attach(SIMPLE, [media(V1)]))
        await run(clock, library.put(item(V2, 2)))
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.attach(SIMPLE, [media(V2, version=2, placement="P2")]))
        await run(clock, system.detach(SIMPLE, [media(V1)]))
        assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN, OWN]
        await run(clock, system.detach(SIMPLE, [media(V2, version=2, placement="P2")]))
    assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN]


async def test_media_go_to_the_level_where_their_attribute_is(vendor, clock, tmp_path):
    links = {**LINKS, "hero": {"attribute": ON_ROOT, "on": "root"}}
    async with opened(vendor, clock, tmp_path, links=links) as system:
        await run(clock, system.attach(RED, [media(role="main"), media(V2, role="hero", placement="P2")]))
        assert vendor.catalogue.data(RED_MODEL, ON_MODEL) == [rendition(V1)]
        assert vendor.catalogue.data("tshirt", ON_ROOT) == [rendition(V2)]
        for sku in (RED, BLUE):  # a variant shows what its models have
            assert linked(await seen(system, clock, sku)) == [
                f"{ON_MODEL}/{rendition(V1)}",
                f"{ON_ROOT}/{rendition(V2)}",
            ]
        await run(clock, system.attach(SIMPLE, [media(role="main")]))
        assert vendor.catalogue.data(SIMPLE, ON_MODEL) == [rendition(V1)]
        await run(clock, system.detach(BLUE, [media(role="main")]))
        assert vendor.catalogue.data(RED_MODEL, ON_MODEL) is None
    assert vendor.catalogue.data(SIMPLE, ON_MODEL) == [rendition(V1)]


async def test_models_are_linked_as_products_where_they_count_as_such(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, products={**PRODUCTS, "models": True}) as system:
        await run(clock, system.attach("tshirt", [media(role="main")]))
        assert vendor.catalogue.data("tshirt", ON_MODEL) == [rendition(V1)]
        assert linked(await seen(system, clock, "tshirt")) == [f"{ON_MODEL}/{rendition(V1)}"]


async def test_a_change_that_akeneo_takes_and_passes_over_is_told(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, links={"*": {"attribute": ON_MODEL}}) as system:
        with pytest.raises(
            RejectedError, match="took the change of model_pictures of product TS-RED-S and did not"
        ) as told:
            await run(clock, system.attach(RED, [media()]))
        assert "on: parent" in told.value.remedy
        vendor.catalogue.drafts.add(vendor.catalogue.uuid(SIMPLE))
        with pytest.raises(RejectedError, match="it is a draft") as told:
            await run(clock, system.attach(SIMPLE, [media()]))
    assert "own the product's category" in told.value.remedy


async def test_what_others_change_at_the_same_time_is_noticed(vendor, clock, tmp_path):
    def another(key: str) -> None:
        vendor.catalogue.after_writing = None
        vendor.catalogue.edit(SIMPLE, of(COLLECTION, [FOREIGN, "studio_back"]))

    vendor.family.put("studio_back", {})
    vendor.catalogue.after_writing = another
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(TransientError, match="was changed by somebody else just now"):
            await run(clock, system.attach(SIMPLE, [media()]))
        await run(clock, system.attach(SIMPLE, [media()]))
    assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN, "studio_back", rendition(V1)]


@pytest.mark.parametrize("mischief", [Mischief(late=True), Mischief(late=True, status=0), Mischief(status=503)])
async def test_a_lost_answer_leaves_one_link(vendor, clock, tmp_path, mischief: Mischief):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.attach(SIMPLE, [media(V2, placement="P2", asset="A2")]))
        vendor.mischief.append(replace(mischief, times=2))
        for _ in range(3):
            try:
                await run(clock, system.attach(SIMPLE, [media()]))
                break
            except TransientError:
                pass
        assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN, rendition(V2, "A2"), rendition(V1)]
        vendor.mischief.append(replace(mischief, times=1))
        for _ in range(2):
            try:
                await run(clock, system.detach(SIMPLE, [media()]))
                break
            except TransientError:
                pass
    assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN, rendition(V2, "A2")]


async def test_a_write_to_a_collection_is_not_repeated_without_reading_it_again(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.attach(RED, [media(role="main")]))
        vendor.mischief.append(Mischief(status=502, times=-1))
        calls = len(vendor.calls)
        with pytest.raises(TransientError):
            await run(clock, system.detach(RED, [media(role="main")]))
    assert [call.method for call in vendor.calls[calls:]].count("PATCH") == 1


async def test_refusals_are_told_in_the_words_of_akeneo(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, links={"*": {"attribute": "local_pictures"}}) as system:
        with pytest.raises(RejectedError, match="requires a value per locale"):
            await run(clock, system.attach(SIMPLE, [media()]))
    vendor.catalogue.readable.add(vendor.catalogue.uuid(SIMPLE))
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(RejectedError, match="You only have a view right on this product"):
            await run(clock, system.attach(SIMPLE, [media()]))
        vendor.forbidden.add("create or update products")
        with pytest.raises(AuthError, match="not allowed to create or update products"):
            await run(clock, system.attach(SIMPLE, [media()]))
        with pytest.raises(NotFoundError, match="no product GL-0815"):
            await run(clock, system.attach("GL-0815", [media()]))
        with pytest.raises(RejectedError, match="no link is declared for media as `lifestyle`"):
            await run(clock, system.attach(SIMPLE, [media(role="lifestyle")]))


async def test_products_that_are_not_there_have_no_media_and_none_to_remove(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        there, gone = await run(clock, system.linked([SIMPLE, "GL-0815"]))
        assert (there.exists, gone.exists, gone.observed) == (True, False, ())
        await run(clock, system.detach("GL-0815", [media()]))
    assert vendor.written == 0


async def test_two_products_with_one_sku_are_refused(vendor, clock, tmp_path):
    vendor.catalogue.product(SIMPLE, None, {})
    async with opened(vendor, clock, tmp_path) as system:
        with pytest.raises(RejectedError, match="Two products have the SKU GL-0412"):
            await run(clock, system.linked([SIMPLE]))


async def test_a_product_deleted_between_reading_and_writing_is_told(vendor, clock, tmp_path):
    def delete(key: str) -> None:
        del vendor.catalogue.products[key]

    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.attach(RED, [media(role="main")]))
        vendor.catalogue.before_writing = delete
        with pytest.raises(RejectedError, match="Akeneo made a new one of it"):
            await run(clock, system.attach(SIMPLE, [media()]))


async def test_many_products_are_read_in_few_calls(vendor, clock, tmp_path):
    for number in range(120):
        vendor.catalogue.product(f"N-{number:04}", None, of(COLLECTION, [FOREIGN]))
    async with opened(vendor, clock, tmp_path) as system:
        await run(clock, system.check())
        calls = len(vendor.calls)
        found = await run(clock, system.linked([f"N-{number:04}" for number in range(120)]))
    assert all(linked(one.observed) == [f"{COLLECTION}/{FOREIGN}"] for one in found)
    assert len(vendor.calls) - calls == 3


# --- one file in an attribute ---------------------------------------------------------------------------------------

FILES: dict[str, Any] = {"links": {"*": {"attribute": FILE, "holds": "file"}}, "assets": None}


async def test_without_the_asset_manager_a_file_goes_into_an_attribute(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, **FILES) as system:
        (added,) = await run(clock, system.attach(SIMPLE, [media()]))
        assert linked(await seen(system, clock, SIMPLE)) == [added.external_id]
        before = vendor.written
        assert await run(clock, system.attach(SIMPLE, [media()])) == [added]
        assert vendor.written == before
        assert vendor.files.kept[vendor.catalogue.data(SIMPLE, FILE)][1] == V1
        await run(clock, system.attach(SIMPLE, [media(V2, version=2)]))
        with pytest.raises(RejectedError, match="holds another asset's file"):  # or both would take turns for ever
            await run(clock, system.attach(SIMPLE, [media(V3, placement="P3", asset="A3")]))
        await run(clock, system.detach(SIMPLE, [media(V1)]))
        assert vendor.files.kept[vendor.catalogue.data(SIMPLE, FILE)][1] == V2
        await run(clock, system.detach(SIMPLE, [media(V2, version=2)]))
    assert vendor.catalogue.data(SIMPLE, FILE) is None


async def test_a_file_of_others_is_never_replaced(vendor, clock, tmp_path):
    theirs = vendor.files.add("packshot front.jpg", b"studio")
    vendor.catalogue.edit(SIMPLE, of(FILE, theirs))
    async with opened(vendor, clock, tmp_path, **FILES) as system:
        with pytest.raises(RejectedError, match="holds a file that is not ours"):
            await run(clock, system.attach(SIMPLE, [media()]))
        await run(clock, system.detach(SIMPLE, [media()]))
        assert linked(await seen(system, clock, SIMPLE)) == [f"{FILE}/{theirs}"]
    assert vendor.catalogue.data(SIMPLE, FILE) == theirs


async def test_files_go_to_models_too(vendor, clock, tmp_path):
    vendor.catalogue.levels[FILE] = 1
    links = {"*": {"attribute": FILE, "holds": "file", "on": "parent"}}
    async with opened(vendor, clock, tmp_path, **{**FILES, "links": links}) as system:
        await run(clock, system.attach(RED, [media()]))
        assert vendor.files.kept[vendor.catalogue.data(RED_MODEL, FILE)][1] == V1
        await run(clock, system.detach(BLUE, [media()]))
    assert vendor.catalogue.data(RED_MODEL, FILE) is None
    async with opened(vendor, clock, tmp_path, **FILES) as system:
        with pytest.raises(RejectedError, match="did not keep it"):
            await run(clock, system.attach(RED, [media()]))


# --- the library ----------------------------------------------------------------------------------------------------


async def test_a_version_is_held_with_its_facts_and_put_again_writes_nothing(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        state = await run(clock, system.put(item()))
        assert (state.external_id, state.sha256, state.status, state.exists) == (OWN, digest(V1), "approved", True)
        assert state.url == "https://acme.asset.akeneo.com/creator_content/media/A1-v1.jpg"
        held = vendor.family
        assert held.bytes_of(OWN) == V1
        assert (held.data(OWN, "label", "en_US"), held.data(OWN, "label", "de_DE")) == ("Beach at dawn",) * 2
        assert (held.data(OWN, "alt", "en_US"), held.data(OWN, "photographer")) == ("Beach", "Mia K.")
        assert (held.data(OWN, "rights_until"), held.data(OWN, "status")) == ("2028-11-13T00:00:00+00:00", "active")
        calls = [call.method for call in vendor.calls]
        assert await run(clock, system.put(item())) == state
        assert [call.method for call in vendor.calls[len(calls) :]] == ["GET"]
        assert await run(clock, system.read(["A1", "A2"])) == [state, replace(state, **_ABSENT)]


_ABSENT = {"asset": "A2", "external_id": "", "sha256": "", "status": "", "url": "", "exists": False}


async def test_new_facts_are_written_without_sending_the_file_again(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        await run(clock, system.put(item()))
        calls = len(vendor.calls)
        await run(clock, system.put(replace(item(), title="Dusk", rights_until=None)))
        assert [call.method for call in vendor.calls[calls:]] == ["GET", "PATCH", "GET"]
    assert (vendor.family.data(OWN, "label", "de_DE"), vendor.family.data(OWN, "rights_until")) == ("Dusk", None)


async def test_an_older_version_is_kept_as_an_asset_of_its_own(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        for content, version in ((V1, 1), (V2, 2), (V3, 3)):
            await run(clock, system.put(item(content, version)))
        assert vendor.family.bytes_of(OWN) == V3
        assert (vendor.family.bytes_of(f"{OWN}_v1"), vendor.family.bytes_of(f"{OWN}_v2")) == (V1, V2)
        assert vendor.family.data(f"{OWN}_v1", "status") == "archived"
        (state,) = await run(clock, system.read(["A1"]))
        assert (state.sha256, state.external_id) == (digest(V3), OWN)
    async with opened(vendor, clock, tmp_path, Role.LIBRARY, assets={**ASSETS, "archive": False}) as system:
        await run(clock, system.put(item(V1, 4)))
    assert f"{OWN}_v3" not in vendor.family.assets


async def test_a_file_that_somebody_else_put_there_is_no_version_of_ours(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        await run(clock, system.put(item()))
        vendor.family.put(OWN, of("media", vendor.files.add("retouched.jpg", b"theirs"), key="channel"))
        (state,) = await run(clock, system.read(["A1"]))
        assert (state.sha256, state.exists) == ("", True)
        assert (await run(clock, system.put(item()))).sha256 == digest(V1)
    assert vendor.family.bytes_of(f"{OWN}_v1") == b"theirs"
    assert vendor.family.bytes_of(FOREIGN) == b"studio"


@pytest.mark.parametrize("clear", [False, True])
async def test_a_withdrawn_asset_leaves_all_products_and_stays_in_the_family(vendor, clock, tmp_path, clear: bool):
    assets = {**ASSETS, "clear": clear}
    async with opened(vendor, clock, tmp_path, Role.LIBRARY, assets=assets) as library:
        await run(clock, library.put(item()))
        async with opened(vendor, clock, tmp_path) as system:
            await run(clock, system.attach(SIMPLE, [media()]))
            await run(clock, system.attach(RED, [media(role="main")]))
        before: list[Any] = []
        for _ in range(2):
            state = await run(clock, library.withdraw("A1", "expired"))
            assert (state.exists, state.sha256, state.external_id) == (False, "", OWN)
            assert vendor.catalogue.data(SIMPLE, COLLECTION) == [FOREIGN]
            assert vendor.catalogue.data(RED_MODEL, ON_MODEL) is None
            before.append(vendor.written)
        assert before[0] == before[1]
        assert vendor.family.data(OWN, "status") == "inactive"
        assert bool(vendor.family.data(OWN, "media")) is not clear
        assert bool(state.url) is not clear
        assert (await run(clock, library.withdraw("A2", "expired"))).exists is False
        assert (await run(clock, library.put(item()))).sha256 == digest(V1)
    assert vendor.family.bytes_of(OWN) == V1


async def test_a_rendition_made_for_links_is_taken_out_of_use_with_the_last_of_them(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path) as system:
        for sku in (SIMPLE, RED):
            await run(clock, system.attach(sku, [media()]))
        await run(clock, system.detach(RED, [media()]))
        assert vendor.family.data(rendition(V1), "status") == "active"
        await run(clock, system.detach(SIMPLE, [media()]))
        assert vendor.family.data(rendition(V1), "status") == "inactive"
        await run(clock, system.attach(SIMPLE, [media()]))
    assert vendor.family.data(rendition(V1), "status") == "active"


@pytest.mark.parametrize("mischief", [Mischief(late=True), Mischief(late=True, status=0)])
async def test_a_lost_answer_leaves_one_asset(vendor, clock, tmp_path, mischief: Mischief):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        vendor.mischief.append(mischief)
        assert (await run(clock, system.put(item()))).sha256 == digest(V1)  # repeated at once: it says all there is
        vendor.mischief.append(replace(mischief, times=-1))
        with pytest.raises(TransientError):
            await run(clock, system.put(item(V2, 2)))
        vendor.mischief.clear()
        assert (await run(clock, system.put(item(V2, 2)))).sha256 == digest(V2)
    assert {code for code in vendor.family.assets if code.startswith(OWN)} == {OWN, f"{OWN}_v1"}


async def test_bytes_that_are_not_the_versions_are_not_held(vendor, clock, tmp_path):
    wrong = replace(item(), media=replace(media(), sha256=digest(V1), size=len(V2)))
    known = BYTES[digest(V1)]
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        BYTES[digest(V1)] = V2
        try:
            with pytest.raises(TransientError, match="not those of"):
                await run(clock, system.put(wrong))
        finally:
            BYTES[digest(V1)] = known
    assert OWN not in vendor.family.assets


async def test_what_the_family_refuses_is_told_with_its_property(vendor, clock, tmp_path):
    statuses = {**ASSETS, "statuses": {}}
    async with opened(vendor, clock, tmp_path, Role.LIBRARY, assets=statuses) as system:
        with pytest.raises(
            RejectedError, match=r"business rules: values.status: The option \"approved\" does not exist"
        ):
            await run(clock, system.put(item()))
        vendor.forbidden.add("create or update assets")
        with pytest.raises(AuthError, match="not allowed to create or update assets"):
            await run(clock, system.put(item(V2, 2)))


async def test_a_change_that_the_family_takes_and_does_not_make_is_told(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        vendor.family.frozen = True
        with pytest.raises(RejectedError, match="took the change of the asset syncd_A1 and did not make it"):
            await run(clock, system.put(item()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"family": "nothing"}, "has no asset family nothing"), ({"media": "photo"}, "`photo` .* does not exist"),
        ({"mark": "media"}, "is of the type media_file; text fits"),
        ({"title": ["label"]}, "for each locale: name one"),
        ({"alt": ["photographer-en_US"]}, "has no locale"),
    ],
)  # fmt: skip
async def test_check_names_what_the_family_lacks(vendor, clock, tmp_path, change: dict[str, Any], says: str):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY, assets={**ASSETS, **change}) as system:
        with pytest.raises(ConfigError, match=says):
            await run(clock, system.check())


async def test_a_library_needs_a_family(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY, assets=None, links={}) as system:
        with pytest.raises(ConfigError, match="names no asset family"):
            await run(clock, system.put(item()))


async def test_changes_of_our_assets_are_told_with_their_status(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:

        async def changes(since: str) -> tuple[list[Change], str]:
            async def read() -> list[ChangePage]:
                return [page async for page in system.changes(since)]

            pages = await run(clock, read())
            return [change for page in pages for change in page.changes], pages[-1].checkpoint

        await run(clock, system.put(item()))
        told, since = await changes("")
        assert told == []
        clock.leap(600)
        vendor.family.put(OWN, of("status", "inactive", key="channel"))
        vendor.family.put(FOREIGN, of("status", "inactive", key="channel"))
        told, since = await changes(since)
        assert told == [Change(Subject.ASSET, "A1", "inactive", at=clock.now())]
        clock.leap(600)
        assert (await changes(since))[0] == told  # where readings overlap
        clock.leap(600)
        assert (await changes((await changes(since))[1]))[0] == []


async def test_statuses_of_assets_are_written_in_one_batch(vendor, clock, tmp_path):
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        await run(clock, system.put(item()))
        other = replace(item(V2), media=media(V2, asset="A2"))
        await run(clock, system.put(other))
        written = vendor.written
        await run(clock, system.write_status([StatusWrite(Subject.ASSET, name, "inactive") for name in ("A1", "A2")]))
        assert vendor.written == written + 1
        mixed = [StatusWrite(Subject.ASSET, "A1", "active"), StatusWrite(Subject.ASSET, "A2", "hidden")]
        with pytest.raises(
            RejectedError, match=r"A2: .*\"hidden\" does not exist.* It knows active, inactive, archived"
        ):
            await run(clock, system.write_status(mixed))
    assert (vendor.family.data(OWN, "status"), vendor.family.data("syncd_A2", "status")) == ("active", "inactive")


async def test_a_hundred_assets_are_read_and_given_a_status_in_few_calls(vendor, clock, tmp_path):
    names = [f"B{number}" for number in range(130)]
    for name in names:
        vendor.family.put(f"syncd_{name}", {})
    async with opened(vendor, clock, tmp_path, Role.LIBRARY) as system:
        await run(clock, system.check())
        calls = len(vendor.calls)
        assert len(await run(clock, system.read(names))) == 130
        assert len(vendor.calls) - calls == 3
        await run(clock, system.write_status([StatusWrite(Subject.ASSET, name, "archived") for name in names]))
    assert {vendor.family.data(f"syncd_{name}", "status") for name in names} == {"archived"}


async def test_a_file_goes_over_a_real_connection_in_pieces(clock, tmp_path):
    received: dict[str, Any] = {}

    async def take(request: web.Request) -> web.Response:
        received.update(length=request.content_length, chunked="Transfer-Encoding" in request.headers)
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        received.update(name=part.filename, type=part.headers["Content-Type"], content=await part.read())
        return web.Response(status=201, headers={"Asset-media-file-code": "a/b/c/d/abcd_beach.jpg"})

    content = bytes(range(256)) * 3000
    picture = systems.media(content, name="beach.jpg")
    async with systems.host() as served, open_client("akeneo", clock) as http:
        served.handlers["/api/rest/v1/asset-media-files"] = take
        context = systems.context(tmp_path, clock, http=http, served=served, media={picture.sha256: content})
        api = Api(context, served.url, "the-token-of-an-app")
        headers = await api.upload("/asset-media-files", form(_in_pieces(content), picture, "beach.jpg", {}), 30.0)
    assert headers["asset-media-file-code"] == "a/b/c/d/abcd_beach.jpg"
    assert received.pop("content") == content
    assert received["length"] > len(content)
    assert (received["name"], received["type"], received["chunked"]) == ("beach.jpg", "image/jpeg", False)


def _in_pieces(content: bytes) -> Any:
    async def read(media: Media) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 2**16):
            yield content[start : start + 2**16]

    return read
