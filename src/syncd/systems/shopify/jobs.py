"""What Shopify works on after a call, as the engine keeps it: it hands the text back until all is done. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Waiting(BaseModel):
    """A file that is processed: our public name of it and its id, "" while Shopify does not tell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    file: str = ""


class Part(BaseModel):
    """What is under way for one listing.

    `files` are processed, `order` is Shopify's job that moves media, `loose` are files that were taken out of the
    product and are deleted once nothing uses them, `placed` maps placements to media that stand in the product.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[Waiting, ...] = ()
    order: str = ""
    loose: tuple[str, ...] = ()
    placed: dict[str, str] = Field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing is under way."""
        return not (self.files or self.order or self.loose)


class Job(BaseModel):
    """What is under way for the listings of one call, and when that was made (aware, UTC)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    parts: dict[str, Part]

    def text(self) -> str:
        """As the engine keeps it."""
        return self.model_dump_json(exclude_defaults=True)


def read(text: str) -> Job | None:
    """The job of a text; None of one that was written by another version."""
    try:
        return Job.model_validate_json(text)
    except ValidationError:
        return None
