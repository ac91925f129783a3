"""What a version is to become: the matrix's answer, checked against each spec, kept per revision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.checks import Finding, check
from syncd.domain.media import MediaFacts, RightsMetadata
from syncd.flow.subject import ROW, facts_for_rules, media_facts, rights_metadata
from syncd.ledger.among import among
from syncd.ledger.tables.core import intents, versions
from syncd.ledger.trail import canonical
from syncd.ledger.types import Row
from syncd.mapping.rulebook import Rulebook
from syncd.media.rendition import rendition_key

LIBRARY_COPY = "library-copy"
MASTER = "master"


class Target(NamedTuple):
    """One derivative a version is to become; `refusal` says why it does not fit the spec ("": it does)."""

    connection: str
    spec: str
    role: str
    rendition: str
    entry: str
    location: str
    refusal: str = ""

    @property
    def suffix(self) -> str:
        """What names the placement within its asset."""
        return f"{self.role}:{self.spec}"


def library_rendition(sha256: str, rights: RightsMetadata) -> str:
    """The key of the library copy of a source: its bytes with the rights written into them."""
    return hashlib.sha256(canonical([sha256, LIBRARY_COPY, rights.model_dump(mode="json")])).hexdigest()


def intend(row: Row, rulebook: Rulebook) -> tuple[list[Target], dict[tuple[str, str], list[Finding]]]:
    """Ask the matrix about a version and check it against each spec.

    Args:
        row: of `subject.ROW`, probed.

    Returns:
        the targets, and per (connection, spec) what the checks found.
    """
    facts = media_facts(row)
    if facts is None:
        return [], {}
    rights = rights_metadata(row, facts)
    copy = library_rendition(row.sha256, rights)
    bundle = rulebook.bundle
    targets = [
        Target(name, LIBRARY_COPY, MASTER, copy, "", "")
        for name, connection in bundle.connections.items()
        if connection.brand == row.brand and {"library", "catalog"} & set(connection.roles)
    ]
    findings: dict[tuple[str, str], list[Finding]] = {}
    for wanted in rulebook.wanted(facts_for_rules(row, bundle)):
        spec = bundle.specs[wanted.spec]
        found = findings[wanted.connection, wanted.spec] = check(facts, spec)
        key = rendition_key(row.sha256, spec, rights)
        refusal = _refusal(facts, found, spec.dated.isoformat(), wanted.spec)
        targets.append(Target(wanted.connection, wanted.spec, wanted.role, key, wanted.entry, wanted.location, refusal))
    return targets, findings


def _refusal(_facts: MediaFacts, found: Sequence[Finding], dated: str, spec: str) -> str:
    refusing = [finding.message for finding in found if finding.severity == "refuse"]
    return f"{'; '.join(refusing)} ({spec}, dated {dated})" if refusing else ""


async def load(
    connection: AsyncConnection, rulebook: Rulebook, version_ids: Iterable[str]
) -> tuple[dict[str, list[Target]], dict[str, list[Target]]]:
    """The targets of versions under a revision.

    Returns:
        all of them by version id, and those that were worked out just now, which `save` keeps.
    """
    wanted, revision = list(dict.fromkeys(version_ids)), rulebook.bundle.revision
    rows: Any = await connection.execute(
        sa.select(intents.c.version_id, intents.c.targets).where(
            intents.c.revision == revision, among(intents.c.version_id, wanted)
        )
    )
    known: dict[str, list[Target]] = {
        version: [Target._make(target) for target in targets] for version, targets in rows.all()
    }
    fresh: dict[str, list[Target]] = {}
    if unknown := [version for version in wanted if version not in known]:
        for row in await connection.execute(ROW.where(among(versions.c.id, unknown))):
            if row.facts:
                fresh[row.version_id] = intend(row, rulebook)[0]
    return known | fresh, fresh


def as_rows(brand: str, revision: str, targets: dict[str, list[Target]]) -> list[dict[str, Any]]:
    """Rows that keep worked-out targets."""
    return [
        {
            "version_id": version,
            "revision": revision,
            "brand": brand,
            "targets": [[t.connection, t.spec, t.role, t.rendition, t.entry, t.location, t.refusal] for t in those],
        }
        for version, those in targets.items()
    ]
