"""The rules of reviews.yaml: who decides on a version. `domain.review` judges what they said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.config import nodes, problems
from syncd.config.models.brands import Person
from syncd.config.models.rules import ReviewsFile
from syncd.domain.review import Route
from syncd.mapping.expressions import Condition, Facts, compile_when


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    name: str
    location: str
    when: Condition | None
    ask: tuple[str, ...]
    approver: str


def route_for(rules: Sequence[Rule], facts: Facts, people: Iterable[Person]) -> Route | None:
    """Who decides by the first rule that holds; None only where no rules are declared.

    Args:
        people: everybody; those of other brands than the asset's are left out.

    Raises:
        errors.RuleFailed: a condition has no answer for this subject.
    """
    rule = next((rule for rule in rules if rule.when is None or rule.when.holds(facts)), None)
    if rule is None:
        return None
    own = [person for person in people if person.brand in (None, facts.subject.asset.brand)]
    having = {role: tuple(person.mail for person in own if role in person.roles) for role in rule.ask}
    return Route(rule.ask, having, rule.approver, rule.name, rule.location)


def compile_rules(file: ReviewsFile, document: nodes.Document) -> tuple[tuple[Rule, ...], list[problems.Problem]]:
    """Compile reviews.yaml.

    Returns:
        the rules that are right, and what is wrong with the others.
    """
    rules: list[Rule] = []
    faults: list[problems.Problem] = []
    for index, rule in enumerate(file.reviews):
        when, found = compile_when(rule.when, document, ("reviews", index))
        faults += found
        if not found:
            rules.append(Rule(rule.name, document.place(("reviews", index)), when, rule.ask, rule.approver))
    return tuple(rules), faults
