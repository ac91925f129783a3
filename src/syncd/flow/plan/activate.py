"""Making another revision active: what it could change is looked at again, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.domain.asset import VersionStatus
from syncd.engine.work import LOCAL, Due, Urgency, touch
from syncd.flow.care.housekeeping import SWEEP
from syncd.flow.services import Services
from syncd.flow.touching import CHECK
from syncd.ledger.tables.core import versions
from syncd.mapping.rulebook import Rulebook

_PAGE = 1000
_UNDECIDED = (VersionStatus.RECEIVED.value, VersionStatus.HELD.value)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did: the revision that is active now, whether it was not before, and which files differ."""

    revision: str
    changed: bool
    files: tuple[str, ...]


async def reload(services: Services, files: Mapping[str, str] | None, principal: str) -> Reloaded:
    """Validate files and follow them, without a plan: inferred removals stay under the brake, and connections with
    `writes: ask` keep to the revision of their plan.

    Args:
        files: text by path; None: those on this process's disk.

    Raises:
        problems.InvalidFiles: with every fault at its place; the revision that was active stays.
    """
    configuration = services.configuration
    given = files if files is not None else await asyncio.to_thread(configuration.read_disk)
    before = configuration.active.bundle.files
    rulebook = await configuration.store(given)
    after = rulebook.bundle.files
    differing = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    changed = await make_active(services, rulebook, principal)
    return Reloaded(rulebook.bundle.revision, changed, tuple(differing))


async def make_active(services: Services, rulebook: Rulebook, principal: str) -> bool:
    """Activate a stored revision and make everything due that it could change; whether it was not active before."""
    changed = await services.configuration.activate(rulebook, by=principal)
    if changed:
        for brand in rulebook.bundle.brands:
            await _look_again(services, brand)
    return changed


async def _look_again(services: Services, brand: str) -> None:
    """The sweep looks at every asset, product and place anew; versions not decided on are checked by the new specs."""
    last = ""
    while True:
        async with services.ledger.write() as transaction:
            if not last:
                await touch(transaction, [Due(brand, LOCAL, SWEEP, "", Urgency.PUBLISH)])
            rows = await transaction.execute(
                sa.select(versions.c.id)
                .where(
                    versions.c.brand == brand, versions.c.current, versions.c.status.in_(_UNDECIDED),
                    versions.c.id > last,
                )
                .order_by(versions.c.id)
                .limit(_PAGE)
            )  # fmt: skip
            page = rows.scalars().all()
            await touch(transaction, [Due(brand, LOCAL, CHECK, version) for version in page])
        if len(page) < _PAGE:
            return
        last = page[-1]
