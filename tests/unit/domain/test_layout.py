"""Positions of ours: within the slots, as little moved as possible, and stable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.layout import fit


@pytest.mark.parametrize(
    ("offsets", "fixed", "first", "last", "fitted"),
    [
        ([2, 4], 4, 1, 99, [2, 4]),
        ([0, 0], 4, 3, 8, [2, 2]),
        ([8, 8], 8, 3, 8, [6, 6]),
        ([0], 1, 3, 8, [1]),
        ([9], 2, 1, 99, [2]),
    ],
)
def test_offsets_are_brought_within_the_slots(offsets: list[int], fixed: int, first: int, last: int, fitted: list[int]):
    assert fit(offsets, fixed, first, last) == fitted


@given(st.lists(st.integers(0, 12), max_size=8).map(sorted), st.integers(0, 8), st.integers(1, 6), st.integers(0, 8))
def test_they_never_fall_and_fitting_twice_changes_nothing(offsets: list[int], fixed: int, first: int, width: int):
    last = first + width
    fitted = fit(offsets, fixed, first, last)
    assert fitted == sorted(fitted)
    assert all(0 <= offset <= fixed for offset in fitted)
    assert fit(fitted, fixed, first, last) == fitted
    if fixed >= first - 1 and len(offsets) <= width + 1:
        assert all(first <= offset + index + 1 <= last for index, offset in enumerate(fitted))
