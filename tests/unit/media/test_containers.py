"""Walking a container: whole files pass, and no bytes at all make the walk fail in a way of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from syncd.errors import HostileInput
from syncd.media import containers

FORMATS = ("jpeg", "png", "webp", "gif", "avif", "heif", "tiff")
REASONS = {"truncated", "corrupt", "too-many-parts", "metadata-limit", "polyglot", "trailing-data"}


def picture(format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, format.upper(), **options)
    return out.getvalue()


def refusal(data: bytes, format: str) -> str | None:
    try:
        containers.inspect(data, format, metadata_bytes=100_000)
    except HostileInput as error:
        return error.reason
    return None


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "gif", "avif", "tiff"])
def test_whole_pictures_pass_and_cut_ones_do_not(format: str) -> None:
    data = picture(format)
    assert refusal(data, format) is None
    if format != "tiff":  # its parts stand anywhere: only decoding tells
        assert refusal(data[: len(data) // 2], format) in ("truncated", "corrupt")


def test_progressive_and_restarted_scans_are_walked() -> None:
    assert refusal(picture("jpeg", progressive=True), "jpeg") is None
    assert refusal(picture("jpeg", restart_marker_blocks=1), "jpeg") is None


@pytest.mark.parametrize("attached", [bytes(2000), picture("jpeg"), b"\x00\x00" + picture("jpeg")])
def test_what_cameras_append_passes(attached: bytes) -> None:
    data = picture("jpeg")
    assert refusal(data + attached, "jpeg") is None
    assert containers.end_of_jpeg(memoryview(data + attached)) == len(data)


def test_an_archive_behind_a_second_picture_is_still_found() -> None:
    assert refusal(picture("jpeg") + picture("jpeg") + b"PK\x03\x04" + bytes(50), "jpeg") == "polyglot"
    assert refusal(picture("jpeg") + picture("jpeg") + b"anything else", "jpeg") == "trailing-data"


@given(data=st.binary(max_size=400), format=st.sampled_from(FORMATS))
def test_any_bytes_are_passed_or_refused_by_name(data: bytes, format: str) -> None:
    assert refusal(data, format) in {None, *REASONS}


@given(
    format=st.sampled_from(["jpeg", "png", "webp", "gif", "avif"]),
    at=st.integers(0, 700),
    value=st.binary(min_size=1, max_size=8),
)
def test_damaged_pictures_are_passed_or_refused_by_name(format: str, at: int, value: bytes) -> None:
    data = bytearray(picture(format, **({"speed": 10} if format == "avif" else {})))
    data[at : at + len(value)] = value
    assert refusal(bytes(data), format) in {None, *REASONS}
