"""Which product an asset shows, decided on what the rules found and which products are known."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from syncd.domain.product import ProductRef

By = Literal["sku", "gtin", "name"]
Lookup = tuple[By, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one rule found, fired or not: `values` are what it takes for SKUs, GTINs or names, `why` is half a sentence
    such as `GL-0412_beach.heic holds GL-0412`; `location` is where the rule stands, `match.yaml:7`.
    """

    rule: str
    location: str
    by: By
    values: tuple[str, ...]
    then: Literal["confirm", "suggest"]
    why: str


class MatchStatus(enum.StrEnum):
    """`confirmed` goes on by itself; the others wait for a person, the last two as an exception of that name."""

    CONFIRMED = "confirmed"
    SUGGESTED = "suggested"
    AMBIGUOUS = "ambiguous"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The answer. `product` only if confirmed; `suggestions` best first; `explanation` has one line per rule."""

    status: MatchStatus
    product: ProductRef | None
    suggestions: tuple[ProductRef, ...]
    rule: str
    location: str
    explanation: tuple[str, ...]


def lookups(candidates: Iterable[Candidate]) -> tuple[Lookup, ...]:
    """Every product name that must be looked up before `decide`, each once, in the order of the rules."""
    return tuple(dict.fromkeys((found.by, value) for found in candidates for value in found.values))


def decide(
    candidates: Sequence[Candidate],
    known: Mapping[Lookup, tuple[ProductRef, ...]],
    near: Sequence[ProductRef] = (),
) -> MatchResult:
    """The first rule that finds a known product wins; it must find exactly one.

    Args:
        candidates: one per rule, in the rules' order.
        known: products under each name of `lookups`; names without a product may be left out.
        near: products that could be meant, best first, for the case that no rule finds one.
    """
    found = [(each, _products(each, known)) for each in candidates]
    winner = next(((each, products) for each, products in found if products), None)
    explanation = tuple(_line(each, products, winner[0] if winner else None) for each, products in found)
    if winner is None:
        return MatchResult(MatchStatus.UNMATCHED, None, tuple(near), "", "", explanation)
    rule, products = winner
    if len(products) > 1:
        return MatchResult(MatchStatus.AMBIGUOUS, None, products, rule.rule, rule.location, explanation)
    if rule.then == "suggest":
        return MatchResult(MatchStatus.SUGGESTED, None, products, rule.rule, rule.location, explanation)
    return MatchResult(MatchStatus.CONFIRMED, products[0], (), rule.rule, rule.location, explanation)


def _products(candidate: Candidate, known: Mapping[Lookup, tuple[ProductRef, ...]]) -> tuple[ProductRef, ...]:
    """Known products among a candidate's values, each SKU once, in the values' order."""
    by_sku = {ref.sku: ref for value in candidate.values for ref in known.get((candidate.by, value), ())}
    return tuple(by_sku.values())


def _line(candidate: Candidate, products: tuple[ProductRef, ...], winner: Candidate | None) -> str:
    skus = ", ".join(ref.sku for ref in products)
    if not candidate.values:
        outcome = candidate.why
    elif not products:
        outcome = f"{candidate.why}; no product has the {candidate.by} {', '.join(candidate.values)}"
    elif candidate is not winner:
        outcome = f"{candidate.why}; not needed, a rule above decided"
    elif len(products) > 1:
        outcome = f"{candidate.why}; that is {len(products)} products ({skus}), a person decides"
    else:
        outcome = f"{candidate.why}; {'suggests' if candidate.then == 'suggest' else 'decides'} {skus}"
    return f"{candidate.rule} ({candidate.location}): {outcome}"
