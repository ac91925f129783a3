from __future__ import annotations

from typing import Literal

from syncd.domain.match import By, Candidate, Lookup, MatchStatus, decide, lookups
from syncd.domain.product import ProductRef

GLOW, CREAM = ProductRef("GL-0412", "Glow Serum"), ProductRef("GL-0413", "Day Cream")
KNOWN: dict[Lookup, tuple[ProductRef, ...]] = {
    ("sku", "GL-0412"): (GLOW,),
    ("sku", "GL-0413"): (CREAM,),
    ("gtin", "0401"): (GLOW, CREAM),
}


def found(*values: str, rule: str = "r", by: By = "sku", then: Literal["confirm", "suggest"] = "confirm") -> Candidate:
    return Candidate(rule, f"match.yaml:{len(rule)}", by, values, then, f"it holds {', '.join(values)}")


def test_the_first_rule_that_finds_a_known_product_wins() -> None:
    result = decide([found(rule="none"), found("ZZ-1", rule="unknown"), found("GL-0412", rule="third"),
                     found("GL-0413", rule="fourth")], KNOWN)  # fmt: skip
    assert (result.status, result.product, result.rule) == (MatchStatus.CONFIRMED, GLOW, "third")
    assert [line.split(" ")[0] for line in result.explanation] == ["none", "unknown", "third", "fourth"]
    assert "no product has the sku ZZ-1" in result.explanation[1]
    assert "decides GL-0412" in result.explanation[2]
    assert "a rule above decided" in result.explanation[3]


def test_two_products_of_the_winning_rule_go_to_a_person() -> None:
    result = decide([found("GL-0412", "GL-0413"), found("GL-0412")], KNOWN)
    assert (result.status, result.product, result.suggestions) == (MatchStatus.AMBIGUOUS, None, (GLOW, CREAM))


def test_one_name_of_two_products_goes_to_a_person() -> None:
    assert decide([found("0401", by="gtin")], KNOWN).status is MatchStatus.AMBIGUOUS


def test_unknown_names_beside_a_known_one_do_not_confuse() -> None:
    assert decide([found("ZZ-1", "GL-0413", "GL-0413")], KNOWN).product == CREAM


def test_a_suggesting_rule_never_confirms() -> None:
    result = decide([found("GL-0412", then="suggest")], KNOWN)
    assert (result.status, result.product, result.suggestions) == (MatchStatus.SUGGESTED, None, (GLOW,))


def test_nothing_found_is_an_exception_with_what_is_near() -> None:
    result = decide([found("ZZ-1")], KNOWN, near=(CREAM, GLOW))
    assert (result.status, result.suggestions, result.rule) == (MatchStatus.UNMATCHED, (CREAM, GLOW), "")


def test_each_name_is_looked_up_once() -> None:
    assert lookups([found("a", "b"), found("b", "a"), found("a", by="gtin")]) == (
        ("sku", "a"), ("sku", "b"), ("gtin", "a"))  # fmt: skip
