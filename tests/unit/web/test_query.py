from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from pydantic import Field

from syncd.web.models import Instant, Query
from syncd.web.query import QueryParser
from syncd.web.refusals import InvalidRequest, MalformedRequest


class Colour(enum.StrEnum):
    RED = "red"


class Wanted(Query):
    text: str | None = None
    count: int = 0
    share: float = 0.0
    dry: bool = False
    at: Instant | None = None
    colour: Colour | None = None
    order: Literal["up", "down"] = "up"
    tags: list[Annotated[str, Field(max_length=3)]] = Field(default_factory=list)


PARSER = QueryParser(Wanted)


def parse(*pairs: tuple[str, str]) -> Wanted:
    return PARSER.parse(MultiDict(pairs))


def test_each_type_is_read_from_its_text() -> None:
    found = parse(
        ("text", "7"),
        ("count", "-7"),
        ("share", "0.5"),
        ("dry", "true"),
        ("at", "2026-11-22T13:00:00+01:00"),
        ("colour", "red"),
        ("order", "down"),
        ("tags", "a"),
        ("tags", "b"),
    )
    assert found == Wanted(
        text="7",
        count=-7,
        share=0.5,
        dry=True,
        at=datetime(2026, 11, 22, 12, tzinfo=UTC),
        colour=Colour.RED,
        order="down",
        tags=["a", "b"],
    )


@pytest.mark.parametrize(
    ("pair", "place"),
    [
        (("count", "1_000"), ["query", "count"]),
        (("count", " 1"), ["query", "count"]),
        (("count", "+1"), ["query", "count"]),
        (("count", "01"), ["query", "count"]),
        (("count", "1.0"), ["query", "count"]),
        (("count", "١"), ["query", "count"]),
        (("count", ""), ["query", "count"]),
        (("count", "true"), ["query", "count"]),
        (("count", "9223372036854775808"), ["query", "count"]),
        (("count", "9" * 5000), ["query", "count"]),
        (("share", "1e5"), ["query", "share"]),
        (("share", "nan"), ["query", "share"]),
        (("dry", "1"), ["query", "dry"]),
        (("dry", "True"), ["query", "dry"]),
        (("dry", "yes"), ["query", "dry"]),
        (("at", "2026-11-22T13:00:00"), ["query", "at"]),
        (("at", "9999-12-31T23:59:59-14:00"), ["query", "at"]),
        (("colour", "RED"), ["query", "colour"]),
        (("order", "sideways"), ["query", "order"]),
        (("tags", "long"), ["query", "tags", 0]),
        (("unknown", "1"), ["query", "unknown"]),
        (("Count", "1"), ["query", "Count"]),
    ],
)
def test_what_a_field_does_not_take_is_refused_with_its_place(pair: tuple[str, str], place: list[str | int]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(pair)
    assert [error["loc"] for error in refused.value.errors] == [place]


def test_a_single_value_given_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(("count", "1"), ("count", "1"))
    assert refused.value.errors == [{"loc": ["query", "count"], "msg": "Given more than once"}]


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_text_no_store_can_hold_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse(("text", text))


def test_a_field_that_no_query_can_carry_fails_when_the_route_is_made() -> None:
    class Impossible(Query):
        pairs: dict[str, str] = Field(default_factory=dict)

    with pytest.raises(TypeError, match="pairs"):
        QueryParser(Impossible)


@given(st.dictionaries(st.sampled_from(sorted(Wanted.model_fields)) | st.text(max_size=5), st.text(max_size=20)))
def test_any_query_is_read_or_refused_by_name(query: dict[str, str]) -> None:
    try:
        PARSER.parse(MultiDict(query))
    except (InvalidRequest, MalformedRequest):
        return
    assert set(query) <= set(Wanted.model_fields)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_is_read_as_itself(number: int) -> None:
    assert parse(("count", str(number))).count == number
