from __future__ import annotations

import pytest

from syncd import errors
from syncd.config import nodes
from syncd.mapping import expressions, records
from syncd.mapping.expressions import Condition, Facts

DOCUMENT = nodes.parse("rights:\n  - {name: a, when: x}\n", "mappings/rights.yaml")
SUBJECT = records.Subject(
    asset=records.Asset(kind="image", origin="studio"),
    image=records.Image(width=3000, height=2000, aspect=1.5),
    submission=records.Submission(tags=("a", "b"), fields={"until": "2027-01-01"}),
    brief=records.Brief(use=("paid",)),
)


def compiled(source: str) -> Condition:
    condition, faults = expressions.compile_condition(source, DOCUMENT, ("rights", 0, "when"))
    assert condition, faults
    return condition


def refusal(source: str) -> str:
    quoted = source.replace("\\", "\\\\").replace('"', '\\"')
    document = nodes.parse(f'when: "{quoted}"\n', "a.yaml")
    condition, faults = expressions.compile_condition(source, document, ("when",))
    assert condition is None
    return "\n".join(str(fault) for fault in faults)


@pytest.mark.parametrize(("source", "expected"), [
    ("asset.origin == 'studio'", True),
    ("image.width >= 3000.0 && image.aspect > 1", True),
    ("'paid' in brief.use && !submission.people_shown", True),
    ("submission.tags.exists(t, t == 'b')", True),
    ("submission.tags.all(t, t == 'b')", False),
    ("has(submission.fields.until) && submission.fields.until < '2027-02-01'", True),
    ("has(submission.fields.other)", False),
    ("'until' in submission.fields", True),
    ("submission.fields['until'].startsWith('2027')", True),
    ("file.name == '' && brief.campaign == ''", True),
    ("asset.kind == 'video' ? video.seconds > 3.0 : image.width > 100", True),
    ("asset.kind in ['image', 'text']", True),
    ("int(image.aspect) == 1", True),
    ("asset.origin.matches('^(?i)STU')", True),
])  # fmt: skip
def test_conditions_hold_or_not(source: str, expected: bool) -> None:
    assert compiled(source).holds(Facts(SUBJECT)) is expected


@pytest.mark.parametrize(("source", "told"), [
    ("asset.orign == 'x'", "a.yaml:1:8: there is no fact `asset.orign`, asset has kind, origin, title, brand, did you"
                           " mean `asset.origin`"),
    ("false && asset.nope == 'x'", "1:17: there is no fact `asset.nope`"),
    ("true || asset.nope == 'x'", "1:16: there is no fact `asset.nope`"),
    ("assett.origin == 'x'", "1:8: there is no fact `assett.origin`"),
    ("submission.tags.exists(x, y == 'a')", "1:34: there is no fact `y`"),
    ("asset.origin.length > 3", "there is no fact `asset.origin.length`"),
    ("submission.fields.a.b == 'x'", "there is no fact `submission.fields.a.b`"),
    ("asset == 'studio'", "1:8: `asset` is a record"),
    ("asset['origin'] == 'studio'", "1:8: `asset` is a record"),
    ("asset.origin == 3", "1:24: `asset.origin` never equals 3, one is text, the other a number"),
    ("true != asset.origin", "1:8: `asset.origin` never equals true"),
    ("image.width == '3'", "`image.width` never equals '3'"),
    ("submission.people_shown == 'yes'", "`submission.people_shown` never equals 'yes'"),
    ("submission.tags == 'a'", "`submission.tags` never equals 'a', one is a list of texts"),
    ("asset.kind == 'imag'", "`asset.kind` is never 'imag'"),
    ("asset.kind in ['image', 'film']", "`asset.kind` is never 'film'"),
    ("file.name in ['a', 3]", "`file.name` never equals 3"),
    ("'payed' in brief.use", "`brief.use` is never 'payed', it is one of 'organic', 'paid'"),
    ("3 in submission.tags", "`submission.tags` never equals 3"),
    ("asset.title == 'x' && image.width > 'x'", "1:30: `image.width > 'x'` fails, it compares or joins values of"),
    ("asset.title == 'x' && image.width", "1:30: `image.width` answers int"),
    ("lower(file.name) == 'a'", "1:8: there is no function `lower`"),
    ("file.name.begins('a')", "1:18: there is no function `begins`"),
    ("submission.tags.exists(file, file == 'a')", "`file` already names a record"),
    ("file.name", "the condition answers str, it must be true or false"),
    ("size(brief.skus)", "the condition answers int"),
    ("submission.tags[0] == 'a'", "the condition fails on empty facts, index out of bounds: 0"),
    ("100 / image.width > 2", "the condition fails on empty facts, division by zero"),
    ("file.name.matches('(')", "the condition fails on empty facts"),
    ("asset.", "1:14: this is not a condition, Syntax error"),
    ("asset.origin = 'x'", "1:21: this is not a condition"),
    ("asset.origin == 'x", "this is not a condition"),
    ("", "this is not a condition"),
    ("submission.tags.exists(a, submission.tags.exists(b, submission.tags.exists(c, c == a)))",
     "comprehensions stand 3 deep, the limit is 2"),
    ("true" + " && true" * 200, "the condition has 1,604 characters, the limit is 1,000"),
    ("(" * 400 + "true" + ")" * 400, "this is not a condition"),
])  # fmt: skip
def test_mistakes_are_refused_at_load_with_their_place(source: str, told: str) -> None:
    assert told in refusal(source)


