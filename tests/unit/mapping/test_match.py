from __future__ import annotations

import pytest

from syncd.domain.match import Candidate
from syncd.mapping import records
from syncd.mapping.expressions import Facts
from syncd.mapping.rulebook import Rulebook
from tests.support.house import faults, house


def found(rule: str, subject: records.Subject, table: str | None = None) -> Candidate:
    """What one rule finds; it stands in line 2."""
    book = Rulebook.from_files(house(mappings__match_yaml=f"match:\n  - {rule}\n", mappings__known_csv=table))
    (candidate,) = book.candidates(Facts(subject))
    assert candidate.location == "match.yaml:2"
    return candidate


FILE = records.Subject(file=records.File(name="GL-0412_and_GL-0413_GL-0412.jpg", sha256="ab"))


def test_every_hit_in_a_text_counts_once() -> None:
    candidate = found(r"{name: a, in: file.name, find: '(?P<sku>[A-Z]{2}-\d{4})'}", FILE)
    assert (candidate.by, candidate.values) == ("sku", ("GL-0412", "GL-0413"))
    assert candidate.why == "GL-0412_and_GL-0413_GL-0412.jpg holds GL-0412, GL-0413"


def test_a_list_of_texts_is_searched_through() -> None:
    subject = records.Subject(submission=records.Submission(tags=("x", "gtin 4012345678901")))
    candidate = found(r"{name: a, in: submission.tags, find: 'gtin (?P<gtin>\d{13})', then: suggest}", subject)
    assert (candidate.by, candidate.values, candidate.then) == ("gtin", ("4012345678901",), "suggest")


def test_what_does_not_match_says_so() -> None:
    rule = r"{name: a, in: file.name, find: '(?P<sku>XX-\d)'}"
    assert found(rule, FILE).why == "GL-0412_and_GL-0413_GL-0412.jpg does not match"
    assert found(rule, records.Subject()).why == "file.name is empty"


@pytest.mark.parametrize(("key", "by"), [("sku", "sku"), ("gtin", "gtin"), ("product", "name")])
def test_a_fact_is_copied(key: str, by: str) -> None:
    subject = records.Subject(brief=records.Brief(skus=("A", "", "B", "A")))
    candidate = found(f"{{name: a, {key}: brief.skus}}", subject)
    assert (candidate.by, candidate.values, candidate.why) == (by, ("A", "B"), "brief.skus is A, B")
    assert found(f"{{name: a, {key}: brief.skus}}", records.Subject()).why == "brief.skus is empty"


def test_a_rule_whose_condition_does_not_hold_finds_nothing() -> None:
    subject = records.Subject(brief=records.Brief(skus=("A",)))
    candidate = found("{name: a, when: asset.origin == 'studio', sku: brief.skus}", subject)
    assert (candidate.values, candidate.why) == ((), "its condition does not hold")


TABLE = "file,sha256,submission,hashtag,sku,note\n,ab,,,GL-1,\nb.jpg,,s-1,,GL-2,both\n,,,sun,GL-3,\n,,,sea,GL-4,\n"


@pytest.mark.parametrize(("subject", "values", "why"), [
    (FILE, ("GL-1",), "known.csv:2 says so"),
    (records.Subject(file=records.File(name="b.jpg")), (), "known.csv has no row for it"),
    (records.Subject(file=records.File(name="b.jpg"), submission=records.Submission(id="s-1")), ("GL-2",),
     "known.csv:3 says so"),
    (records.Subject(submission=records.Submission(hashtags=("sea", "rain", "sun"))), ("GL-4", "GL-3"),
     "known.csv:4, 5 says so"),
])  # fmt: skip
def test_tables_are_searched_by_all_cells_a_row_fills(
    subject: records.Subject, values: tuple[str, ...], why: str
) -> None:
    candidate = found("{name: a, table: known.csv}", subject, TABLE)
    assert (candidate.values, candidate.why) == (values, why)


@pytest.mark.parametrize(("table", "told"), [
    ("file,hash,sku\n", "mappings/match.yaml:2:22: the table cannot be searched, it has the columns file, hash, sku"),
    ("file,note\n", "the table cannot be searched"),
    ("sku\n", "the table cannot be searched"),
    ("file,sku,gtin\n", "the table cannot be searched"),
    ("file,sku\na.jpg,\n", "mappings/known.csv:2:1: this row says nothing"),
    ("file,sku\n,GL-1\n", "mappings/known.csv:2:1: this row says nothing"),
])  # fmt: skip
def test_tables_that_cannot_be_searched_are_refused(table: str, told: str) -> None:
    rules = "match:\n  - {name: a, table: known.csv}\n"
    (fault,) = faults(mappings__match_yaml=rules, mappings__known_csv=table)
    assert told in fault


@pytest.mark.parametrize(("rule", "told"), [
    ("{name: a, sku: brief.sku}", "2:20: there is no fact `brief.sku`"),
    ("{name: a, sku: image.width}", "2:20: `image.width` is no text"),
    ("{name: a, in: file.nam, find: '(?P<sku>a)'}", "2:19: there is no fact `file.nam`"),
    ("{name: a, in: file.name, find: '(?P<sku>(a+)+)'}", "2:36: the pattern is not taken"),
    ("{name: a, when: size(brief.sku) > 0, sku: brief.skus}", "2:26: there is no fact `brief.sku`"),
])  # fmt: skip
def test_mistakes_in_rules_are_refused(rule: str, told: str) -> None:
    (fault,) = faults(mappings__match_yaml=f"match:\n  - {rule}\n")
    assert fault.startswith(f"mappings/match.yaml:{told}")
