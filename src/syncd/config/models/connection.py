"""connectors/NAME.yaml: one configured account of a system. The file's name is the connection's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from syncd.config.models.base import Strict, no_doubles
from syncd.config.scalars import Duration, Mail, Slots, Text, Word, fault

Role = Literal["source", "library", "catalog", "channel"]
Writes = Literal["off", "ask", "on"]


class ProductNames(Strict):
    """How this system names a SKU."""

    by: Annotated[tuple[Word, ...], Field(min_length=1), AfterValidator(no_doubles)] = Field(
        default=("sku",), description="fields to try in order; two hits are an exception"
    )
    table: Text | None = Field(
        default=None, description="a CSV beside the mappings with the columns sku and name; tried before `by`"
    )


class MediaPlace(Strict):
    """Where in this system's galleries our media may stand."""

    medium: Word = Field(default="web", description="the medium of grants that this system counts as")
    use: Literal["organic", "paid"] = Field(default="organic", description="the use of grants that it counts as")
    slots: Slots | None = Field(default=None, description="positions that are ours to fill, such as 3..8; default all")
    at_least: int = Field(default=0, ge=0, description="a gallery never goes below this many by our removals")


class Connection(Strict):
    """One configured account of a system."""

    connector: Word = Field(description="the system's name, such as feed")
    brand: Word
    roles: Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(no_doubles)]
    owner: Mail = Field(description="told of auth and configuration faults")
    markets: Annotated[tuple[Word, ...], AfterValidator(no_doubles)] = ()
    writes: Writes = Field(default="ask", description="off: none; ask: after a person applied the plan; on: always")
    approvals: Literal["ignore", "import"] = Field(
        default="ignore", description="import: approvals a submission states were made elsewhere count, and are audited"
    )
    authoritative: bool = Field(default=False, description="this catalog tells which products exist")
    products: ProductNames = ProductNames()
    media: MediaPlace = MediaPlace()
    poll: Duration = Field(default=timedelta(minutes=15), description="how often to look for changes")
    options: dict[str, Any] = Field(default_factory=dict, description="what the connector itself asks")

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        if self.authoritative and "catalog" not in self.roles:
            raise fault("only a catalog can be authoritative", "add the role or remove the key", at="authoritative")
        if self.poll <= timedelta():
            raise fault("`poll` must be longer than nothing", "write 15m", at="poll")
        return self
