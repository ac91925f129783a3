"""Walking a video's container: whole files pass, cut ones do not, and no bytes at all make the walk fail otherwise."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import HostileInput
from syncd.media import videocontainer

SAMPLE = Path(__file__).parents[3] / "examples" / "media" / "bigbuckbunny.mp4"
REASONS = {"truncated", "corrupt", "polyglot", "trailing-data"}


def refusal(data: bytes, format: str) -> str | None:
    try:
        videocontainer.inspect_video(io.BytesIO(data), format)
    except HostileInput as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data, None),
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"\x00\x00\x00\x08free", None),
        (lambda data: data + b"more", "trailing-data"),
        (lambda data: data + b"<html>hello</html>", "polyglot"),
    ],
)
def test_the_boxes_fill_the_file_exactly(change: object, reason: str | None) -> None:
    assert callable(change)
    assert refusal(change(SAMPLE.read_bytes()), "mp4") == reason


@pytest.mark.parametrize(
    ("length", "reason"), [(b"\x84", None), (b"\x85", "truncated"), (b"\xff", None), (b"", "truncated")]
)
def test_a_segment_ends_with_its_file_where_its_length_is_known(length: bytes, reason: str | None) -> None:
    header = b"\x1a\x45\xdf\xa3\x84webm\x18\x53\x80\x67"
    assert refusal(header + length + (b"data" if length else b""), "webm") == reason


@given(data=st.binary(max_size=300), format=st.sampled_from(["mp4", "mov", "webm", "matroska"]))
def test_any_bytes_are_passed_or_refused_by_name(data: bytes, format: str) -> None:
    assert refusal(data, format) in {None, *REASONS}
