"""mappings/brands.yaml, people.yaml and briefs.yaml: who sells where, who decides, what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from syncd.config.models.base import Strict, no_doubles, unique_names
from syncd.config.scalars import Glob, Language, Mail, Share, Territory, Text, Word, fault

Use = Literal["organic", "paid"]
Words = Annotated[tuple[Word, ...], AfterValidator(no_doubles)]


class Market(Strict):
    """Where a brand sells: one territory, language and time zone."""

    name: Word
    territory: Territory
    language: Language
    zone: ZoneInfo | None = Field(default=None, description="default: the brand's zone")


class Brake(Strict):
    """How much inferred removals may take from one connection in 24 hours without a person's word."""

    share: Share = Field(default=0.05, description="of the managed placements")
    at_least: int = Field(default=3, ge=0, description="so many are always allowed")


class Brand(Strict):
    """A brand: the boundary that nothing crosses."""

    name: Word
    zone: ZoneInfo = Field(description="time zone in which its grants end, such as Europe/Berlin")
    owner: Mail
    standing_brief: Word | None = Field(default=None, description="takes what comes without a brief")
    brake: Brake = Brake()
    markets: Annotated[tuple[Market, ...], AfterValidator(unique_names)] = ()


class Person(Strict):
    """Somebody who decides or is told."""

    mail: Mail
    name: Text
    roles: Words = ()
    brand: Word | None = Field(default=None, description="default: every brand")


class Brief(Strict):
    """The contract for content."""

    name: Word
    title: Text
    owner: Mail
    brand: Word | None = Field(default=None, description="default: the only brand")
    campaign: str = ""
    skus: Annotated[tuple[Text, ...], AfterValidator(no_doubles)] = ()
    use: Annotated[tuple[Use, ...], Field(min_length=1), AfterValidator(no_doubles)] = ("organic",)
    channels: tuple[Glob, ...] = Field(default=("*",), description="connections it may be shown on, as globs")
    terms: str = Field(default="", description="the terms a creator accepts with it")


class BrandsFile(Strict):
    """mappings/brands.yaml"""

    brands: Annotated[tuple[Brand, ...], Field(min_length=1), AfterValidator(unique_names)]


def _unique_mails(people: Sequence[Person]) -> Sequence[Person]:
    no_double = {person.mail.lower() for person in people}
    if len(no_double) != len(people):
        raise fault("one mail address stands twice", "give each person one entry with all roles")
    return people


class PeopleFile(Strict):
    """mappings/people.yaml"""

    people: Annotated[tuple[Person, ...], AfterValidator(_unique_mails)]


class BriefsFile(Strict):
    """mappings/briefs.yaml"""

    briefs: Annotated[tuple[Brief, ...], AfterValidator(unique_names)]
