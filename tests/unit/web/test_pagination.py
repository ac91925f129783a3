from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, TypeAdapter

from syncd.web.pagination import Cursors, Page
from syncd.web.refusals import InvalidRequest

Position = tuple[int, str]
CURSORS = Cursors("things", TypeAdapter(Position))
POSITIONS = st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"])))


@given(POSITIONS)
def test_a_cursor_reads_back_as_its_position(position: Position) -> None:
    assert CURSORS.read(CURSORS.write(position)) == position


@given(POSITIONS, st.data())
def test_a_cut_cursor_is_refused(position: Position, data: st.DataObject) -> None:
    cursor = CURSORS.write(position)
    cut = cursor[: data.draw(st.integers(0, len(cursor) - 1))]
    with pytest.raises(InvalidRequest):
        CURSORS.read(cut)


@given(st.text())
def test_any_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidRequest):
        CURSORS.read(text)


def test_a_cursor_of_another_listing_or_type_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        CURSORS.read(Cursors("others", TypeAdapter(Position)).write((1, "a")))
    with pytest.raises(InvalidRequest):
        Cursors("things", TypeAdapter(tuple[AwareDatetime, str])).read(CURSORS.write((1, "a")))


@given(st.integers(0, 30), st.integers(1, 7))
def test_pages_follow_each_other_without_gap_or_repeat(total: int, limit: int) -> None:
    rows = [(number, "") for number in range(total)]
    seen: list[int] = []
    cursor = None
    while True:
        after = CURSORS.read(cursor)
        found = [row for row in rows if after is None or row > after][: limit + 1]
        page = CURSORS.page(Page[int], found, limit, item=lambda row: row[0], position=lambda row: row)
        assert len(page.items) <= limit
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(range(total))
