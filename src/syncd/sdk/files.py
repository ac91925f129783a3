"""Files that survive a crash at any point: whole or absent, never overwritten by accident."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

from syncd.durable import sync
from syncd.errors import TransientError

CHUNK = 2**20


def slug(text: str, fallback: str = "untitled") -> str:
    """`text` as a file name: lower-case ASCII letters, digits and hyphens, at most 80."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or fallback


def safe_name(text: str) -> str:
    """A file name for an identifier: itself where that is harmless, else its slug and a hash that tells it apart."""
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}", text) and not text.endswith((".", " ")):
        return text
    return f"{slug(text)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold `data`: whoever reads it sees the old content or the new, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync(path.parent)


async def write_stream(path: Path, chunks: AsyncIterator[bytes], sha256: str) -> None:
    """Write a stream to `path` durably; `path` is a working file that nobody else reads yet.

    Raises:
        TransientError: the bytes are not those of `sha256`; `path` is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        async for chunk in chunks:
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(_flush, file.fileno(), file.flush)
    if digest.hexdigest() != sha256:
        await asyncio.to_thread(path.unlink)
        raise TransientError(f"The bytes for {path.name} are not those of {sha256[:8]}.")


def _flush(handle: int, flush: object) -> None:
    assert callable(flush)
    flush()
    os.fsync(handle)


def move_new(source: Path, target: Path) -> Path:
    """Move a file to a name nothing has yet, across devices too; returns where it is now.

    A taken name is kept: the same bytes under it count as moved already, other bytes give this file a name with its
    hash. Interrupted anywhere, the same call completes it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        digest = sha256_of(source)
        if sha256_of(target) != digest:
            target = target.with_name(f"{target.stem}.{digest[:8]}{target.suffix}")
    if not target.exists():
        _place(source, target)
    sync(target.parent)
    if not os.path.samefile(source, target) and sha256_of(source) != sha256_of(target):
        return target  # the source was replaced meanwhile: that is another file, which stays
    source.unlink()
    sync(source.parent)
    return target


def _place(source: Path, target: Path) -> None:
    """Give `source` the second name `target`, by a link, else by a durable copy; never overwrites."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        working = target.with_name(f".{target.name}.part")
        shutil.copy2(source, working)
        handle = os.open(working, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(working, target)
