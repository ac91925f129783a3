from __future__ import annotations

import pytest

from syncd.config import tables


def test_rows_keep_their_line_and_lose_outer_blanks() -> None:
    table, faults = tables.parse('\ufefffile , sku\n"a, b.jpg", GL-1\n\nc.jpg,GL-2\n', "mappings/t.csv")
    assert faults == []
    assert table.columns == ("file", "sku")
    assert [(row.line, dict(row.cells)) for row in table.rows] == [
        (2, {"file": "a, b.jpg", "sku": "GL-1"}),
        (4, {"file": "c.jpg", "sku": "GL-2"}),
    ]


@pytest.mark.parametrize(("text", "place", "what"), [
    ("", "1", "header"), ("a,\n", "1", "header"), ("a,a\n", "1", "header"), ("a,b\n1\n", "2", "not whole"),
    ("a,b\n1,2,3\n", "2", "not whole"), ('a,b\n"1,2\n', "2", "not CSV"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, place: str, what: str) -> None:
    (fault,) = tables.parse(text, "t.csv")[1]
    assert str(fault).startswith(f"t.csv:{place}:1: ")
    assert what in str(fault)
