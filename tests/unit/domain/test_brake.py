"""The brake by example and by law."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.brake import allowed


@pytest.mark.parametrize(
    ("share", "at_least", "managed", "removed", "left"),
    [
        (0.05, 3, 1000, 0, 50),
        (0.05, 3, 990, 10, 40),
        (0.05, 3, 20, 0, 3),
        (0.05, 3, 18, 2, 1),
        (0.05, 3, 0, 7, 0),
        (0.29, 0, 100, 0, 29),
        (1.0, 0, 40, 0, 40),
        (0.0, 0, 1000, 0, 0),
    ],
)
def test_the_share_and_the_floor(share: float, at_least: int, managed: int, removed: int, left: int):
    assert allowed(share, at_least, managed, removed) == left


@given(st.floats(0, 1), st.integers(0, 10), st.integers(0, 2000), st.lists(st.integers(1, 60), max_size=20))
def test_in_any_portions_no_more_than_the_share_is_lost(share: float, at_least: int, managed: int, portions: list[int]):
    removed = 0
    for portion in portions:
        removed += min(portion, managed - removed, allowed(share, at_least, managed - removed, removed))
    assert removed <= max(at_least, share * managed + 1e-6)
