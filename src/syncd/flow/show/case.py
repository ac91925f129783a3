"""A case from an asset's real facts: what the rules see of it, and what they answer now."""

from __future__ import annotations

from typing import Any

from syncd.domain.match import lookups
from syncd.domain.product import ProductRef
from syncd.errors import ConflictError, NotFoundError
from syncd.flow.catalogue import lookup
from syncd.flow.services import Services
from syncd.flow.subject import ROW, facts_for_rules
from syncd.ledger.tables.core import versions
from syncd.mapping import cases
from syncd.mapping.expressions import Facts


class NotProbed(ConflictError):
    """Wait until it was checked; `syncd explain ASSET` shows where it stands."""

    code = "case.not-probed"


async def case(services: Services, asset: str, kind: str) -> dict[str, Any]:
    """An entry for `mappings/{kind}.cases.yaml` that expects what the active rules answer.

    Args:
        asset: the asset's id.
        kind: match, matrix, rights or reviews.

    Returns:
        `name`, `given`, `expect`, and for `match` the `products` its rules could find.

    Raises:
        NotFoundError: no such asset. NotProbed: its current version was not opened yet. RuleFailed: a rule fails.
    """
    rulebook = services.configuration.active
    products: dict[str, ProductRef] = {}
    async with services.ledger.read() as reading:
        row = (await reading.execute(ROW.where(versions.c.asset_id == asset, versions.c.current))).first()
        if row is None:
            raise NotFoundError(f"There is no asset {asset}.")
        if not row.facts:
            raise NotProbed(f"Nothing is known yet about version {row.number} of asset {asset}.")
        facts = facts_for_rules(row, rulebook.bundle)
        if kind == "match":
            found = await lookup.look_up(reading, row.brand, lookups(rulebook.candidates(facts)))
            products = {ref.sku: ref for refs in found.values() for ref in refs}
    expect = cases.answer(rulebook, kind, facts, products.values())
    made: dict[str, Any] = {"name": f"{asset} v{row.number} {row.file_name}"}
    if products:
        made["products"] = [_product(ref) for ref in products.values()]
    one_brand = len(rulebook.bundle.brands) == 1
    return {**made, "given": _given(facts, one_brand), "expect": {k: v for k, v in expect.items() if _says(k, v)}}


def _product(ref: ProductRef) -> dict[str, str]:
    return {name: value for name, value in (("sku", ref.sku), ("gtin", ref.gtin), ("name", ref.title)) if value}


def _given(facts: Facts, one_brand: bool) -> dict[str, Any]:
    """The facts that are not empty, without those a case gets by itself."""
    given = facts.subject.model_dump(mode="json", exclude_defaults=True)
    given.get("file", {}).pop("stem", None)
    given.get("file", {}).pop("extension", None)
    if one_brand:
        given.get("asset", {}).pop("brand", None)
    return {record: values for record, values in given.items() if values}


def _says(key: str, value: Any) -> bool:
    """Whether an answer's part is worth expecting: what is empty is, where it says that nothing was found."""
    return bool(value) or key in ("sku", "make", "rule")
