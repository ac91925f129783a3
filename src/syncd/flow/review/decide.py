"""A person decides on a version, or takes an asset, a grant or a consent back."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from syncd.domain.asset import VersionStatus
from syncd.domain.delivery import Delivery
from syncd.domain.review import Verdict, may_decide
from syncd.engine.work import LOCAL, Due, Urgency, touch
from syncd.errors import ConflictError, NotFoundError, RejectedError
from syncd.flow.people import person_id
from syncd.flow.review import grants
from syncd.flow.review.rounds import route_from, withdraw_asset
from syncd.flow.services import Services
from syncd.flow.subject import ROW
from syncd.flow.touching import RESPOND, REVIEW, touch_assets
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import asset_consents, asset_grants, decisions, rounds, versions
from syncd.ledger.types import Row, new_id


class Superseded(ConflictError):
    """Look at the current version and decide on that one."""

    code = "review.superseded"


class NotAsked(RejectedError):
    """Ask somebody the review names; `syncd explain ASSET` lists them."""

    code = "review.not-asked"


class NotInReview(ConflictError):
    """`syncd explain ASSET` shows where the version stands."""

    code = "review.not-open"


class UnknownReason(RejectedError):
    """Give one of the codes under `reasons` in mappings/reviews.yaml."""

    code = "review.unknown-reason"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decides: `by` is their mail address, `reason` a declared code (needed unless they approve)."""

    by: str
    verdict: Verdict
    reason: str = ""
    comment: str = ""


async def decide(services: Services, version: str, ruling: Ruling) -> str:
    """Write one person's decision on one version.

    Returns:
        The decision's id.

    Raises:
        NotFoundError: no such version. Superseded: a newer one is current. NotInReview: no round is open on it.
        NotAsked: the person is not among those whose word counts. UnknownReason: the reason is not declared.
    """
    services_reasons = services.configuration.active.bundle.reviews
    declared = services_reasons.reasons if services_reasons else {}
    if ruling.verdict is not Verdict.APPROVE and ruling.reason not in declared:
        raise UnknownReason(f"{ruling.reason or 'An empty reason'} is not a declared reason.", known=sorted(declared))
    async with services.ledger.write() as transaction:
        row = await _version(transaction, version)
        await _require_open(transaction, row, ruling)
        identifier = await _write(services, transaction, row, ruling)
        await touch(transaction, [Due(row.brand, LOCAL, REVIEW, row.asset_id)])
    return identifier


async def _version(transaction: Transaction, version: str) -> Row:
    row = (await transaction.execute(ROW.where(versions.c.id == version))).first()
    if row is None:
        raise NotFoundError(f"There is no version {version}.")
    return row


async def _require_open(transaction: Transaction, row: Row, ruling: Ruling) -> None:
    if not row.current:
        current = await transaction.execute(
            sa.select(versions.c.id, versions.c.number).where(versions.c.asset_id == row.asset_id, versions.c.current)
        )
        newer = current.one()
        raise Superseded(
            f"Version {row.number} of asset {row.asset_id} was superseded by version {newer.number}.",
            current=newer.id,
        )
    found = (await transaction.execute(sa.select(rounds).where(rounds.c.version_id == row.version_id))).first()
    if found is None or row.status != VersionStatus.IN_REVIEW:
        raise NotInReview(f"Version {row.number} of asset {row.asset_id} is {row.status.replace('_', ' ')}.")
    creator = Delivery.model_validate(row.delivery).creator
    if not may_decide(route_from(found.route), ruling.by, submitter=creator.mail if creator else ""):
        raise NotAsked(f"{ruling.by} is not asked about asset {row.asset_id}.")


async def _write(services: Services, transaction: Transaction, row: Row, ruling: Ruling) -> str:
    person = await person_id(transaction, row.brand, ruling.by, mail=ruling.by)
    identifier = new_id()
    await transaction.execute(
        sa.delete(decisions).where(
            decisions.c.version_id == row.version_id, decisions.c.person_id == person, decisions.c.role == ""
        )
    )
    await transaction.execute(
        sa.insert(decisions).values(
            id=identifier, brand=row.brand, version_id=row.version_id, person_id=person, role="",
            verdict=ruling.verdict.value, reason=ruling.reason, comment=ruling.comment, imported_from="",
            revision=services.configuration.active.bundle.revision, at=transaction.now,
        )
    )  # fmt: skip
    transaction.record(
        row.brand, "decision.made", row.version_id, decision=identifier, person=person,
        verdict=ruling.verdict.value, reason=ruling.reason,
    )  # fmt: skip
    return identifier


async def withdraw(
    services: Services, asset: str, *, by: str, because: str, consent: str = "", grant: str = ""
) -> list[str]:
    """Take an asset back, or the consent or grant it rests on; it comes down everywhere at once.

    Args:
        by: mail address of the person who says so. because: why, in a few words.
        consent: id of a consent of the asset that its person withdraws; grant: id of a grant that is revoked.

    Returns:
        the ids of all assets that rest on what was taken back.

    Raises:
        NotFoundError: no such asset, or it does not rest on this consent or grant.
    """
    async with services.ledger.write() as transaction:
        row = (await transaction.execute(ROW.where(versions.c.asset_id == asset, versions.c.current))).first()
        if row is None:
            raise NotFoundError(f"There is no asset {asset}.")
        affected = [asset]
        person = await person_id(transaction, row.brand, by, mail=by)
        transaction.record(row.brand, "asset.taken-back", asset, person=person, consent=consent, grant=grant)
        if consent:
            affected = await _covered(transaction, asset_consents, "consent_id", consent, asset)
            await grants.withdraw_consent(transaction, row.brand, consent)
        elif grant:
            affected = await _covered(transaction, asset_grants, "grant_id", grant, asset)
            await grants.revoke(transaction, row.brand, grant)
        else:
            await withdraw_asset(transaction, row, because)
        bundle = services.configuration.active.bundle
        await touch_assets(transaction, bundle, row.brand, affected, Urgency.TAKEDOWN)
        keys = [Due(row.brand, LOCAL, REVIEW, each, Urgency.TAKEDOWN) for each in affected]
        await touch(transaction, [*keys, Due(row.brand, row.connection, RESPOND, row.submission_id)])
    return affected


async def _covered(transaction: Transaction, link: sa.Table, column: str, identifier: str, asset: str) -> list[str]:
    """All assets that rest on a consent or grant, of which this asset must be one."""
    rows = await transaction.execute(sa.select(link.c.asset_id).where(link.c[column] == identifier))
    found = [row.asset_id for row in rows]
    if asset not in found:
        raise NotFoundError(f"Asset {asset} rests on no {column.removesuffix('_id')} {identifier}.")
    return found
