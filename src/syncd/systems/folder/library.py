"""A DAM on disk: each asset a folder, its current version with a JSON beside, older versions in `archive/`.

    ASSET/beach-at-dawn.jpg          the current version
    ASSET/beach-at-dawn.jpg.json     its hash, version, status, end of rights, metadata
    ASSET/archive/v1-3f2a9c01.jpg    earlier versions, each with its JSON

Every file's JSON is there before the file is, and each step is atomic: whatever is interrupted anywhere is completed by
doing it again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syncd.durable import sync
from syncd.sdk import files
from syncd.sdk.context import Context
from syncd.sdk.library import LibraryItem, LibraryState

ARCHIVE = "archive"


class FolderLibrary:
    """The methods of the role `library`."""

    def __init__(self, context: Context, folder: Path, url: str) -> None:
        self._context = context
        self._root = folder
        self._url = url

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version as the current one; the one before goes to the archive.

        Raises:
            TransientError: the bytes handed over are not those of the item's hash.
        """
        media = item.media
        folder = self._asset_folder(media.asset)
        extension = Path(media.name).suffix.lower()
        target = folder / f"{files.slug(item.title, files.slug(media.asset))}{extension}"
        record = _record(item)
        if not await asyncio.to_thread(_kept, folder, target, record):
            working = folder / f".{media.sha256[:16]}.part"
            await files.write_stream(working, self._context.media(media), media.sha256)
            await asyncio.to_thread(_replace, folder, working, target, record)
        return await asyncio.to_thread(self._state, media.asset)

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Move the current version to the archive, with this status."""
        await asyncio.to_thread(_archive_all, self._asset_folder(asset), status)
        return await asyncio.to_thread(self._state, asset)

    async def read(self, assets: Sequence[str]) -> Sequence[LibraryState]:
        """What really lies there: each current file is hashed again."""
        return [await asyncio.to_thread(self._state, asset) for asset in assets]

    def _state(self, asset: str) -> LibraryState:
        folder = self._asset_folder(asset)
        for current in _current(folder):
            record = _read_record(current)
            name = current.relative_to(self._root).as_posix()
            url = f"{self._url.rstrip('/')}/{name}" if self._url else current.resolve().as_uri()
            return LibraryState(asset, name, files.sha256_of(current), str(record.get("status", "")), url)
        archived = [json.loads(path.read_bytes()) for path in (folder / ARCHIVE).glob("*.json")]
        last: dict[str, Any] = max(archived, key=lambda record: int(record.get("version", 0)), default={})
        return LibraryState(asset, status=str(last.get("status", "")), exists=False)

    def _asset_folder(self, asset: str) -> Path:
        return self._root / files.safe_name(asset)


def _record(item: LibraryItem) -> dict[str, Any]:
    media = item.media
    return {
        "asset": media.asset,
        "version": media.version,
        "sha256": media.sha256,
        "size": media.size,
        "media_type": media.media_type,
        "title": item.title,
        "status": item.status,
        "rights_until": item.rights_until.isoformat() if item.rights_until else None,
        "alt": media.alt,
        "metadata": dict(item.metadata),
    }


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _current(folder: Path) -> list[Path]:
    """Files in use: one, unless something was interrupted or put there by hand."""
    if not folder.is_dir():
        return []
    visible = (path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith("."))
    found = (path for path in visible if path.suffix != ".json")
    # What syncd put there comes first: a stranger's file must not pass for the version.
    return sorted(found, key=lambda path: not _beside(path).is_file())


def _read_record(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(_beside(file).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(file: Path, record: dict[str, Any]) -> None:
    files.write_atomically(_beside(file), (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def _kept(folder: Path, target: Path, record: dict[str, Any]) -> bool:
    """Whether the version's bytes are there already; name and record are then made right, and no byte is written."""
    held = next((path for path in _current(folder) if files.sha256_of(path) == record["sha256"]), None)
    if held is None:
        return False
    _write_record(target, record)
    if held != target:
        _archive_one(folder, target)
        held.rename(target)
        _beside(held).unlink(missing_ok=True)
    for other in _current(folder):
        if other != target:
            _archive_one(folder, other)
    _clean(folder, target)
    return True


def _replace(folder: Path, working: Path, target: Path, record: dict[str, Any]) -> None:
    for old in _current(folder):
        _archive_one(folder, old)
    _write_record(target, record)
    working.rename(target)
    sync(folder)
    _clean(folder, target)


def _archive_all(folder: Path, status: str) -> None:
    for current in _current(folder):
        _archive_one(folder, current, status)
    _mark_archived(folder, status)
    _clean(folder, None)


def _archive_one(folder: Path, file: Path, status: str = "superseded") -> None:
    """Move a file to `archive/`; its record goes first."""
    if not file.is_file():
        return
    digest, record = files.sha256_of(file), _read_record(file)
    if record.get("sha256") != digest:
        record = {"sha256": digest, "changed_by_others": True, "version": record.get("version", 0)}
    name = f"v{record['version']}-{digest[:8]}{file.suffix}"
    archived = folder / ARCHIVE / name
    _write_record(archived, {**record, "status": status})
    files.move_new(file, archived)
    _beside(file).unlink(missing_ok=True)


def _mark_archived(folder: Path, status: str) -> None:
    """Give the newest archived version the asset's status, if a withdrawal was interrupted before that."""
    records = [(path, json.loads(path.read_bytes())) for path in (folder / ARCHIVE).glob("*.json")]
    newest = max(records, key=lambda found: int(found[1].get("version", 0)), default=None)
    if newest and newest[1].get("status") != status:
        _write_record(newest[0].with_suffix(""), {**newest[1], "status": status})


def _clean(folder: Path, current: Path | None) -> None:
    """Remove what an interruption left: working files, and records of files that are not there."""
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
    for record in folder.glob("*.json"):
        if current is None or record != _beside(current):
            record.unlink(missing_ok=True)
