from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.web.body import DEPTH, parse_json
from syncd.web.refusals import MalformedRequest

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "same key twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "too large"),
        (b"[9223372036854775808]", "beyond 64 bits"),
        (b"[" + b"9" * 5000 + b"]", "beyond 64 bits"),
        (b'{"a": "x\\u0000"}', "NUL"),
        (b'{"x\\u0000": 1}', "NUL"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udfff": 1}', "lone surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"a\x00b"', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "nested deeper"),
        (b"[" * 60_000, "nested deeper"),
        (b'{"a":' * 60_000, "nested deeper"),
    ],
)
def test_treacherous_json_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedRequest, match=why):
        parse_json(raw)


def test_an_escaped_pair_of_surrogates_is_one_character_and_passes() -> None:
    parse_json(b'"\\ud83d\\ude00"')


@given(PLAIN)
def test_plain_json_is_read_as_it_is(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(("raw", "kind"), [(b"2.0", int), (b"2e0", int), (b"2.5", float), (b"1e300", float)])
def test_a_whole_number_is_an_integer_however_it_is_written(raw: bytes, kind: type) -> None:
    assert type(parse_json(raw)) is kind


@given(st.binary(max_size=60))
def test_any_bytes_pass_or_are_refused_by_name(raw: bytes) -> None:
    try:
        parse_json(raw)
    except MalformedRequest:
        return
    json.loads(raw)
