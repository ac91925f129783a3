"""Why content stands where it does, or does not: the page of one asset, or of a product with all that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.bundle import Bundle
from syncd.domain.asset import VersionStatus
from syncd.domain.delivery import Delivery
from syncd.domain.review import Outcome, outcome
from syncd.errors import NotFoundError
from syncd.flow.review.rounds import decisions_on, route_from
from syncd.flow.services import Services
from syncd.flow.show import browse, obstacles
from syncd.flow.show.browse import Asset
from syncd.flow.show.derivatives import Standing, explain_places
from syncd.flow.show.explanation import (
    AssetShown,
    ConsentShown,
    ExceptionShown,
    FindingShown,
    MatchShown,
    Page,
    ProductShown,
    Right,
    Said,
)
from syncd.flow.subject import ROW
from syncd.ledger.tables.core import (
    asset_consents,
    asset_grants,
    assets,
    consents,
    decisions,
    exceptions,
    findings,
    grants,
    matches,
    people,
    products,
    rounds,
    versions,
)
from syncd.ledger.types import Row

ASSETS_SHOWN = 50


async def explain(services: Services, *, asset: str | None = None, sku: str | None = None) -> Page:
    """Explain one asset (its id, or the beginning of it) or one product.

    Raises:
        NotFoundError: no such asset or product. Ambiguous: several assets' ids begin so.
    """
    if asset is not None:
        identifier = (await browse.one(services, Asset, asset)).id
        shown = [await _Asset(services).explain(identifier)]
        skus = [match.sku for match in shown[0].matches if match.status == "confirmed"]
        return await _page(services, asset, skus, shown, 0)
    assert sku is not None
    known = await _showing(services, sku)
    shown = [await _Asset(services).explain(identifier) for identifier in known[:ASSETS_SHOWN]]
    return await _page(services, sku, [sku], shown, max(0, len(known) - ASSETS_SHOWN))


async def _page(services: Services, asked: str, skus: Sequence[str], shown: list[AssetShown], more: int) -> Page:
    async with services.ledger.read() as reading:
        rows = await reading.execute(sa.select(products).where(products.c.sku.in_(skus)).order_by(products.c.sku))
        found = [
            ProductShown(row.sku, row.title, row.status, row.version, row.connection, row.observed_at, row.absent_since)
            for row in rows
        ]
    counts = Counter(place.state for asset in shown for place in asset.places)
    changes = [change for asset in shown for change in asset.changes]
    first = min((change.at for change in changes), default=None)
    soonest = [change for change in changes if change.at == first]
    return Page(asked, services.clock.now(), found, dict(counts), shown, more, soonest)


async def _showing(services: Services, sku: str) -> Sequence[str]:
    """The assets that show a product or may, newest first."""
    async with services.ledger.read() as reading:
        known = (await reading.execute(sa.select(products.c.sku).where(products.c.sku == sku))).first()
        rows = await reading.execute(
            sa.select(matches.c.asset_id).where(matches.c.sku == sku).order_by(matches.c.at.desc(), matches.c.asset_id)
        )
        found = list(dict.fromkeys(rows.scalars()))
    if known is None and not found:
        raise NotFoundError(f"There is no product {sku}.", remedy="Check the SKU as the catalogue writes it.")
    return found


class _Asset:
    """Gathers everything about one asset."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.bundle: Bundle = services.configuration.active.bundle

    async def explain(self, identifier: str) -> AssetShown:
        async with self.services.ledger.read() as reading:
            row, counts = await self._versions(reading, identifier)
            matched = await self._matches(reading, identifier)
            told = await self._exceptions(reading, identifier)
            said = await self._said(reading, row.version_id)
            review = await self._review(reading, row)
            found = await self._findings(reading, counts.version_id)
            rights, agreed = await self._rights(reading, identifier), await self._consents(reading, identifier)
            creator = await self._person(reading, row.creator_id)
        approved = counts.status == VersionStatus.APPROVED
        standing = Standing(
            counts, [match.sku for match in matched if match.status == "confirmed"],
            None if approved else obstacles.unapproved(row, told, review, found, self._name),
            obstacles.unmatched(matched, told),
        )  # fmt: skip
        lines, changes = await explain_places(self.services, standing)
        return AssetShown(
            id=identifier, brand=row.brand, version_id=row.version_id, number=row.number, shown_number=counts.number,
            status=row.status, file_name=row.file_name, kind=row.kind, title=row.title, creator=creator,
            owner=self._name(row.owner), withdrawn_because=row.withdrawn_because, zone=self._zone(row.brand),
            waiting_for=[obstacles.awaited(each, self._name) for each in review.waiting_for] if review else [],
            matches=matched, said=said, rights=rights, consents=agreed, findings=found, exceptions=told, places=lines,
            changes=changes,
        )  # fmt: skip

    async def _versions(self, reading: AsyncConnection, asset: str) -> tuple[Row, Row]:
        """The current version, and the one whose places count: the newest approved, else the current."""
        query = ROW.add_columns(assets.c.withdrawn_because).where(
            versions.c.asset_id == asset, sa.or_(versions.c.current, versions.c.status == VersionStatus.APPROVED.value)
        )
        rows = (await reading.execute(query.order_by(versions.c.sequence.desc()))).all()
        current = next((row for row in rows if row.current), None)
        if current is None:
            raise NotFoundError(f"Asset {asset} has no current version.")
        approved = next((row for row in rows if row.status == VersionStatus.APPROVED), None)
        return current, approved if approved is not None else current

    def _zone(self, brand: str) -> str:
        return str(self.bundle.brands[brand].zone) if brand in self.bundle.brands else "UTC"

    def _name(self, mail: str) -> str:
        return self.bundle.people[mail].name if mail in self.bundle.people else mail

    # --- parts ---------------------------------------------------------------------------------------------------

    async def _matches(self, reading: AsyncConnection, asset: str) -> list[MatchShown]:
        rows = await reading.execute(sa.select(matches).where(matches.c.asset_id == asset).order_by(matches.c.id))
        return [
            MatchShown(row.sku, row.status, row.rule, row.location, row.product_version, row.explanation)
            for row in rows
        ]

    async def _exceptions(self, reading: AsyncConnection, asset: str) -> list[ExceptionShown]:
        rows = await reading.execute(
            sa.select(exceptions)
            .where(
                exceptions.c.closed_at.is_(None),
                sa.or_(exceptions.c.subject == asset, exceptions.c.work_key.in_((asset, f"asset:{asset}"))),
            )
            .order_by(exceptions.c.opened_at)
        )
        return [ExceptionShown(row.id, row.kind, row.reason, row.remedy) for row in rows]

    async def _said(self, reading: AsyncConnection, version: str) -> list[Said]:
        rows = await reading.execute(
            sa.select(decisions, people.c.reference, people.c.name)
            .join(people, people.c.id == decisions.c.person_id)
            .where(decisions.c.version_id == version)
            .order_by(decisions.c.at, decisions.c.id)
        )
        return [
            Said(row.reference, row.name or self._name(row.reference), row.at, row.verdict, row.reason, row.comment,
                 row.imported_from)
            for row in rows
        ]  # fmt: skip

    async def _review(self, reading: AsyncConnection, row: Row) -> Outcome | None:
        """Where its round stands, while it is in review."""
        found = (await reading.execute(sa.select(rounds).where(rounds.c.version_id == row.version_id))).first()
        if found is None or row.status != VersionStatus.IN_REVIEW:
            return None
        creator = Delivery.model_validate(row.delivery).creator
        made = await decisions_on(reading, row.version_id)
        submitter = creator.mail if creator else ""
        return outcome(route_from(found.route), made, row.version_id, submitter=submitter)

    async def _findings(self, reading: AsyncConnection, version: str) -> list[FindingShown]:
        query = sa.select(findings).where(findings.c.version_id == version)
        rows = await reading.execute(query.order_by(findings.c.id))
        specs = self.bundle.specs
        return [
            FindingShown(row.connection, row.spec, row.rule, row.measured, row.limit, row.message, row.severity,
                         specs[row.spec].dated.isoformat() if row.spec in specs else "")
            for row in rows
        ]  # fmt: skip

    async def _rights(self, reading: AsyncConnection, asset: str) -> list[Right]:
        rows = await reading.execute(
            sa.select(grants)
            .join(asset_grants, asset_grants.c.grant_id == grants.c.id)
            .where(asset_grants.c.asset_id == asset)
            .order_by(grants.c.starts, grants.c.id)
        )
        return [
            Right(
                id=row.id, basis=row.basis, document=row.document, starts=row.starts, ends=row.ends,
                revoked_at=row.revoked_at, **{name: list(row.scope.get(name) or []) for name in _SCOPE},
            )
            for row in rows
        ]  # fmt: skip

    async def _consents(self, reading: AsyncConnection, asset: str) -> list[ConsentShown]:
        rows = await reading.execute(
            sa.select(consents)
            .join(asset_consents, asset_consents.c.consent_id == consents.c.id)
            .where(asset_consents.c.asset_id == asset)
            .order_by(consents.c.starts, consents.c.id)
        )
        return [ConsentShown(row.id, row.starts, row.ends, row.withdrawn_at) for row in rows]

    async def _person(self, reading: AsyncConnection, identifier: str | None) -> str:
        row = (await reading.execute(sa.select(people).where(people.c.id == identifier))).first()
        return str(row.name or row.handle or row.reference) if row is not None else ""


_SCOPE = ("territory", "medium", "use", "channels")
