from __future__ import annotations

from syncd.domain.review import Route
from syncd.mapping import records
from syncd.mapping.expressions import Facts
from syncd.mapping.rulebook import Rulebook
from tests.support.house import HOUSE, house

REVIEWS = """reviews:
  - {name: people, when: submission.people_shown, ask: [brand, legal], approver: nora@acme.example}
  - {name: rest, approver: tom@acme.example}
"""
PEOPLE = HOUSE["mappings/people.yaml"] + "  - {mail: ann@bold.example, name: Ann, roles: [brand, legal], brand: bold}\n"
BRANDS = HOUSE["mappings/brands.yaml"] + "  - {name: bold, zone: UTC, owner: d@b.example}\n"
BOOK = Rulebook.from_files(
    house(mappings__reviews_yaml=REVIEWS, mappings__people_yaml=PEOPLE, mappings__brands_yaml=BRANDS)
)


def route(brand: str, *, people_shown: bool) -> Route | None:
    submission = records.Submission(people_shown=people_shown)
    return BOOK.route_for(Facts(records.Subject(asset=records.Asset(brand=brand), submission=submission)))


def test_the_first_rule_that_holds_decides_who_is_asked() -> None:
    people = {"brand": ("tom@acme.example",), "legal": ("nora@acme.example",)}
    assert route("acme", people_shown=True) == Route(
        ("brand", "legal"), people, "nora@acme.example", "people", "reviews.yaml:2"
    )
    assert route("acme", people_shown=False) == Route((), {}, "tom@acme.example", "rest", "reviews.yaml:3")


def test_people_of_another_brand_are_not_asked() -> None:
    found = route("bold", people_shown=True)
    assert found
    assert found.people == {
        "brand": ("tom@acme.example", "ann@bold.example"),
        "legal": ("nora@acme.example", "ann@bold.example"),
    }
    of_acme = route("acme", people_shown=True)
    assert of_acme
    assert "ann@bold.example" not in of_acme.people["brand"]


def test_without_rules_nobody_is_asked() -> None:
    book = Rulebook.from_files(house(mappings__reviews_yaml=None))
    assert book.route_for(Facts(records.Subject())) is None
