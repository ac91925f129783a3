from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from syncd import errors
from syncd.domain.period import Period
from syncd.mapping import records
from syncd.mapping.expressions import Facts
from syncd.mapping.rights import GrantTerms
from syncd.mapping.rulebook import Rulebook
from tests.support.house import faults, house

SCOPE = "territory: [US, DE], medium: [web], use: [organic]"
RIGHTS = f"""rights:
  - {{name: studio, when: asset.origin == 'studio', grant: owned}}
  - name: dated
    when: submission.terms == 'dated'
    grant: {{document: a.pdf, until: submission.fields.until, starts: 2026-12-01, {SCOPE}, channels: [shop-*]}}
  - {{name: two years, when: submission.terms == 'creator', grant: {{document: b.pdf, lasts: 2y, {SCOPE}}}}}
"""
BOOK = Rulebook.from_files(house(mappings__rights_yaml=RIGHTS))
BERLIN = ZoneInfo("Europe/Berlin")
RECEIVED = datetime(2026, 11, 12, 9, tzinfo=UTC)


def terms(origin: str = "creator", accepted: str = "", **fields: str) -> GrantTerms | None:
    submission = records.Submission(terms=accepted, fields=fields)
    return BOOK.terms_for(Facts(records.Subject(asset=records.Asset(origin=origin), submission=submission)))


def test_the_first_rule_that_holds_grants() -> None:
    assert terms("studio", "creator") == GrantTerms("studio", "rights.yaml:2", owned=True)
    assert terms(accepted="creator") == GrantTerms(
        "two years", "rights.yaml:6", False, "b.pdf", ("US", "DE"), ("web",), ("organic",), ("*",), Period(years=2)
    )


def test_without_a_rule_there_is_no_grant() -> None:
    assert terms(accepted="unheard of") is None


def test_periods_of_grants() -> None:
    owned, lasting, dated = terms("studio"), terms(accepted="creator"), terms(accepted="dated", until="2027-03-31")
    assert owned
    assert owned.holds_between(RECEIVED, BERLIN) == (RECEIVED, None)
    assert lasting
    assert lasting.holds_between(RECEIVED, BERLIN) == (RECEIVED, datetime(2028, 11, 12, 23, tzinfo=UTC))
    assert dated
    assert (dated.until, dated.channels) == (date(2027, 3, 31), ("shop-*",))
    assert dated.holds_between(RECEIVED, BERLIN) == (
        datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2027, 3, 31, 22, tzinfo=UTC))  # fmt: skip


def test_an_instant_ends_a_grant_to_the_second() -> None:
    dated = terms(accepted="dated", until="2026-11-12T10:00:30+01:00")
    assert dated
    assert dated.holds_between(RECEIVED, BERLIN)[1] == datetime(2026, 11, 12, 9, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("until", ["", "soon", "2026-11-12T10:00:30", "31.12.2026"])
def test_an_end_that_cannot_be_read_goes_to_a_person(until: str) -> None:
    with pytest.raises(errors.RuleFailed, match=r"rights.yaml:3 ends or begins by submission.fields.until") as refused:
        terms(accepted="dated", until=until)
    assert "2027-03-31" in refused.value.remedy


@pytest.mark.parametrize(("old", "new", "told"), [
    ("submission.fields.until", "submission.field.until", "5:37: there is no fact `submission.field.until`"),
    ("submission.fields.until", "image.width", "5:37: `image.width` is no text"),
    ("[shop-*]", "[amazon-*]", "matches no connection"),
    ("submission.terms == 'dated'", "submission.term == 'dated'", "4:11: there is no fact `submission.term`"),
])  # fmt: skip
def test_mistakes_are_refused(old: str, new: str, told: str) -> None:
    (fault,) = faults(mappings__rights_yaml=RIGHTS.replace(old, new))
    assert told in fault
