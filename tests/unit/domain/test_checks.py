"""What a spec asks of a file, and how a refusal reads."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncd.domain.checks import check
from syncd.domain.media import MediaFacts
from syncd.domain.spec import ImageSpec, VideoSpec

ORIGIN: dict[str, Any] = {"source": "https://channel.example/spec", "dated": date(2026, 11, 3)}


def picture(width: int = 2000, height: int = 1500, **other: Any) -> MediaFacts:
    known = {"format": "jpeg", "media_type": "image/jpeg", "bytes": 1000, "sha256": "0" * 64}
    return MediaFacts(kind="image", width=width, height=height, **{**known, **other})


def film(seconds: float = 8.0, **other: Any) -> MediaFacts:
    known = {"width": 1280, "height": 720, "format": "mp4", "media_type": "video/mp4", "bytes": 1000}
    return MediaFacts(kind="video", seconds=seconds, sha256="0" * 64, **{**known, **other})


def test_a_finding_names_rule_measured_value_and_limit() -> None:
    [finding] = check(picture(width=600, height=1500), ImageSpec(name="main", min_width=1500, **ORIGIN))
    assert (finding.rule, finding.measured, finding.limit) == ("min_width", "600 px", "1500 px")
    assert finding.message == "is 600 px wide, needs 1500 px"
    assert finding.severity == "refuse"


def test_a_crop_needs_its_whole_canvas_unless_the_spec_says_less() -> None:
    strict = ImageSpec(name="story", fit="crop", width=1080, height=1920, **ORIGIN)
    assert [each.rule for each in check(picture(), strict)] == ["min_height"]
    lenient = ImageSpec(name="story", fit="crop", width=1080, height=1920, min_height=1000, **ORIGIN)
    assert check(picture(), lenient) == []


def test_what_a_rendition_mends_by_itself_is_no_finding() -> None:
    spec = ImageSpec(name="small", max_long_side=500, max_megapixels=0.1, max_bytes=1000, format="webp", **ORIGIN)
    assert check(picture(9000, 6000, bytes=90_000_000), spec) == []


@pytest.mark.parametrize(
    ("size", "rule"), [((1000, 2000), "min_aspect"), ((2000, 1000), "max_aspect"), ((1000, 1000), None)]
)
def test_aspect_is_bounded_on_both_sides(size: tuple[int, int], rule: str | None) -> None:
    spec = ImageSpec(name="square", min_aspect=0.8, max_aspect=1.25, **ORIGIN)
    assert [each.rule for each in check(picture(*size), spec)] == ([rule] if rule else [])


def test_longest_side_and_format_are_checked() -> None:
    spec = ImageSpec(name="zoom", min_long_side=3000, formats=("png", "tiff"), **ORIGIN)
    assert [(each.rule, each.measured) for each in check(picture(), spec)] == [
        ("formats", "jpeg"),
        ("min_long_side", "2000 px"),
    ]


def test_a_wrong_extension_only_warns() -> None:
    [finding] = check(picture(extension_matches=False), ImageSpec(name="any", **ORIGIN))
    assert (finding.rule, finding.severity) == ("extension", "warn")


def test_a_video_is_never_made_from_a_picture_but_a_poster_is_made_from_a_video() -> None:
    assert [each.rule for each in check(picture(), VideoSpec(name="reel", **ORIGIN))] == ["kind"]
    assert check(film(), ImageSpec(name="poster", **ORIGIN)) == []


def test_a_short_video_is_refused_and_a_long_one_is_cut() -> None:
    spec = VideoSpec(name="reel", min_seconds=6, max_seconds=7, **ORIGIN)
    assert [(each.rule, each.measured, each.limit) for each in check(film(5.31), spec)] == [
        ("min_seconds", "5.3 s", "6.0 s")
    ]
    assert check(film(100), spec) == []


@given(
    width=st.integers(1, 12_000),
    height=st.integers(1, 12_000),
    least=st.tuples(st.none() | st.integers(1, 12_000), st.none() | st.integers(1, 12_000)),
    side=st.none() | st.integers(1, 12_000),
)
def test_a_larger_picture_of_the_same_shape_never_gains_a_size_finding(
    width: int, height: int, least: tuple[int | None, int | None], side: int | None
) -> None:
    spec = ImageSpec(name="law", min_width=least[0], min_height=least[1], min_long_side=side, **ORIGIN)
    small = {each.rule for each in check(picture(width, height), spec)}
    large = {each.rule for each in check(picture(width * 2, height * 2), spec)}
    assert large <= small
    assert ("min_width" in small) == (least[0] is not None and width < least[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"fit": "pad"},
        {"fit": "crop", "width": 100},
        {"min_aspect": 2.0, "max_aspect": 1.0},
        {"formats": ("svg",)},
        {"background": "white"},
        {"background": "transparent"},
        {"min_quality": 90, "quality": 80},
        {"fit": "pad", "width": 3000, "height": 100, "max_long_side": 2000},
        {"fit": "pad", "width": 3000, "height": 3000, "max_megapixels": 8},
        {"colour": "red"},
    ],
)
def test_a_spec_that_contradicts_itself_is_refused_at_load(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImageSpec(name="wrong", **ORIGIN, **fields)


def test_a_spec_without_source_and_date_is_refused() -> None:
    with pytest.raises(ValidationError):
        ImageSpec.model_validate({"name": "undated"})
