from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.errors import RejectedError
from syncd.systems.akeneo import words
from syncd.systems.akeneo.listing import Checkpoint, server_time
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.values import CHANNEL, Slot, codes, merged, slot, text

WORDS = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
CHANNELS = st.from_regex(r"[a-z]{1,12}", fullmatch=True)
LOCALES = st.sampled_from(["en_US", "de_DE", "az_Cyrl_AZ", "es_419"])
LOGIN = {"token": "the-token-of-an-app"}


# --- where values stand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("name", Slot("name")),
        ("name-en_US", Slot("name", "en_US")),
        ("name-ecommerce", Slot("name", None, "ecommerce")),
        ("name-de_DE-print", Slot("name", "de_DE", "print")),
        ("name-az_Cyrl_AZ", Slot("name", "az_Cyrl_AZ")),
    ],
)
def test_a_slot_is_written_as_a_column_of_akeneos_csv(written: str, meant: Slot):
    assert slot(written) == meant
    assert str(meant) == written


@given(WORDS, st.none() | LOCALES, st.none() | CHANNELS)
def test_what_is_written_is_what_was_meant(attribute: str, locale: str | None, channel: str | None):
    meant = Slot(attribute, locale, channel)
    assert slot(str(meant)) == meant


@pytest.mark.parametrize("written", ["", "name-", "na me", "name-en-US-web", "näme", 7, "name-english-ecommerce"])
def test_what_names_no_slot_is_refused(written: object):
    with pytest.raises(ValueError, match=r"attribute|locale"):
        slot(written)


def test_a_value_is_found_only_in_its_own_locale_and_channel():
    values = {
        "name": [
            {"locale": "en_US", "scope": "ecommerce", "data": "Serum", "attribute_type": "pim_catalog_text"},
            {"locale": "de_DE", "scope": "ecommerce", "data": "Serum (de)"},
        ],
        "alt": [{"locale": "en_US", "channel": None, "data": "Beach"}],
    }
    assert slot("name-de_DE-ecommerce").data(values) == "Serum (de)"
    assert slot("name").data(values) is None
    assert slot("name-en_US-print").data(values) is None
    assert slot("alt-en_US").data(values, CHANNEL) == "Beach"
    assert slot("claim").data({}) is None


def test_values_of_one_attribute_in_several_locales_are_written_together():
    parts = [slot(f"alt-{locale}").value("Beach", CHANNEL) for locale in ("en_US", "de_DE")]
    assert merged([*parts, slot("mark").value(None, CHANNEL)]) == {
        "alt": [
            {"locale": "en_US", "channel": None, "data": "Beach"},
            {"locale": "de_DE", "channel": None, "data": "Beach"},
        ],
        "mark": [{"locale": None, "channel": None, "data": None}],
    }


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (None, ""), ("  v3 ", "v3"), (True, "true"), (40, "40"), (["red", "blue"], "red, blue"),
        ({"amount": "30.0000", "unit": "GRAM", "symbol": "g"}, "30.0000 GRAM"),
        ([{"amount": "15.5", "currency": "EUR"}, {"amount": 15, "currency": "USD"}], "15.5 EUR, 15 USD"),
        ({"type": "product", "id": "7"}, '{"id": "7", "type": "product"}'),
    ],
)  # fmt: skip
def test_data_of_every_kind_become_text(data: Any, read: str):
    assert text(data) == read


def test_a_collection_that_was_never_filled_holds_nothing():
    assert codes(None) == []
    assert codes(["b", "a"]) == ["b", "a"]


# --- words ----------------------------------------------------------------------------------------------------------


def test_a_refusal_names_property_place_and_reason():
    fault = {"property": "values", "message": "The tommh value is not in the list.", "attribute": "brand"}
    error = {"code": 422, "message": "Validation failed.", "errors": [{**fault, "locale": "en_US", "scope": None}]}
    assert words.of_error(error) == "Validation failed: values (brand, en_US): The tommh value is not in the list."
    assert words.of_error({"code": 404, "message": "Category 'master' does not exist."}).startswith("Category")
    many = {"message": "Validation failed.", "errors": [{"property": f"p{n}", "message": "no"} for n in range(30)]}
    assert words.of_error(many).endswith("; and 20 more")
    assert words.of_error({"code": 500}) == "status 500"


def test_an_answer_that_is_no_json_is_quoted():
    assert words.of(httpx.Response(502, text="<html>Bad gateway</html>")) == "502 <html>Bad gateway</html>"
    assert words.of(httpx.Response(400, text="[1]")) == "400 [1]"


@pytest.mark.parametrize(("found", "says"), [({}, "is missing"), ({"uuid": 7}, "is no str"), ([], "is missing")])
def test_a_member_that_is_not_as_it_must_be_is_named_with_a_sample(found: Any, says: str):
    with pytest.raises(RejectedError, match=rf"`uuid` {says} in a product: "):
        words.field(found, "uuid", str, "a product")


# --- time -----------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001


@given(INSTANTS, ZONES)
def test_however_the_server_reads_a_time_it_is_not_later_than_was_meant(moment: datetime, zone: str):
    for fold in (0, 1):
        read = datetime.strptime(server_time(moment, ZoneInfo(zone)), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        understood = read.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
        assert moment - timedelta(hours=2, seconds=1) <= understood <= moment


def test_an_hour_that_is_shown_twice_is_named_by_the_one_before():
    paris = ZoneInfo("Europe/Paris")
    for moment in (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)):
        assert server_time(moment, paris) == "2026-10-25 01:30:00"
    assert server_time(datetime(2026, 10, 25, 2, 30, tzinfo=UTC), paris) == "2026-10-25 03:30:00"


def test_a_checkpoint_counts_while_options_mean_the_same():
    at = datetime(2026, 11, 22, tzinfo=UTC)
    kept = Checkpoint(at, at, "m1")
    assert Checkpoint.read(kept.text(), "m1") == kept
    assert Checkpoint.read(kept.text(), "m2") is None
    assert Checkpoint.read("", "m1") is None


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"login": {}}, "client_id, client_secret, username and password, or token"),
        ({"login": {"token": "t", "username": "u"}}, "or token alone"),
        ({"login": {"client_id": "c", "client_secret": "s", "username": "u"}}, "give client_id"),
        ({"url": "acme.cloud.akeneo.com"}, "url"),
        ({"links": {"*": {"attribute": "pictures"}}}, "links to assets need `assets`"),
        ({"products": {"status": "lifecycle"}}, "status needs the values"),
        ({"assets": {"family": "f", "media": "m", "mark": "k", "prefix": "syncd"}}, "prefix"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], says: str):
    with pytest.raises(ValidationError, match=says):
        AkeneoOptions.model_validate({"url": "https://acme.cloud.akeneo.com", "login": LOGIN, **options})


def test_a_role_that_is_not_named_goes_where_the_star_says():
    links = {"main": {"attribute": "packshot", "holds": "file"}, "*": {"attribute": "photo", "holds": "file"}}
    options = AkeneoOptions.model_validate({"url": "https://x.example", "login": LOGIN, "links": links})
    found = [options.link(role) for role in ("main", "lifestyle")]
    assert [str(link.attribute) for link in found if link] == ["packshot", "photo"]
    assert "the-token-of-an-app" not in repr(options)
