"""A document at a path or a URL that somebody else keeps: read whole or not at all, and only when it changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from syncd.errors import NotFoundError, TransientError
from syncd.sdk.faults import NOT_MODIFIED
from syncd.sdk.http import HttpClient


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as it is now; `version` changes whenever it does."""

    file: IO[bytes]
    version: str
    local: bool

    def require_unchanged(self) -> None:
        """Raises TransientError if the file was written to while it was read."""
        if self.local and _file_version(self.file) != self.version:
            raise TransientError(f"{self.file.name} was changed while it was read.")


class Resource:
    """Where the document is."""

    def __init__(self, location: str, root: Path, http: HttpClient, limit: int, seconds: float) -> None:
        """
        Args:
            location: path (relative to `root`) or http(s) URL.
            root: SYNCD_ROOT.
            http: for URLs.
            limit: bytes it may have.
            seconds: a download may take.
        """
        self.location = location
        self._remote = location.startswith(("http://", "https://"))
        self._path = root / location
        self._http, self._limit, self._seconds = http, limit, seconds

    @property
    def extension(self) -> str:
        """The lower-case extension in its name, without dot."""
        return self.location.partition("?")[0].rpartition("/")[2].rpartition(".")[2].lower()

    @asynccontextmanager
    async def open(self, known: str = "") -> AsyncIterator[Opened | None]:
        """Open it for reading from its beginning; None if its version still is `known`.

        Args:
            known: the `version` seen before.

        Raises:
            NotFoundError: it does not exist. TransientError: it could not be read whole.
        """
        with ExitStack() as stack:
            if self._remote:
                file: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
                version = await self._fetched(file, known)
                file.seek(0)
            else:
                file = stack.enter_context(await asyncio.to_thread(self._local))
                version = _file_version(file)
            yield Opened(file, version, not self._remote) if version != known else None

    def _local(self) -> IO[bytes]:
        try:
            file = self._path.open("rb")
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no file {self._path}.", remedy="Correct the path in the options.") from error
        except OSError as error:
            raise TransientError(f"{self._path} cannot be read: {error.strerror}.") from error
        if os.fstat(file.fileno()).st_size > self._limit:
            file.close()
            raise TransientError(f"{self._path} is larger than {self._limit} bytes.", remedy="Raise `limit`.")
        return file

    async def _fetched(self, file: IO[bytes], known: str) -> str:
        """The version downloaded into `file`; `known` if that is still served."""
        seen = json.loads(known) if known.startswith("{") else {}
        conditions = {"if-none-match": seen.get("etag", ""), "if-modified-since": seen.get("modified", "")}
        headers = {name: value for name, value in conditions.items() if value} | {"cache-control": "no-cache"}
        answer = await self._http.download(
            self.location, file, limit=self._limit, seconds=self._seconds, headers=headers
        )
        if answer.status_code == NOT_MODIFIED:
            return known
        file.seek(0)
        digest = await asyncio.to_thread(_digest, file)
        if digest == seen.get("sha256"):
            return known
        tags = {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}
        return json.dumps({"sha256": digest, **{name: value for name, value in tags.items() if value}}, sort_keys=True)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _file_version(file: IO[bytes]) -> str:
    stat = os.fstat(file.fileno())
    return f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}"
