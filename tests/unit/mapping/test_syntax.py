from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping import syntax


def names(source: str) -> list[tuple[str, bool]]:
    return [(".".join(chain.names), chain.called) for chain in syntax.chains(syntax.tokens(source))]


@pytest.mark.parametrize(("source", "expected"), [
    ("asset.origin == 'file.name'", [("asset.origin", False)]),
    ("file . name .contains( 'a' ) // file.nope", [("file.name.contains", True)]),
    ("size(brief.skus) > 0 && true", [("size", True), ("brief.skus", False)]),
    ("r'\\'.startsWith(file.stem)", [("file.stem", False)]),
    ("'''it's asset.x''' == \"\"\"a\"b\"\"\"", []),
    ("'\\'' + file.name in tags", [("file.name", False), ("tags", False)]),
    ("1.5e3 < video.seconds", [("video.seconds", False)]),
])  # fmt: skip
def test_names_are_read_and_texts_and_comments_passed_over(source: str, expected: list[tuple[str, bool]]) -> None:
    assert names(source) == expected


@pytest.mark.parametrize(("source", "expected"), [
    ("a.exists(x, x == 'b')", 1),
    ("a.map(x, x).exists(x, x == 'b')", 1),
    ("a.exists(x, (b.exists(y, y == x)))", 2),
    ("a.exists(x, b.exists(y, c.map(z, z).size() > 0))", 3),
    ("has(a.exists) && size(a.map(x, x)) > 0", 1),
    ("'a.exists(x, a.exists(y, a.exists(z, z)))' == b", 0),
    ("a /* */ .exists /**/ (x, true)", 1),
])  # fmt: skip
def test_nesting_is_counted(source: str, expected: int) -> None:
    source = source.replace("/* */", "").replace("/**/", "")
    assert syntax.nesting(syntax.tokens(source)) == expected


@pytest.mark.parametrize(("source", "expected"), [
    ("a", ("a",)),
    ("a && b || c", ("a", "b", "c")),
    ("a && (b || !(c && d))", ("a", "b", "c", "d")),
    ("(a || b) == (c && d)", ("(a || b) == (c && d)",)),
    ("a ? b && c : d", ("a ? b && c : d",)),
    ("x.exists(y, y && z) && a", ("x.exists(y, y && z)", "a")),
    ("'a && b' == c", ("'a && b' == c",)),
    ("(a) && (b)", ("a", "b")),
])  # fmt: skip
def test_operands(source: str, expected: tuple[str, ...]) -> None:
    assert syntax.operands(source, syntax.tokens(source)) == expected


def test_variables_of_comprehensions() -> None:
    assert syntax.bound_names(syntax.tokens("a.exists(x, b.map(y, y) == x)")) == {"x", "y"}


@given(st.text(max_size=200))
def test_any_text_is_cut_without_loss(source: str) -> None:
    for token in syntax.tokens(source):
        assert source[token.offset : token.offset + len(token.text)] == token.text
    syntax.operands_of(source)
    syntax.nesting(syntax.tokens(source))


@given(st.text("()[]&|!ab .'?", max_size=60))
def test_any_brackets_are_survived(source: str) -> None:
    assert all(operand in source for operand in syntax.operands_of(source))
