"""Restoring a backup into an empty ledger and object store, while no daemon runs on them.

Nothing is written to any system afterwards until a person applied a plan: the world went on since the backup was made.
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import ValidationError

from syncd.clock import Clock
from syncd.errors import NotFoundError, RejectedError
from syncd.flow.care.backup import FORMAT, KEY, LEDGER, MANIFEST, BackupDamaged, Made, Manifest, blob_path, described
from syncd.flow.standing import RESTORED
from syncd.ledger import blobs as blob_rows
from syncd.ledger import copying, meta
from syncd.ledger.sealer import SignedHead
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import anchors, blobs, events, lanes, listings, pins, states, work
from syncd.media.blobs import BlobStore
from syncd.settings import Settings

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class StoresNotEmpty(RejectedError):
    """Restore into an empty object store: name a new one in SYNCD_BLOBS, or move the old folder away."""

    code = "restore.blobs-not-empty"


class OtherStore(RejectedError):
    """Set SYNCD_LEDGER to a store of the kind the backup was made of."""

    code = "restore.other-store"


async def restore(settings: Settings, clock: Clock, directory: Path) -> Made:
    """Bring a backup back.

    Raises:
        NotFoundError: there is no backup. BackupDamaged: it is not as it was written; nothing was restored then.
        LedgerNotEmpty, StoresNotEmpty: there is something already. OtherStore: the ledger's kind differs.
        LedgerInUse: a daemon runs.
    """
    manifest = await asyncio.to_thread(read, directory)
    await asyncio.to_thread(check, directory, manifest)
    ledger, blobs = Ledger(settings.ledger_url, clock), BlobStore.open(settings.blobs_url)
    if ledger.dialect != manifest.ledger.store:
        raise OtherStore(f"The backup is of {manifest.ledger.store}, the ledger here is {ledger.dialect}.")
    async for _ in blobs.list():
        raise StoresNotEmpty(f"The object store {settings.blobs_url} holds something already.")
    try:
        await copying.copy_in(ledger, directory / LEDGER, manifest.ledger)
        for sha256, _ in manifest.ledger.blobs:
            await blobs.put_file(directory / blob_path(sha256))
        await asyncio.to_thread(_restore_key, settings.var, directory)
        async with ledger.write() as transaction:
            await _rearm(transaction, manifest)
        await _anchor_outside(ledger, blobs)
    finally:
        await ledger.close()
    copied = manifest.ledger
    total = sum(size for _, size in copied.blobs)
    return Made(manifest.id, str(directory), manifest.created_at, copied.store, len(copied.blobs), total)


def read(directory: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        NotFoundError: there is none. BackupDamaged: it cannot be read.
    """
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_text())
    except OSError as error:
        remedy = "Name a directory that `syncd backup` made."
        raise NotFoundError(f"There is no backup in {directory}.", remedy=remedy) from error
    except ValidationError as error:
        raise BackupDamaged(f"The manifest of {directory} cannot be read.") from error
    if manifest.format != FORMAT:
        raise BackupDamaged(f"The backup has the format {manifest.format}; this syncd reads {FORMAT}.")
    return manifest


def check(directory: Path, manifest: Manifest) -> None:
    """Compare every file of a backup with its manifest.

    Raises:
        BackupDamaged: naming the first that differs.
    """
    for file in manifest.files:
        if not (directory / file.path).is_file() or described(directory, file.path) != file:
            raise BackupDamaged(f"{file.path} is not as it was written.")
    for sha256, size in manifest.ledger.blobs:
        path = blob_path(sha256)
        if not (directory / path).is_file() or described(directory, path).model_dump() != {
            "path": path, "sha256": sha256, "size": size,
        }:  # fmt: skip
            raise BackupDamaged(f"{path} is not as it was written.")


def _restore_key(var: Path, directory: Path) -> None:
    """The key that signed the heads, so that they still prove something."""
    if (directory / KEY).exists():
        var.mkdir(parents=True, exist_ok=True)
        (var / KEY).touch(mode=0o600)
        shutil.copyfile(directory / KEY, var / KEY)


async def _rearm(transaction: Transaction, manifest: Manifest) -> None:
    """Give up what only the processes of then held, and let nothing be written before a plan is applied."""
    await blob_rows.unpin_like(transaction, copying.OWN_PINS)
    kept = sa.select(pins.c.hash)
    await transaction.execute(sa.delete(blobs).where(blobs.c.hash.not_in(kept)))
    await transaction.execute(sa.update(states).values(applied_at=None))
    await transaction.execute(sa.update(listings).where(listings.c.released != "").values(released=""))
    await transaction.execute(sa.update(lanes).values(owner="", expires_at=_LONG_AGO))
    await transaction.execute(sa.update(work).values(claim_token=None, claimed_until=None, not_before=None))
    await meta.set_value(transaction, RESTORED, transaction.now.isoformat())
    for brand in (await transaction.execute(sa.select(events.c.brand).distinct())).scalars().all():
        transaction.record(brand, "ledger.restored", manifest.id, backup=manifest.created_at.isoformat())


async def _anchor_outside(ledger: Ledger, blobs: BlobStore) -> None:
    """Put each brand's newest signed head into the object store again."""
    newest = sa.select(anchors.c.brand, sa.func.max(anchors.c.position).label("position")).group_by(anchors.c.brand)
    found = newest.subquery()
    query = sa.select(anchors).join(
        found, sa.and_(found.c.brand == anchors.c.brand, found.c.position == anchors.c.position)
    )
    async with ledger.read() as reading:
        heads = [SignedHead(r.brand, r.position, r.chain_hash, r.signature) for r in await reading.execute(query)]
    for head in heads:
        await blobs.put_named(f"anchors/{head.brand}/{head.position:012d}.json", head.as_json())
