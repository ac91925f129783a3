from __future__ import annotations

import pytest

from syncd.config import nodes, problems


def refusal(text: str) -> list[str]:
    with pytest.raises(problems.InvalidFiles) as refused:
        nodes.parse(text, "a.yaml")
    return [str(problem) for problem in refused.value.problems]


def test_scalars_mean_what_they_say() -> None:
    text = "a: NO\nb: 0123\nc: 12:30\nd: null\ne: 'on'\nf: 1e3\ng: 2026-11-03\n"
    assert list(nodes.parse(text, "a.yaml").data.values()) == ["NO", "0123", "12:30", "null", "on", "1e3", "2026-11-03"]


def test_only_empty_and_tilde_are_null() -> None:
    assert nodes.parse("a:\nb: ~\nc: ''\nd: '~'\n", "a.yaml").data == {"a": None, "b": None, "c": "", "d": "~"}


@pytest.mark.parametrize("text", ["", "# nothing but words\n"])
def test_an_empty_file_is_null(text: str) -> None:
    assert nodes.parse(text, "a.yaml").data is None


def test_positions_are_those_of_keys_and_values() -> None:
    document = nodes.parse("rules:\n  - name: x\n    make: [a, b]\n", "mappings/a.yaml")
    assert document.position(("rules", 0, "make", 1)) == (3, 15)
    assert document.position(("rules", 0, "make"), key=True) == (3, 5)
    assert document.position(("rules", 0, "absent")) == (2, 5)
    assert document.place(("rules", 0)) == "a.yaml:2"


@pytest.mark.parametrize(("text", "column"), [("a: xyz", 5), ("a: 'xyz'", 6), ('a: "xyz"', 6)])
def test_a_character_inside_a_scalar_has_its_place(text: str, column: int) -> None:
    assert nodes.parse(text, "a.yaml").scalar_offset(("a",), 1) == (1, column)


def test_every_double_key_is_told_at_once() -> None:
    assert refusal("a: 1\nb: {c: 1, c: 2}\na: 2\n") == [
        "a.yaml:2:11: the key `c` stands twice, one of the two would be lost, remove one",
        "a.yaml:3:1: the key `a` stands twice, one of the two would be lost, remove one",
    ]


@pytest.mark.parametrize(("text", "place", "what"), [
    ("a: b: c", "1:5", "this is not YAML"),
    ("a:\n\t- b", "2:1", "this is not YAML"),
    ("a: *x", "1:4", "this is not YAML"),
    ("--- a\n--- b", "2:1", "this is not YAML"),
    ("a: x\nb: \x07", "2:4", "this is not YAML"),
    ("a: !!int 3", "1:4", "the tag"),
    ("a: !secret x", "1:4", "the tag"),
    ("<<: {a: 1}", "1:1", "merge keys"),
    ("[a]: 1", "1:1", "this key is not text"),
    ("&a [*a]", "1:1", "nested too deeply"),
    ("[" * 100 + "]" * 100, "1:42", "nested too deeply"),
])  # fmt: skip
def test_what_is_not_taken_is_refused_at_its_place(text: str, place: str, what: str) -> None:
    (told,) = refusal(text)
    assert told.startswith(f"a.yaml:{place}: ")
    assert what in told


@pytest.mark.timeout(60)  # it ends
@pytest.mark.parametrize("text", ["[" * 3_000, "[" * 900 + "]" * 900, "a: " * 50_000, "- " * 3_000])
def test_deep_nesting_neither_crashes_nor_lasts(text: str) -> None:
    assert refusal(text)


@pytest.mark.timeout(60)  # it ends
def test_aliases_repeat_but_do_not_multiply() -> None:
    assert nodes.parse("a: &x [1, 2]\nb: *x\n", "a.yaml").data == {"a": ["1", "2"], "b": ["1", "2"]}
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
    )
    (told,) = refusal(bomb)
    assert "too many values" in told


def test_a_file_without_end_is_refused() -> None:
    (told,) = refusal("a: " + "x" * nodes.MAX_CHARACTERS)
    assert "characters" in told


@pytest.mark.timeout(60)  # it ends
def test_a_rule_file_of_a_thousand_entries_is_read() -> None:
    text = "match:\n" + "".join(f"  - {{name: r{index}, sku: brief.skus}}\n" for index in range(1_000))
    assert len(nodes.parse(text, "a.yaml").data["match"]) == 1_000
