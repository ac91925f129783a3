"""mappings/X.cases.yaml: examples of what the rules in X.yaml decide, run by `syncd check`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from syncd.config.models.base import Strict, unique_names
from syncd.config.models.rules import By
from syncd.config.scalars import Text


def _text_or_map(schema: dict[str, Any]) -> None:
    described = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string", "minLength": 1}, described]


class KnownProduct(Strict):
    """A product that exists in the case; a bare text is a SKU."""

    model_config = ConfigDict(json_schema_extra=_text_or_map)

    sku: Text
    gtin: str = ""
    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"sku": value} if isinstance(value, str) else value

    def value(self, by: By) -> str:
        """What the product is called under `by`."""
        return {"sku": self.sku, "gtin": self.gtin, "name": self.name}[by]


class Case(Strict):
    """One example: facts that are given (all others are empty) and what is expected of the answer."""

    name: Text
    products: tuple[KnownProduct, ...] = Field(default=(), description="products that exist; match.cases.yaml only")
    given: dict[str, Any] = Field(default_factory=dict, description="facts by record, such as {file: {name: a.jpg}}")
    expect: dict[str, Any] = Field(min_length=1, description="parts of the answer that must be so")


class CasesFile(Strict):
    """mappings/X.cases.yaml"""

    cases: Annotated[tuple[Case, ...], AfterValidator(unique_names)] = ()
