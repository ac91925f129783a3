"""Shopify's decisions: names, order, moves, what a change means."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.shopify import CONTRACT

from syncd.systems.shopify import ShopifyOptions, ShopifySystem, jobs
from syncd.systems.shopify.jobs import Job, Part, Waiting
from syncd.systems.shopify.naming import file_name, public_name
from syncd.systems.shopify.ordering import moves, wanted
from syncd.testing.clock import START

contract = CONTRACT
NAME = st.from_regex(r"[0-9a-f]{20}-[0-9a-f]{16}\.(jpg|mp4)", fullmatch=True)


# --- names ----------------------------------------------------------------------------------------------------------


@given(NAME, st.booleans())
def test_our_name_is_found_in_the_address_of_the_file(name: str, copied: bool):
    stem, _, extension = file_name(name).rpartition(".")
    kept = f"{stem}_{uuid.UUID(int=7)}.{extension}" if copied else file_name(name)
    assert public_name(f"https://cdn.shopify.com/s/files/1/2637/1970/files/{kept}?v=1750482058") == name
    assert public_name(kept) == name


@pytest.mark.parametrize(
    "address",
    ["", "https://cdn.shopify.com/s/files/1/studio.jpg?v=1", "https://x.example/syncd-a/b.jpg", "my-syncd-a.jpg"],
)
def test_others_files_have_no_name_of_ours(address: str):
    assert public_name(address) == ""


# --- order ----------------------------------------------------------------------------------------------------------


@st.composite
def galleries(draw: st.DrawFn) -> tuple[list[str | None], list[str], set[str]]:
    """A gallery decided on, what stands now, and which of it is ours: others may have come and gone in between."""
    ours = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    absent = draw(st.sets(st.sampled_from("abcdef")))
    others = [str(number) for number in range(draw(st.integers(0, 5)))]
    current = draw(st.permutations([one for one in ours if one not in absent] + others))
    places: list[str | None] = [*ours, *[None] * draw(st.integers(0, 6))]
    return draw(st.permutations(places)), list(current), set(ours)


@given(galleries())
def test_the_order_holds_what_stands_ours_as_decided_and_others_as_they_stand(given: tuple):
    gallery, current, ours = given
    order = wanted(gallery, current)
    assert sorted(order) == sorted(current)
    assert [one for one in order if one in ours] == [one for one in gallery if one in current]
    assert [one for one in order if one not in ours] == [one for one in current if one not in ours]


@given(galleries())
def test_moves_make_the_order_and_touch_ours_alone(given: tuple):
    gallery, current, ours = given
    order, standing = wanted(gallery, current), list(current)
    for identifier, place in moves(current, order, ours):
        assert identifier in ours
        standing.remove(identifier)
        standing.insert(place, identifier)
    assert standing == order
    assert moves(order, order, ours) == []


def test_a_place_of_others_is_kept_free_of_ours():
    assert wanted([None, "a", None, "b"], ["b", "1", "a", "2", "3"]) == ["1", "a", "2", "b", "3"]


# --- jobs -----------------------------------------------------------------------------------------------------------


def test_a_job_survives_being_kept_as_text():
    part = Part(files=(Waiting(name="x.jpg", file="gid"), Waiting(name="y.jpg")), order="job", placed={"P1": "gid"})
    job = Job(at=START, parts={"gid://shopify/Product/1": part, "gid://shopify/Product/2": Part(loose=("gid",))})
    assert jobs.read(job.text()) == job
    assert not part.over
    assert Part(placed={"P1": "gid"}).over


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"at": "2026-11-22T12:00:00Z", "parts": {"x": {"y": 1}}}'])
def test_a_text_of_another_version_is_no_job(text: str):
    assert jobs.read(text) is None


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"access_token": "t", "client_id": "c", "client_secret": "s"},
        {"client_id": "c"},
        {"access_token": "t", "shop": "acme.example"},
        {"access_token": "t", "shop": "https://acme.myshopify.com"},
        {"access_token": "t", "version": "latest"},
    ],
)
def test_options_that_say_no_login_or_no_shop(options: dict[str, str]):
    with pytest.raises(ValidationError):
        ShopifyOptions.model_validate({"shop": "acme.myshopify.com", **options})


def test_the_three_logins():
    def declared(**options: str) -> dict:
        read = ShopifyOptions.model_validate({"shop": "acme.myshopify.com", **options})
        return dict(ShopifySystem.authorization(read))

    assert declared(access_token="t") == {}
    app = {"client_id": "c", "client_secret": "s"}
    client, person = declared(**app)["main"], declared(**app, login="authorization-code")["main"]
    assert (client.kind, person.kind) == ("client-credentials", "authorization-code")
    for one in (client, person):
        assert one.token_url == "https://acme.myshopify.com/admin/oauth/access_token"
        assert (one.api, one.header, one.prefix) == (("https://acme.myshopify.com",), "X-Shopify-Access-Token", "")
    assert person.parameters == {"expiring": "1"}
