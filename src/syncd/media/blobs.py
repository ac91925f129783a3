"""The object store: bytes named by their SHA-256, in a folder or a bucket, durable before a put returns."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from syncd import errors
from syncd.durable import rename_durably, unlink_older, unlink_unless_new

PIECE = 1024 * 1024  # bytes hashed and written at once
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_BUCKETS = ("s3", "gs", "az")


@dataclass(frozen=True)
class BlobInfo:
    """One object: lower-case hexadecimal SHA-256, size in bytes, when the store last wrote it (where it was asked)."""

    hash: str
    size: int
    modified: datetime | None = None


class BlobStore:
    """Content-addressed bytes under `blobs/ab/cd/<sha256>` and a few small named objects under `names/`."""

    def __init__(self, store: ObjectStore, folder: Path | None, url: str) -> None:
        """Use `BlobStore.open`."""
        self._store = store
        self._folder = folder
        self.url = url

    @classmethod
    def open(cls, url: str) -> BlobStore:
        """Open a store: a path or `file:///path` (made if missing), `s3://`, `gs://`, `az://`, or `memory://`.

        Buckets take credentials and endpoint from the environment, as obstore reads them (`AWS_ACCESS_KEY_ID`,
        `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`, ...).

        Raises:
            ConfigError: the URL names no such store, or its settings are incomplete.
        """
        scheme = urlsplit(url).scheme if "://" in url else "file"
        if scheme == "memory":
            return cls(MemoryStore(), None, url)
        if scheme == "file":
            if "://" in url and urlsplit(url).netloc not in ("", "localhost"):
                raise errors.ConfigError(f"{url!r} names a host: write file:///absolute/path, or a plain path.")
            folder = Path(unquote(urlsplit(url).path) if "://" in url else url).absolute()
            (folder / "partial").mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(folder), folder, url)
        if scheme not in _BUCKETS:
            raise errors.ConfigError(
                f"The object store {url!r} is none of a path, file, {', '.join(_BUCKETS)}, memory."
            )
        try:
            return cls(from_url(url), None, url)
        except (BaseError, ValueError) as error:
            raise errors.ConfigError(f"The object store {url!r} cannot be opened: {error}") from error

    @property
    def shared(self) -> bool:
        """Whether processes on other machines see the same objects; a local folder and memory are not."""
        return not isinstance(self._store, LocalStore | MemoryStore)

    async def put_stream(self, chunks: AsyncIterable[bytes], *, limit: int) -> BlobInfo:
        """Store what `chunks` yields; visible only when whole and durable. Memory stays at about `PIECE`.

        Raises:
            HostileInput: reason `too-large`: more than `limit` bytes came.
            TransientError: the store did not take it.
        """
        handle, name = await asyncio.to_thread(self._partial)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                info = await _spool(chunks, file, limit)
            await self._commit(path, info)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return info

    async def put_bytes(self, data: bytes) -> BlobInfo:
        """Store `data`, which is in memory already."""

        async def whole() -> AsyncIterator[bytes]:
            yield data

        return await self.put_stream(whole(), limit=len(data))

    async def put_file(self, path: Path) -> BlobInfo:
        """Store a copy of the local file `path`."""
        with path.open("rb") as file:

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece

            return await self.put_stream(pieces(), limit=2**63)

    async def read(self, hash: str) -> bytes:
        """All bytes of one object.

        Raises:
            NotFoundError: no such object.
        """
        with _translated(hash):
            answer = await obstore.get_async(self._store, _key(hash))
            return bytes(await answer.buffer_async())

    async def stream(self, hash: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes `start` to `end` (exclusive; None: to the last) of one object, in pieces.

        Raises:
            NotFoundError: no such object.
        """
        if end is not None and end <= start:
            return
        with _translated(hash):
            if end is not None:
                answer = await obstore.get_async(self._store, _key(hash), options={"range": (start, end)})
            elif start:
                answer = await obstore.get_async(self._store, _key(hash), options={"range": {"offset": start}})
            else:
                answer = await obstore.get_async(self._store, _key(hash))
            async for piece in answer.stream(min_chunk_size=PIECE):
                yield bytes(piece)

    async def stat(self, hash: str) -> BlobInfo | None:
        """Size and age of one object, or None if there is none."""
        try:
            with _translated(hash):
                meta = await obstore.head_async(self._store, _key(hash))
        except errors.NotFoundError:
            return None
        return BlobInfo(hash, meta["size"], meta["last_modified"])

    @asynccontextmanager
    async def local_path(self, hash: str, suffix: str = "") -> AsyncIterator[Path]:
        """A local file to read: the store's own for a folder (never write to it), else a temporary copy.

        Args:
            suffix: ending of the temporary file's name, for tools that look at it.

        Raises:
            NotFoundError: no such object.
        """
        if self._folder is not None:
            path = self._folder / _key(hash)
            if not await asyncio.to_thread(path.is_file):
                raise _missing(hash)
            yield path
            return
        handle, name = await asyncio.to_thread(tempfile.mkstemp, suffix, "syncd-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for piece in self.stream(hash):
                    await asyncio.to_thread(file.write, piece)
            yield Path(name)
        finally:
            await asyncio.to_thread(Path(name).unlink, missing_ok=True)

    async def delete(self, hash: str) -> None:
        """Forget one object; nothing happens if there is none."""
        with suppress(errors.NotFoundError), _translated(hash):
            await obstore.delete_async(self._store, _key(hash))

    async def collect(self, hash: str, before: datetime) -> bool:
        """Forget an object unless it was stored anew since `before`.

        In a folder a put at the same moment always survives; a bucket has no such step, so there it is looked at last.
        """
        if self._folder is not None:
            target = self._folder / _key(hash)
            return await asyncio.to_thread(unlink_unless_new, target, self._folder / "partial", before.timestamp())
        found = await self.stat(hash)
        if found is None or (found.modified and found.modified >= before):
            return False
        await self.delete(hash)
        return True

    async def list(self) -> AsyncIterator[BlobInfo]:
        """Every object with `modified`, in no order."""
        with _translated("blobs"):
            async for page in obstore.list(self._store, prefix="blobs", chunk_size=500):
                for meta in page:
                    name = meta["path"].rpartition("/")[2]
                    if _HASH.fullmatch(name):
                        yield BlobInfo(name, meta["size"], meta["last_modified"])

    async def put_named(self, name: str, data: bytes) -> None:
        """Store a small object under a name of its own, replacing what is there; durable on return."""
        key = _named(name)
        if self._folder is None:
            with _translated(name):
                await obstore.put_async(self._store, key, data, use_multipart=False)
        else:
            await asyncio.to_thread(self._write_named, self._folder / key, data)

    async def read_named(self, name: str) -> bytes | None:
        """The bytes of a named object, or None if there is none."""
        try:
            with _translated(name):
                return bytes(await (await obstore.get_async(self._store, _named(name))).buffer_async())
        except errors.NotFoundError:
            return None

    async def names(self, prefix: str) -> Sequence[str]:
        """The names of named objects below a folder of names such as `anchors/acme`, sorted."""
        with _translated(prefix):
            pages = [page async for page in obstore.list(self._store, prefix=_named(prefix), chunk_size=1000)]
        return sorted(meta["path"].removeprefix("names/") for page in pages for meta in page)

    async def discard_partial(self, before: datetime) -> int:
        """Remove what interrupted puts left in a folder store before that instant.

        Returns:
            how many files were removed; 0 for a bucket, whose own lifecycle rule does it.
        """
        if self._folder is None:
            return 0
        return await asyncio.to_thread(unlink_older, self._folder / "partial", before.timestamp())

    def _partial(self) -> tuple[int, str]:
        """A temporary file, in a folder store on the same file system, so that it can be renamed into place."""
        where = None if self._folder is None else self._folder / "partial"
        return tempfile.mkstemp(prefix="put-", dir=where)

    async def _commit(self, path: Path, info: BlobInfo) -> None:
        """Put a whole file under its hash. An equal object is replaced, so that its age restarts for the collector."""
        if self._folder is None:
            with _translated(info.hash):
                await obstore.put_async(self._store, _key(info.hash), path)
        else:
            await asyncio.to_thread(rename_durably, path, self._folder / _key(info.hash))

    def _write_named(self, target: Path, data: bytes) -> None:
        handle, name = self._partial()
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        rename_durably(Path(name), target)


def _key(hash: str) -> str:
    if not _HASH.fullmatch(hash):
        raise errors.NotFoundError(f"{hash!r} is not the SHA-256 of an object.")
    return f"blobs/{hash[:2]}/{hash[2:4]}/{hash}"


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise errors.Bug(f"{name!r} cannot name an object.")
    return f"names/{name}"


def _missing(what: str) -> errors.NotFoundError:
    return errors.NotFoundError(f"The object store holds no {what!r}.")


async def _spool(chunks: AsyncIterable[bytes], file: BinaryIO, limit: int) -> BlobInfo:
    """Hash and write `chunks` into `file` a piece at a time, off the event loop."""
    digest, size, pending, waiting = hashlib.sha256(), 0, [b""], 0

    def write() -> None:
        piece = b"".join(pending)
        digest.update(piece)
        file.write(piece)

    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise errors.HostileInput("too-large", f"More than the {limit} bytes allowed arrived.", limit=limit)
        pending.append(bytes(chunk))
        waiting += len(chunk)
        if waiting >= PIECE:
            await asyncio.to_thread(write)
            pending, waiting = [], 0
    await asyncio.to_thread(write)
    return BlobInfo(digest.hexdigest(), size)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the store's errors into ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(what) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise errors.AuthError(f"The object store refused {what!r}: {error}") from error
    except BaseError as error:
        raise errors.TransientError(f"The object store failed on {what!r}: {error}") from error
