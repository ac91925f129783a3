from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config import nodes, problems
from syncd.mapping import cases
from syncd.mapping.rulebook import Rulebook
from tests.support.house import house

ROOT = Path(__file__).parents[3]


def results(**changes: str) -> list[cases.CaseResult]:
    return cases.run(Rulebook.from_files(house(**changes)))


def test_every_shipped_case_holds() -> None:
    shipped = cases.run(Rulebook.load_folder(ROOT))
    assert len(shipped) >= 12
    assert [str(result) for result in shipped if not result.passed] == []


def test_a_case_that_fails_says_what_it_got() -> None:
    text = (
        "cases:\n  - name: a\n    products: [GL-1]\n    given: {brief: {skus: [GL-1]}}\n"
        "    expect: {sku: GL-2, rule: brief}\n"
    )
    (result,) = results(mappings__match_cases_yaml=text)
    assert not result.passed
    assert str(result) == "mappings/match.cases.yaml:2: a: sku: expected 'GL-2', got 'GL-1'"


def test_products_have_other_names() -> None:
    text = (
        "cases:\n  - name: a\n    products: [{sku: GL-1, gtin: '0401'}]\n    given: {brief: {skus: ['0401']}}\n"
        "    expect: {sku: GL-1}\n"
    )
    (result,) = results(
        mappings__match_cases_yaml=text, mappings__match_yaml="match:\n  - {name: b, gtin: brief.skus}\n"
    )
    assert result.passed


@pytest.mark.parametrize(("text", "told"), [
    ("{name: a, given: {file: {nam: x}}, expect: {sku: a}}", "2:30: `nam` is not a key here"),
    ("{name: a, given: {files: {}}, expect: {sku: a}}", "2:23: `files` is not a key here"),
    ("{name: a, given: {image: {width: wide}}, expect: {sku: a}}", "2:38: `width` is not right"),
    ("{name: a, expect: {skus: a}}", "2:24: `skus` cannot be expected of match.yaml"),
])  # fmt: skip
def test_facts_and_answers_that_do_not_exist_are_refused(text: str, told: str) -> None:
    with pytest.raises(problems.InvalidFiles) as refused:
        results(mappings__match_cases_yaml=f"cases:\n  - {text}\n")
    assert str(refused.value).startswith(f"mappings/match.cases.yaml:{told}")


def test_a_rule_without_an_answer_fails_the_case() -> None:
    rights = "rights:\n  - {name: a, when: submission.fields.x == 'y', grant: owned}\n"
    text = (
        "cases:\n  - {name: a, expect: {rule: a}}\n"
        "  - {name: b, given: {submission: {fields: {x: y}}}, expect: {rule: a}}\n"
    )
    failed, passed = results(mappings__rights_yaml=rights, mappings__rights_cases_yaml=text)
    assert "there is no `x` in the facts" in failed.got["error"]
    assert (failed.passed, passed.passed) == (False, True)


CASE = {
    "name": "real: one",
    "products": ["GL-0412"],
    "given": {"file": {"name": "0123", "bytes": 12}, "submission": {"people_shown": True, "caption": "NO\nyes # not"}},
    "expect": {"sku": "~", "suggest": []},
}
READ = {
    **CASE,
    "given": {
        "file": {"name": "0123", "bytes": "12"},
        "submission": {"people_shown": "true", "caption": "NO\nyes # not"},
    },
}


@pytest.mark.parametrize("before", [
    "", "# ours\n", "# ours\ncases: []\n# end\n", "cases:\n", "cases: []",
    "# ours\ncases:\n- {name: a, expect: {sku: b}}  # why\n# end",
    "cases:\n    - name: a\n      expect:\n        sku: b\n\n\n",
])  # fmt: skip
def test_a_case_is_added_and_comments_stay(before: str) -> None:
    after = cases.append_case(before, CASE)
    present = (nodes.parse(before, "a").data or {}).get("cases") or []
    assert nodes.parse(after, "a").data == {"cases": [*present, READ]}
    for comment in ("# ours", "# why", "# end"):
        assert (comment in after) == (comment in before)
    assert nodes.parse(cases.append_case(after, CASE), "a").data == {"cases": [*present, READ, READ]}


@pytest.mark.parametrize("before", ["match: []\n", "- a\n", "cases: [{name: a, expect: {sku: b}}]\n"])
def test_what_cannot_take_a_case_is_refused(before: str) -> None:
    with pytest.raises(problems.InvalidFiles):
        cases.append_case(before, CASE)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn", "Zl", "Zp"]), max_size=30)


@given(
    st.dictionaries(texts.filter(lambda key: key not in ("<<", "")), texts | st.lists(texts, max_size=3), max_size=4)
)
def test_any_text_is_read_back_as_written(facts: dict[str, str | list[str]]) -> None:
    added = cases.append_case("cases:\n  - {name: a, expect: {sku: b}}\n", {"name": "x", "given": facts})
    assert nodes.parse(added, "a").data["cases"][1] == {"name": "x", "given": facts}
