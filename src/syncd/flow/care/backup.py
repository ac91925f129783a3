"""Backups: one committed state of the ledger with every blob it keeps, made while the daemon works."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from syncd import __version__
from syncd.durable import sync
from syncd.errors import ConflictError, RejectedError
from syncd.flow.services import Services
from syncd.ledger import blobs as blob_rows
from syncd.ledger import copying
from syncd.ledger.copying import OWN_PINS, BackupRunning
from syncd.ledger.types import new_id
from syncd.media.blobs import BlobStore

FORMAT = 1
MANIFEST, LEDGER, BLOBS, KEY = "manifest.json", "ledger", "blobs", "anchor.key"
_PINNED_AT_ONCE = 5_000
_PIECE = 1024 * 1024


class BackupExists(ConflictError):
    """Choose another name; each backup is a whole one of its own."""

    code = "backup.exists"


class BadDirectory(RejectedError):
    """Set SYNCD_BACKUPS to a folder that the daemon may write to."""

    code = "backup.directory"


class BackupDamaged(RejectedError):
    """Use another backup: this one is not as it was written."""

    code = "backup.damaged"


class CopiedFile(BaseModel):
    """A file of a backup, by its path within it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    size: int


class Manifest(BaseModel):
    """What a backup holds. `blobs`: hash and size; `ledger`: what `copying` needs to read it back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    id: str
    version: str
    created_at: datetime
    ledger: copying.Copied
    files: list[CopiedFile]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made; `bytes` are those of its blobs."""

    id: str
    directory: str
    created_at: datetime
    store: str
    blobs: int
    bytes: int


class Backups:
    """Makes backups of one daemon, one at a time."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._making = asyncio.Lock()

    async def make(self, name: str, *, by: str) -> Made:
        """Write a backup into a new directory; it has its name only when it is whole.

        Args:
            name: of the directory in the folder of backups; "": the instant, in UTC.
            by: the name of the token that asked, for the trail.

        Raises:
            BackupExists: the directory, or an unfinished one beside it, is there. BackupRunning: another is made.
            BadDirectory: it cannot be written.
        """
        if self._making.locked():
            raise BackupRunning("A backup is being made already.")
        async with self._making:
            directory = self.services.settings.backups_dir / (name or f"{self.services.clock.now():%Y-%m-%dT%H%M%SZ}")
            partial = directory.with_name(f"{directory.name}.partial")
            try:
                await asyncio.to_thread(_make_folders, directory, partial)
                made = await self._write(directory, partial)
            except OSError as error:
                await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
                raise BadDirectory(f"{directory} cannot be written: {error.strerror}.") from error
            except BackupExists:
                raise
            except BaseException:
                await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
                raise
        async with self.services.ledger.write() as transaction:
            for brand in self.services.configuration.active.bundle.brands:
                transaction.record(brand, "backup.made", made.id, blobs=made.blobs, token=by)
        return made

    async def _write(self, directory: Path, partial: Path) -> Made:
        identifier, created_at = new_id(), self.services.clock.now()
        holder = f"{OWN_PINS}{identifier}"
        try:
            await self._pin(holder)
            copied = await copying.copy_out(self.services.ledger, partial / LEDGER)
            await self._pin(holder)  # what came between; younger than the collector's grace
            for sha256, _ in copied.blobs:
                await copy_blob(self.services.blobs, sha256, partial / blob_path(sha256))
        finally:
            async with self.services.ledger.write() as transaction:
                await blob_rows.unpin(transaction, holder)
        await asyncio.to_thread(self._finish, directory, partial, identifier, created_at, copied)
        total = sum(size for _, size in copied.blobs)
        return Made(identifier, str(directory), created_at, copied.store, len(copied.blobs), total)

    async def _pin(self, holder: str) -> None:
        """Keep every blob until the backup is done, a page per transaction."""
        last = ""
        while True:
            async with self.services.ledger.write() as transaction:
                last = await blob_rows.pin_all(transaction, holder, last, _PINNED_AT_ONCE)
            if not last:
                return

    def _finish(
        self, directory: Path, partial: Path, identifier: str, created_at: datetime, copied: copying.Copied
    ) -> None:
        """Write the manifest and give the backup its name."""
        key = self.services.settings.var / KEY
        if key.exists():
            shutil.copy(key, partial / KEY)
            (partial / KEY).chmod(0o600)
        names = [f"{LEDGER}/{name}" for name in copied.files] + ([KEY] if key.exists() else [])
        files = [described(partial, name) for name in names]
        manifest = Manifest(
            format=FORMAT, id=identifier, version=__version__, created_at=created_at, ledger=copied, files=files
        )
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=1))
        for folder in [partial, *(path for path in partial.rglob("*") if path.is_dir()), partial / MANIFEST]:
            sync(folder)
        os.replace(partial, directory)
        sync(directory.parent)


def _make_folders(directory: Path, partial: Path) -> None:
    """Begin a backup beside where it will stand; only its owner reads it."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    for taken in (directory, partial):
        if taken.exists():
            raise BackupExists(f"{taken} is there already.")
    partial.mkdir(mode=0o700)
    (partial / BLOBS).mkdir()
    (partial / LEDGER).mkdir()


def blob_path(sha256: str) -> str:
    """Where a backup keeps a blob."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


async def copy_blob(store: BlobStore, sha256: str, target: Path) -> None:
    """Write a blob into a file, checked on the way.

    Raises:
        NotFoundError: the store does not hold it. BackupDamaged: its bytes are not those of its name.
    """
    digest = hashlib.sha256()
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    with await asyncio.to_thread(target.open, "wb") as file:
        async for piece in store.stream(sha256):
            digest.update(piece)
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(_flush, file.fileno(), file.flush)
    if digest.hexdigest() != sha256:
        raise BackupDamaged(f"The object store holds other bytes under {sha256[:12]}….", remedy="Mend the store first.")


def _flush(descriptor: int, flush: object) -> None:
    if callable(flush):
        flush()
    os.fsync(descriptor)


def described(folder: Path, name: str) -> CopiedFile:
    """A file of a backup as it is now."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(folder / name):
        digest.update(piece)
        size += len(piece)
    return CopiedFile(path=name, sha256=digest.hexdigest(), size=size)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
