"""What the rules of a revision would decide anew once it is active: the product an asset shows, the grant it gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.bundle import Bundle
from syncd.domain.asset import VersionStatus
from syncd.domain.match import decide, lookups
from syncd.domain.rights import Basis, GrantFact
from syncd.errors import RuleFailed
from syncd.flow.catalogue import lookup
from syncd.flow.services import Services
from syncd.flow.subject import ROW, facts_for_rules
from syncd.ledger.tables.core import asset_grants, grants, matches, versions
from syncd.ledger.types import Row
from syncd.mapping.expressions import Facts
from syncd.mapping.rights import GrantTerms
from syncd.mapping.rulebook import Rulebook

_PAGE = 200
_ASKED_BY = ("match.yaml", "rights.yaml", "briefs.yaml", "brands.yaml", ".csv")


@dataclass(slots=True)
class Foresight:
    """`products`: assets that would show another product ("" for none); `grants`: assets that would get a grant."""

    products: dict[str, str] = field(default_factory=dict)
    grants: dict[str, GrantFact] = field(default_factory=dict)

    def shown_in(self, sku: str, now: Sequence[str]) -> list[str]:
        """The assets that would show a product, of which `now` do today."""
        stay = [asset for asset in now if self.products.get(asset, sku) == sku]
        return list(dict.fromkeys([*stay, *(asset for asset, to in self.products.items() if to == sku)]))


def is_affected(active: Mapping[str, str], candidate: Mapping[str, str]) -> bool:
    """Whether the files differ in what decides on products and grants."""
    paths = [path for path in active.keys() | candidate.keys() if active.get(path) != candidate.get(path)]
    return any(path.startswith("mappings/") and path.endswith(_ASKED_BY) for path in paths)


async def foresee(services: Services, rulebook: Rulebook) -> Foresight:
    """Ask the rules of a revision about every approved asset."""
    found = Foresight()
    if not is_affected(services.configuration.active.bundle.files, rulebook.bundle.files):
        return found
    async for reading, page in _approved(services, list(rulebook.bundle.brands)):
        await _page(reading, rulebook, page, found)
    return found


async def _approved(services: Services, brands: Sequence[str]) -> AsyncIterator[tuple[AsyncConnection, Sequence[Row]]]:
    last = ""
    while True:
        async with services.ledger.read() as reading:
            query = ROW.where(
                versions.c.current, versions.c.status == VersionStatus.APPROVED.value, versions.c.id > last,
                versions.c.brand.in_(brands), versions.c.facts.is_not(None),
            )  # fmt: skip
            page = (await reading.execute(query.order_by(versions.c.id).limit(_PAGE))).all()
            if not page:
                return
            yield reading, page
        last = page[-1].version_id


async def _page(reading: AsyncConnection, rulebook: Rulebook, page: Sequence[Row], found: Foresight) -> None:
    subjects = [(row, facts_for_rules(row, rulebook.bundle)) for row in page if row.facts]
    assets = [row.asset_id for row, _ in subjects]
    shown = await _shown(reading, assets)
    covered = await _covered(reading, assets)
    for brand in {row.brand for row, _ in subjects}:
        own = [(row, facts) for row, facts in subjects if row.brand == brand]
        products = await _products(reading, rulebook, brand, own)
        found.products |= {asset: sku for asset, sku in products.items() if sku != shown.get(asset, "")}
    for row, facts in subjects:
        terms = _terms(rulebook, facts)
        if terms is not None and (row.asset_id, f"{row.submission_id}:{terms.rule}") not in covered:
            found.grants[row.asset_id] = _grant(row, terms, rulebook.bundle)


async def _shown(reading: AsyncConnection, assets: Sequence[str]) -> dict[str, str]:
    query = sa.select(matches.c.asset_id, matches.c.sku).where(
        matches.c.asset_id.in_(assets), matches.c.status == "confirmed"
    )
    return {row.asset_id: row.sku for row in await reading.execute(query)}


async def _covered(reading: AsyncConnection, assets: Sequence[str]) -> set[tuple[str, str]]:
    query = (
        sa.select(asset_grants.c.asset_id, grants.c.source)
        .join(grants, grants.c.id == asset_grants.c.grant_id)
        .where(asset_grants.c.asset_id.in_(assets))
    )
    return {(row.asset_id, row.source) for row in await reading.execute(query)}


async def _products(
    reading: AsyncConnection, rulebook: Rulebook, brand: str, subjects: Sequence[tuple[Row, Facts]]
) -> dict[str, str]:
    """The product each asset would show; an asset whose rules fail keeps its own and is left out."""
    candidates = {}
    for row, facts in subjects:
        try:
            candidates[row.asset_id] = rulebook.candidates(facts)
        except RuleFailed:
            continue
    asked = list(dict.fromkeys(lookup for each in candidates.values() for lookup in lookups(each)))
    known = await lookup.look_up(reading, brand, asked)
    decided = {asset: decide(each, known).product for asset, each in candidates.items()}
    return {asset: product.sku if product else "" for asset, product in decided.items()}


def _terms(rulebook: Rulebook, facts: Facts) -> GrantTerms | None:
    try:
        return rulebook.terms_for(facts)
    except RuleFailed:
        return None


def _grant(row: Row, terms: GrantTerms, bundle: Bundle) -> GrantFact:
    """The grant a submission would get, as a fact."""
    starts, ends = terms.holds_between(row.submitted_at, bundle.brands[row.brand].zone)
    identifier = f"by {terms.rule}"
    if terms.owned:
        return GrantFact(identifier, Basis.OWNED, None, None, None, None, starts, ends)
    anywhere = not terms.channels or "*" in terms.channels
    channels = None if anywhere else frozenset(n for glob in terms.channels for n in bundle.connections_like(glob))
    return GrantFact(
        identifier, Basis.LICENCE, frozenset(terms.territory) or None, frozenset(terms.medium) or None,
        frozenset(terms.use) or None, channels, starts, ends,
    )  # fmt: skip
