"""Laws of fitting: inside the source, inside the limits, never enlarged, never distorted."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.spec import ImageSpec, VideoSpec
from syncd.media.geometry import layout

ORIGIN: dict[str, Any] = {"source": "https://channel.example/spec", "dated": date(2026, 11, 3)}
SIDE = st.integers(1, 9000)
CANVAS = st.integers(16, 4000)


def image(**fields: Any) -> ImageSpec:
    return ImageSpec(name="spec", **ORIGIN, **fields)


PAD: dict[str, Any] = {"fit": "pad", "width": 1000, "height": 1000}
CROP: dict[str, Any] = {**PAD, "fit": "crop"}
WIDE, WHOLE, SMALL = (4000, 2000), (0, 0, 4000, 2000), (0, 0, 400, 200)


@pytest.mark.parametrize(
    ("source", "fields", "box", "size", "canvas", "offset"),
    [
        (WIDE, PAD, WHOLE, (1000, 500), (1000, 1000), (0, 250)),
        (WIDE, CROP, (1000, 0, 3000, 2000), (1000, 1000), (1000, 1000), (0, 0)),
        (WIDE, {"width": 1000}, WHOLE, (1000, 500), (1000, 500), (0, 0)),
        (WIDE, {"max_long_side": 800}, WHOLE, (800, 400), (800, 400), (0, 0)),
        (WIDE, {"max_megapixels": 2.0}, WHOLE, (2000, 1000), (2000, 1000), (0, 0)),
        ((400, 200), {"width": 1000}, SMALL, (400, 200), (400, 200), (0, 0)),
        ((400, 200), CROP, (100, 0, 300, 200), (200, 200), (200, 200), (0, 0)),
    ],
)
def test_examples(
    source: tuple[int, int],
    fields: dict[str, Any],
    box: tuple[float, ...],
    size: tuple[int, int],
    canvas: tuple[int, int],
    offset: tuple[int, int],
) -> None:
    placed = layout(*source, image(**fields))
    assert placed.box == pytest.approx(box)
    assert (placed.size, placed.canvas, placed.offset) == (size, canvas, offset)


@given(width=SIDE, height=SIDE, fit=st.sampled_from(["pad", "crop", "contain"]), canvas=st.tuples(CANVAS, CANVAS))
def test_nothing_is_enlarged_and_all_stays_inside(width: int, height: int, fit: str, canvas: tuple[int, int]) -> None:
    placed = layout(width, height, image(fit=fit, width=canvas[0], height=canvas[1]))
    left, top, right, bottom = placed.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert placed.size[0] <= right - left + 1
    assert placed.size[1] <= bottom - top + 1
    assert placed.offset[0] + placed.size[0] <= placed.canvas[0] <= canvas[0]
    assert placed.offset[1] + placed.size[1] <= placed.canvas[1] <= canvas[1]
    if fit == "pad":
        assert placed.canvas == canvas


@given(width=SIDE, height=SIDE, fit=st.sampled_from(["pad", "crop", "contain"]), canvas=st.tuples(CANVAS, CANVAS))
def test_nothing_is_distorted_by_more_than_rounding(width: int, height: int, fit: str, canvas: tuple[int, int]) -> None:
    placed = layout(width, height, image(fit=fit, width=canvas[0], height=canvas[1]))
    taken = placed.box[2] - placed.box[0], placed.box[3] - placed.box[1]
    long, short = (0, 1) if placed.size[0] >= placed.size[1] else (1, 0)
    scale = placed.size[long] / taken[long]
    assert placed.size[short] == pytest.approx(taken[short] * scale, abs=2)


@given(
    width=SIDE,
    height=SIDE,
    side=st.none() | st.integers(1, 9000),
    megapixels=st.none() | st.floats(0.01, 50),
)
def test_contain_keeps_the_limits_of_size(width: int, height: int, side: int | None, megapixels: float | None) -> None:
    placed = layout(width, height, image(max_long_side=side, max_megapixels=megapixels))
    if min(placed.size) > 1:  # a line one pixel wide cannot become narrower
        assert max(placed.size) <= (side or 9000)
        assert placed.size[0] * placed.size[1] <= (megapixels or 81) * 1e6


@given(width=st.integers(16, 5000), height=st.integers(16, 5000), fit=st.sampled_from(["pad", "crop", "contain"]))
def test_video_sizes_are_even(width: int, height: int, fit: Any) -> None:
    spec = VideoSpec(name="reel", fit=fit, width=721, height=1281, **ORIGIN)
    placed = layout(width, height, spec, even=True)
    assert [side % 2 for side in (*placed.size, *placed.canvas, *placed.offset)] == [0] * 6