@pytest.mark.parametrize("source", [
    "size(submission.tags) > 0 && submission.tags[0] == 'a'",
    "image.height > 0 && image.width / image.height > 1",
    "int(submission.fields.age) >= 18",
    "timestamp(submission.fields.until) < timestamp('2027-01-01T00:00:00Z')",
    "submission.fields.anything == 'x'",
])  # fmt: skip
def test_what_may_work_on_real_facts_is_taken(source: str) -> None:
    compiled(source)


def test_a_condition_without_an_answer_is_an_error_and_never_false() -> None:
    with pytest.raises(errors.RuleFailed, match=r"at rights.yaml:2 has no answer: there is no `age` in the facts"):
        compiled("submission.fields.age == '18'").holds(Facts(SUBJECT))
    with pytest.raises(errors.RuleFailed, match="Function 'int' error"):
        compiled("int(submission.fields.until) > 3").holds(Facts(SUBJECT))


def test_a_list_without_end_is_refused() -> None:
    many = records.Submission(tags=tuple(str(index) for index in range(1_001)))
    with pytest.raises(errors.RuleFailed, match=r"submission.tags holds 1,001 entries"):
        Facts(records.Subject(submission=many))
    fields = records.Submission(fields={str(index): "x" for index in range(1_001)})
    with pytest.raises(errors.RuleFailed, match=r"submission.fields"):
        Facts(records.Subject(submission=fields))


@pytest.mark.timeout(60)  # it ends
def test_the_worst_condition_ends() -> None:
    tags = tuple(f"tag{index}" for index in range(1_000))
    facts = Facts(records.Subject(submission=records.Submission(tags=tags), brief=records.Brief(skus=tags)))
    condition = compiled("submission.tags.exists(a, brief.skus.exists(b, a + b == 'never'))")
    assert condition.holds(facts) is False


@pytest.mark.timeout(60)  # it ends
def test_a_thousand_conditions_are_checked_and_asked() -> None:
    conditions = [compiled(f"asset.origin == 'studio{index}' && size(brief.skus) > 0") for index in range(1_000)]
    facts = Facts(SUBJECT)
    assert not any(condition.holds(facts) for condition in conditions)


def test_texts_of_facts() -> None:
    facts = Facts(SUBJECT)
    assert facts.texts("submission.tags") == ("a", "b")
    assert facts.texts("asset.origin") == ("studio",)
    assert facts.texts("file.name") == ()
    assert facts.texts("submission.fields.until") == ("2027-01-01",)
    assert facts.texts("submission.fields.other") == ()
