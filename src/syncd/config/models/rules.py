"""mappings/specs.yaml, match.yaml, matrix.yaml, rights.yaml and reviews.yaml: the rules of the house."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from syncd.config.models.base import Strict, no_doubles, unique_names
from syncd.config.models.brands import Use
from syncd.config.scalars import (
    CalendarPeriod,
    Duration,
    Expression,
    Glob,
    Mail,
    Moment,
    Path,
    Territory,
    Text,
    Word,
    fault,
)
from syncd.domain.spec import Spec

By = Literal["sku", "gtin", "name"]
FOUND_GROUPS: tuple[By, ...] = ("sku", "gtin", "name")


class SpecsFile(Strict):
    """mappings/specs.yaml: dated requirements of channels, each with its source."""

    specs: Annotated[tuple[Spec, ...], AfterValidator(unique_names)]


class MatchRule(Strict):
    """One way to find the product: a table, a pattern in a text, or a fact that names it. Exactly one of the three."""

    name: Text
    when: Expression | None = None
    table: Text | None = Field(default=None, description="a CSV beside this file; see docs/mappings.md")
    in_: Path | None = Field(default=None, alias="in", description="the text `find` searches, such as file.name")
    find: str | None = Field(
        default=None, max_length=300, description="a regular expression with one group named sku, gtin or name"
    )
    sku: Path | None = Field(default=None, description="the fact that holds SKUs, such as brief.skus")
    gtin: Path | None = Field(default=None, description="the fact that holds GTINs")
    product: Path | None = Field(default=None, description="the fact that holds product names")
    then: Literal["confirm", "suggest"] = Field(default="confirm", description="suggest: a person confirms")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.in_ is None) != (self.find is None):
            raise fault("`in` and `find` belong together", "give both or neither", at="in" if self.in_ else "find")
        ways = [way for way in ("table", "in_", "sku", "gtin", "product") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise fault(
                f"this rule finds products in {len(ways)} ways",
                "give exactly one of `table`, `in` with `find`, `sku`, `gtin`, `product`",
            )
        return self

    @property
    def path(self) -> tuple[By, str] | None:
        """What kind of value the rule copies, and from which fact; None for tables and patterns."""
        named: tuple[tuple[By, str | None], ...] = (("sku", self.sku), ("gtin", self.gtin), ("name", self.product))
        return next(((by, path) for by, path in named if path), None)


class MatchFile(Strict):
    """mappings/match.yaml: the first rule that finds a known product wins."""

    match: Annotated[tuple[MatchRule, ...], AfterValidator(unique_names)] = ()


class Make(Strict):
    """One derivative: for which connections, by which spec, standing as what."""

    for_: Glob = Field(alias="for", description="connections, as a glob")
    spec: Word
    as_: Word = Field(alias="as", description="the role in the gallery, such as main, alternate or lifestyle")


class MatrixEntry(Strict):
    """What is made from one kind of content."""

    name: Text
    from_: Literal["image", "video"] = Field(alias="from")
    when: Expression | None = None
    make: Annotated[tuple[Make, ...], Field(min_length=1)]


class MatrixFile(Strict):
    """mappings/matrix.yaml: every entry that holds adds."""

    matrix: Annotated[tuple[MatrixEntry, ...], AfterValidator(unique_names)] = ()


class Licence(Strict):
    """A grant on paper: which document, for how long, where, in which media, for which use."""

    document: Text = Field(description="the paper, such as mappings/terms/creator-2026.pdf")
    lasts: CalendarPeriod | None = Field(
        default=None, description="from receipt to the midnight that ends its last day in the brand's zone"
    )
    until: Moment | None = Field(
        default=None, description="instead of `lasts`: its last day, the instant it ends, or the fact that holds one"
    )
    starts: Moment | None = Field(
        default=None, description="its first day, the instant it begins, or the fact that holds one; default: receipt"
    )
    territory: Annotated[tuple[Territory, ...], Field(min_length=1), AfterValidator(no_doubles)]
    medium: Annotated[tuple[Word, ...], Field(min_length=1), AfterValidator(no_doubles)]
    use: Annotated[tuple[Use, ...], Field(min_length=1), AfterValidator(no_doubles)]
    channels: Annotated[tuple[Glob, ...], Field(min_length=1)] = Field(
        default=("*",), description="connections it covers, as globs"
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.lasts is None) == (self.until is None):
            raise fault("a grant has exactly one end", "give either `lasts` or `until`")
        return self


def _grant(value: Any) -> Any:
    if isinstance(value, str) and value != "owned":
        raise fault(f"`{value}` is not a grant", "write owned, or a map with document, lasts, territory, medium, use")
    return value


class RightsRule(Strict):
    """On what basis content may be used."""

    name: Text
    when: Expression | None = None
    grant: Annotated[
        Annotated[Literal["owned"], Tag("owned")] | Annotated[Licence, Tag("licence")],
        Discriminator(lambda value: "owned" if isinstance(value, str) else "licence"),
        BeforeValidator(_grant),
    ]


class RightsFile(Strict):
    """mappings/rights.yaml: the first rule that holds."""

    rights: Annotated[tuple[RightsRule, ...], AfterValidator(unique_names)] = ()
    without: Literal["hold"] = Field(default="hold", description="what happens without a grant: nothing is published")
    warn: tuple[Duration, ...] = Field(
        default=(timedelta(days=30), timedelta(days=7), timedelta(days=1)), description="how long before an end to warn"
    )
    stop_before: dict[Glob, Duration] = Field(
        default_factory=dict,
        description="how long before its end content leaves a connection; the first glob that matches counts",
    )


def _one_approver(value: Any) -> Any:
    if isinstance(value, list):
        raise fault(f"{len(value)} approvers are named", "name the one who has the last word", why="there is one")
    return value


class ReviewRule(Strict):
    """Who decides: each role in `ask`, in parallel, and exactly one final approver."""

    name: Text
    when: Expression | None = None
    ask: Annotated[tuple[Word, ...], AfterValidator(no_doubles)] = Field(
        default=(), description="roles of people.yaml; one person of each decides"
    )
    approver: Annotated[Mail, BeforeValidator(_one_approver)]


class Reason(Strict):
    """Why something was rejected, in words a creator understands."""

    say: Text
    fix: Literal["creator"] | None = Field(default=None, description="creator: they can mend and resubmit it")


def _codes(reasons: dict[str, Reason]) -> dict[str, Reason]:
    for code in reasons:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code):
            raise fault(f"`{code}` is not a code", "write small letters, digits and single hyphens", at=code)
    return reasons


class ReviewsFile(Strict):
    """mappings/reviews.yaml: the first rule that holds; the last one has no `when`, so that every version has a way."""

    reviews: Annotated[tuple[ReviewRule, ...], Field(min_length=1), AfterValidator(unique_names)]
    reasons: Annotated[dict[str, Reason], AfterValidator(_codes)] = Field(default_factory=dict)
