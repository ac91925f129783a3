from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import systems

from syncd.domain.product import ProductStatus
from syncd.errors import RejectedError
from syncd.systems.akeneo import files
from syncd.systems.akeneo.mark import Codes, Mark, Use
from syncd.systems.akeneo.options import ProductOptions
from syncd.systems.akeneo.record import MODELS, PRODUCTS, record, sku_of

CODES = Codes("syncd_")
ASSETS = st.text(min_size=1, max_size=20)
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@given(ASSETS)
def test_a_code_tells_the_asset_and_nothing_else(asset: str):
    code = CODES.of(asset)
    assert code.isascii()
    assert code.replace("_", "").isalnum()
    assert CODES.asset(code) == asset
    assert CODES.is_current(code)


@given(ASSETS, st.integers(0, 999))
def test_archived_versions_and_renditions_are_told_from_the_asset(asset: str, version: int):
    archived = CODES.archived(asset, version)
    rendition = CODES.rendition(systems.media(b"x", asset=asset))
    assert CODES.asset(archived) == CODES.asset(rendition) == asset
    assert not CODES.is_current(archived)
    assert not CODES.is_current(rendition)
    assert [CODES.is_rendition(code) for code in (CODES.of(asset), archived, rendition)] == [False, False, True]


@given(ASSETS, ASSETS)
def test_two_assets_never_share_a_code(one: str, other: str):
    assert (CODES.of(one) == CODES.of(other)) == (one == other)


@pytest.mark.parametrize(
    "code",
    [
        "studio_front",
        "syncd_",
        "syncd_A1__",
        "xsyncd_A1",
        "syncd_A1_v",
        "syncd_A1_r12",
        "syncd_ffffff_",
        "syncd__ffffff_",
    ],
)
def test_codes_of_others_are_nobodys(code: str):
    assert CODES.asset(code) == ""
    assert not CODES.is_current(code)


@given(st.sampled_from(Use), st.integers(0, 10**6), st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
def test_a_note_says_what_was_noted(use: Use, version: int, sha256: str):
    noted = Mark(use, version, sha256, "0/0/9/d/009d_beach.jpg")
    assert Mark.read(str(noted)) == noted


@pytest.mark.parametrize("note", ["", None, 7, "current", f"odd v1 {HASH} x", f"current v1 {HASH}", "checked by Mia"])
def test_a_note_of_others_is_none(note: object):
    assert Mark.read(note) is None


def test_a_file_is_ours_by_its_name_as_akeneo_keeps_it():
    ours, other = systems.media(b"one", asset="A1"), systems.media(b"two", asset="A1")
    kept = f"2/f/d/4/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12_{files.name_of(ours)}"
    assert files.is_of(kept, ours)
    assert not files.is_of(kept, other)
    assert not files.is_of("2/f/d/4/2fd4_packshot_front.jpg", ours)
    assert len(files.name_of(systems.media(b"one", asset="A" * 12))) <= 100


# --- records --------------------------------------------------------------------------------------------------------


def found(**more: Any) -> dict[str, Any]:
    values = {"sku": [{"locale": None, "scope": None, "data": "GL-1"}], **more.pop("values", {})}
    return {"uuid": "u-1", "enabled": True, "parent": None, "family": "care", "values": values, **more}


def one(data: Any) -> list[dict[str, Any]]:
    return [{"locale": None, "scope": None, "data": data}]


def test_an_identifier_of_digits_stays_text():
    assert sku_of(found(values={"sku": one("00412")}), PRODUCTS, ProductOptions()) == "00412"
    assert sku_of(found(values={"sku": one(None)}), PRODUCTS, ProductOptions()) == ""


def test_a_product_without_values_may_have_a_list_of_none():
    assert sku_of({"uuid": "u-1", "values": []}, PRODUCTS, ProductOptions()) == ""


def test_a_product_is_sold_while_it_is_enabled_and_its_status_says_so():
    options = ProductOptions.model_validate({"status": "life", "active": ["on"], "discontinued": ["off"]})
    for values, enabled, status in (
        ({}, True, ProductStatus.ACTIVE),
        ({"life": one("on")}, True, ProductStatus.ACTIVE),
        ({"life": one("off")}, True, ProductStatus.DISCONTINUED),
        ({"life": one("on")}, False, ProductStatus.DISCONTINUED),
    ):
        assert record(found(values=values, enabled=enabled), PRODUCTS, options).status is status
    with pytest.raises(ValueError, match="status `odd` of GL-1 is not known; known are on, off"):
        record(found(values={"life": one("odd")}), PRODUCTS, options)


def test_a_model_is_never_disabled_and_named_by_its_code():
    model = record({"code": "tee", "parent": None, "values": {}}, MODELS, ProductOptions())
    assert (model.sku, model.status, model.fields) == ("tee", ProductStatus.ACTIVE, {"level": "model"})


def test_characters_that_no_store_takes_are_told():
    options = ProductOptions.model_validate({"title": "name"})
    with pytest.raises(ValueError, match="a character that is none"):
        record(found(values={"name": one("a\0b")}), PRODUCTS, options)


@pytest.mark.parametrize("missing", ["uuid", "enabled", "values"])
def test_what_every_product_has_must_be_there(missing: str):
    damaged = {name: value for name, value in found().items() if name != missing}
    with pytest.raises(RejectedError, match=f"`{missing}` is missing"):
        record(damaged, PRODUCTS, ProductOptions())
