"""Grants and consents of assets: made from the rules and from what a submission states, read as facts for decisions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.bundle import Bundle
from syncd.domain import period
from syncd.domain.delivery import ConsentGiven, Delivery
from syncd.domain.rights import Basis, ConsentFact, GrantFact
from syncd.errors import RejectedError
from syncd.flow.people import person_id
from syncd.ledger import blobs as blob_rows
from syncd.ledger.among import among
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import asset_consents, asset_grants, consents, grants
from syncd.ledger.types import Row, new_id
from syncd.mapping.rights import GrantTerms
from syncd.media.blobs import BlobInfo, BlobStore


class DocumentMissing(RejectedError):
    """Put the document where the rule says, below SYNCD_ROOT, then replay the exception."""

    code = "rights.document-missing"


async def store_document(blobs: BlobStore, root: Path, terms: GrantTerms) -> BlobInfo | None:
    """Keep the paper a grant rests on as a blob; None for a basis that needs none.

    Raises:
        DocumentMissing: the rule names a file that is not there.
    """
    if terms.owned:
        return None
    path = root / terms.document
    if not await asyncio.to_thread(_is_below, path, root):
        raise DocumentMissing(f"{terms.location} grants by {terms.document}, and there is no such file.")
    return await blobs.put_file(path)


def _is_below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve()) and path.is_file()


async def grant(
    transaction: Transaction, row: Row, terms: GrantTerms, zone: ZoneInfo, document: BlobInfo | None
) -> str:
    """Make the grant that a submission gives under a rule, once, and let it cover the asset.

    Args:
        row: of `subject.ROW`.

    Returns:
        The grant's id.
    """
    source = f"{row.submission_id}:{terms.rule}"
    known = await transaction.execute(
        sa.select(grants.c.id).where(grants.c.brand == row.brand, grants.c.source == source)
    )
    identifier = known.scalar_one_or_none()
    if identifier is None:
        identifier = new_id()
        starts, ends = terms.holds_between(row.submitted_at, zone)
        if document:
            await blob_rows.keep(transaction, document.hash, document.size, f"grant:{identifier}")
        await transaction.execute(
            sa.insert(grants).values(
                id=identifier, brand=row.brand, source=source, basis="owned" if terms.owned else "licence",
                document=terms.document, document_sha256=document.hash if document else "", scope=_scope(terms),
                starts=starts, ends=ends,
            )
        )  # fmt: skip
        transaction.record(row.brand, "grant.made", identifier, rule=terms.rule, ends=ends and ends.isoformat())
    await _link(transaction, asset_grants, asset_id=row.asset_id, grant_id=identifier)
    return str(identifier)


def _scope(terms: GrantTerms) -> dict[str, list[str]]:
    if terms.owned:
        return {}
    return {
        "territory": list(terms.territory),
        "medium": list(terms.medium),
        "use": list(terms.use),
        "channels": list(terms.channels),
    }


async def _link(transaction: Transaction, link: sa.Table, **values: str) -> None:
    await transaction.execute(transaction.insert(link).values(**values).on_conflict_do_nothing())


async def take_consents(transaction: Transaction, row: Row, delivery: Delivery, zone: ZoneInfo) -> None:
    """Bring the consents of the people shown up to date with what the submission states."""
    for stated in delivery.consents:
        person = await person_id(transaction, row.brand, f"{row.connection}:{stated.person}", name=stated.person)
        where = (
            consents.c.brand == row.brand,
            consents.c.person_id == person,
            consents.c.source == row.submission_id,
        )
        known = (await transaction.execute(sa.select(consents.c.id, consents.c.withdrawn_at).where(*where))).first()
        identifier = known.id if known else await _consent(transaction, row, stated, person, zone)
        if stated.withdrawn and (known is None or known.withdrawn_at is None):
            await withdraw_consent(transaction, row.brand, identifier)
        await _link(transaction, asset_consents, asset_id=row.asset_id, consent_id=identifier)


async def _consent(transaction: Transaction, row: Row, stated: ConsentGiven, person: str, zone: ZoneInfo) -> str:
    identifier = new_id()
    await transaction.execute(
        sa.insert(consents).values(
            id=identifier, brand=row.brand, source=row.submission_id, person_id=person, document=stated.document,
            starts=row.submitted_at, ends=period.end_of_day(stated.until, zone) if stated.until else None,
        )
    )  # fmt: skip
    transaction.record(row.brand, "consent.given", identifier, person=person)
    return identifier


async def withdraw_consent(transaction: Transaction, brand: str, consent: str) -> None:
    """A person shown takes their consent back, now."""
    await transaction.execute(
        sa.update(consents)
        .where(consents.c.id == consent, consents.c.withdrawn_at.is_(None))
        .values(withdrawn_at=transaction.now)
    )
    transaction.record(brand, "consent.withdrawn", consent)


async def revoke(transaction: Transaction, brand: str, grant: str) -> None:
    """A licensor takes a grant back, now."""
    await transaction.execute(
        sa.update(grants).where(grants.c.id == grant, grants.c.revoked_at.is_(None)).values(revoked_at=transaction.now)
    )
    transaction.record(brand, "grant.revoked", grant)


# --- as facts ---------------------------------------------------------------------------------------------------------


async def grants_of(connection: AsyncConnection, assets: Sequence[str], bundle: Bundle) -> dict[str, list[GrantFact]]:
    """The grants that cover each asset, channels as names of connections."""
    links = await connection.execute(
        sa.select(asset_grants.c.asset_id, asset_grants.c.grant_id).where(among(asset_grants.c.asset_id, assets))
    )
    grants_by_asset: dict[str, list[str]] = defaultdict(list)
    for asset, grant in links.all():
        grants_by_asset[asset].append(grant)
    wanted = {grant for those in grants_by_asset.values() for grant in those}
    rows = await connection.execute(sa.select(grants).where(among(grants.c.id, wanted)))
    facts = {row.id: _grant_fact(row, bundle) for row in rows.all()}
    return {asset: [facts[grant] for grant in those] for asset, those in grants_by_asset.items()}


def _grant_fact(row: Row, bundle: Bundle) -> GrantFact:
    scope = row.scope
    globs = scope.get("channels")
    channels = None
    if globs and "*" not in globs:
        channels = frozenset(name for glob in globs for name in bundle.connections_like(glob))
    return GrantFact(
        id=row.id,
        basis=Basis(row.basis),
        territories=_limits(scope.get("territory")),
        media=_limits(scope.get("medium")),
        uses=_limits(scope.get("use")),
        channels=channels,
        starts=row.starts,
        ends=row.ends,
        revoked_at=row.revoked_at,
    )


def _limits(values: list[str] | None) -> frozenset[str] | None:
    return frozenset(values) if values else None


async def consents_of(connection: AsyncConnection, assets: Sequence[str]) -> dict[str, list[ConsentFact]]:
    """The consents of those whom each asset shows."""
    found: dict[str, list[ConsentFact]] = defaultdict(list)
    rows = await connection.execute(
        sa.select(asset_consents.c.asset_id, consents)
        .join(consents, consents.c.id == asset_consents.c.consent_id)
        .where(among(asset_consents.c.asset_id, assets))
    )
    for row in rows.all():
        found[row.asset_id].append(ConsentFact(row.id, row.person_id, row.starts, row.ends, row.withdrawn_at))
    return found


def any_in_force(found: Sequence[GrantFact], now: datetime) -> bool:
    """Whether at least one grant holds at this instant."""
    now = now.astimezone(UTC)
    return any(
        g.starts <= now and (g.ends is None or now < g.ends) and (g.revoked_at is None or now < g.revoked_at)
        for g in found
    )
